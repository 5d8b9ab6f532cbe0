/** The part of a model card that says what is not to be expected. */
import { imageShape } from '../../bundle/imageShape';
import type { CardData } from './cardData';
import { escape } from './markdown';

export function limits({ manifest, form, labels, provenance, measured }: CardData): string[] {
  const { recipe } = manifest;
  const { width, height, channels } = imageShape(recipe.image);
  const data = provenance.data === null ? 'its training data' : escape(provenance.data);
  const shrink = `Images are reduced to ${width} x ${height} pixels, and of a photograph only the middle ${width === height ? 'square ' : ''}is seen: what is small or at the edge is lost.`;
  return [
    `What it learned comes from ${data}; on other images it may do anything.`,
    ...(provenance.data === 'embedded'
      ? ['Those are generated pictures of simple shapes: it has never seen a photograph.']
      : []),
    shrink,
    ...(channels === 1
      ? ['It sees gray. Libraries make gray of colours in different ways, and the numbers differ with them.']
      : []),
    ...(labels
      ? [
          `It knows ${labels.length} classes and puts every image into one of them; the probabilities are not calibrated.`,
        ]
      : [
          'An embedding has no meaning by itself; how well it serves a task has to be measured on that task.',
        ]),
    'Nobody has evaluated its fairness, its biases or its robustness. Do not decide about people with it.',
    ...(measured ? [] : ['How accurate it is was not measured for this card.']),
    ...(form.precision === 'float32'
      ? []
      : [
          `The ONNX files are rounded to ${form.precision}, the weights in safetensors are not: their results differ.`,
        ]),
    ...(recipe.task === 'pretrain' || provenance.from?.task === 'pretrain'
      ? ['Selfie (2019) is an early and light method of pretraining; later ones reach more with few labels.']
      : []),
  ];
}
