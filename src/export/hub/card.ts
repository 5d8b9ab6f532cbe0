/** The model card: README.md of a folder for the Hugging Face Hub. */
import type { OnnxValueInfo } from '../../onnx/model';
import { channelNames, imageShape } from '../../bundle/imageShape';
import { largestPixel, pixelType } from '../../tensors/pixels';
import { architecture, preprocessorConfig } from './configs';
import { type CardData, LABELS, MODEL, PHOTO, WEIGHTS } from './cardData';
import { frontMatter } from './frontMatter';
import { limits } from './limits';
import { escape } from './markdown';
import { isPhoto, snippets } from './snippets';
import { training } from './training';

/** Class names that the card lists. */
const NAMED = 50;

export const modelCard = (card: CardData): string =>
  [
    frontMatter(card).trimEnd(),
    `# ${escape(card.provenance.name)}`,
    summary(card),
    '## Training',
    training(card),
    '## Figures',
    figures(card),
    '## Limits',
    limits(card)
      .map((limit) => `- ${limit}`)
      .join('\n'),
    '## Inputs and outputs',
    ports(card),
    '## Use',
    use(card),
  ].join('\n\n') + '\n';

function summary({ manifest, form, labels, outputs }: CardData): string {
  const { network, image } = manifest.recipe;
  const blocks = `${network.stages.join(', ')} bottleneck blocks, width ${network.width}`;
  const pool = network.globalPool === 'attention' ? ', attention pooling over its last map' : '';
  const net = `A ${network.version === 'v1' ? '' : 'pre-activation '}ResNet (${architecture(network)}: ${blocks}${pool})`;
  const { width: wide, height, channels, bits } = imageShape(image);
  const colours = channels === 1 ? ' in gray' : channels === 3 ? '' : ` and ${channels} channels`;
  const size = `images of ${wide} x ${height}${colours}${bits === 16 ? ' with 16 bits' : ''}`;
  const width = outputs.find(({ name }) => name === 'embedding')?.shape[1];
  const what = labels
    ? `that puts ${size} into ${labels.length} classes`
    : `that turns ${size} into embeddings of ${width} numbers`;
  const rounded = form.precision === 'float32' ? '' : ` The ONNX files compute in ${form.precision}.`;
  return `${net} ${what}. It was trained with selfie-onnx and runs wherever ONNX does.${rounded}`;
}

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;

function figures({ measured, form }: CardData): string {
  if (!measured)
    return 'None was measured when this folder was made (`selfie export` measures on the images of `--data`).';
  const { images, accuracy, float32Accuracy, cosine, data, split } = measured;
  const which =
    split === 'test'
      ? `${images} images of the test split of ${escape(data)}`
      : `${images} images of ${escape(data)}, which has no test split, so that the network may have been trained on them`;
  const lines = [
    ...(accuracy === null ? [] : [`Accuracy (top 1): **${percent(accuracy)}** of ${which}.`]),
    ...(float32Accuracy === null ? [] : [`The same network in float32: ${percent(float32Accuracy)}.`]),
    ...(cosine === null
      ? []
      : [`Mean cosine to the embeddings of float32: ${cosine.toFixed(5)}, on ${which}.`]),
  ];
  if (lines.length === 0)
    return `None: \`--data\` gave ${which}, and of an encoder in ${form.precision} nothing is measured on images.`;
  return `${lines.join(' ')} Measured on \`${MODEL}\` when this folder was made.`;
}

function ports({ manifest, outputs, labels }: CardData): string {
  const { image } = manifest.recipe;
  const { mean, std } = image;
  const { width, height, channels, bits } = imageShape(image);
  const colour = channelNames(channels);
  const largest = largestPixel(bits);
  const numbers = (values: readonly number[]) => values.join(', ');
  const inputs = [
    '| file | `image` | what it takes |',
    '| --- | --- | --- |',
    `| \`${MODEL}\` | float32 [batch, ${channels}, ${height}, ${width}] | ${colour} x from 0 to ${largest}, channels first, as (x / ${largest} - mean) / std with mean ${numbers(mean)} and std ${numbers(std)} |`,
    `| \`${PHOTO}\` | ${pixelType(bits)} [batch, height, width, ${channels}] | ${colour} pixels of any size, channels last; cutting, resizing and normalizing are inside |`,
  ];
  const results = [
    '| output | shape | what it is |',
    '| --- | --- | --- |',
    ...outputs.map((output) => `| \`${output.name}\` | ${shapeOf(output)} | ${OUTPUTS[output.name] ?? ''} |`),
  ];
  const notes = [
    `Evaluation takes ${width === height ? 'the middle square of 7/8 of the shorter side' : 'in the middle 7/8 of the largest box of that ratio'} and resizes it to ${width} x ${height}, with a linear filter that widens where it reduces; ` +
      `a picture of ${width} x ${height} is taken whole. Libraries decode and resize a little differently, and results on photographs differ with them.` +
      (preprocessorConfig(image)
        ? " `preprocessor_config.json` says the same for transformers' " +
          'BitImageProcessor, but that it cuts a picture of the right size, too, rounds differently by a pixel, and does not ' +
          'turn photographs upright, which has to be done before.'
        : ` There is no \`preprocessor_config.json\`: that knows squares of gray or RGB with 8 bits alone; \`${PHOTO}\` does all of it.`),
    `\`${WEIGHTS}\` has the weights and running statistics in float32, by torchvision's names.` +
      (labels ? ` \`${LABELS}\` has the name of each class, a line for each.` : ''),
    ...(labels && labels.length <= NAMED ? [`Classes: ${labels.map(escape).join(', ')}.`] : []),
  ];
  return [inputs.join('\n'), results.join('\n'), ...notes].join('\n\n');
}

const OUTPUTS: Readonly<Record<string, string>> = {
  embedding: 'what the last stage says of the image, pooled',
  logits: 'a score for each class',
  probabilities: 'softmax of the logits',
  map: 'the last map before the average',
};

const shapeOf = ({ dtype, shape }: OnnxValueInfo) => `${dtype} [${shape.join(', ')}]`;

const use = (card: CardData): string =>
  [
    isPhoto(card)
      ? `Each program reads \`photo.jpg\` and lies in this folder.`
      : `The program reads \`image.npy\`, ${pixelType(imageShape(card.manifest.recipe.image).bits)} [height, width, channels], and lies in this folder.`,
    ...snippets(card).flatMap(({ title, install, file, language, code }) => [
      `### ${title}`,
      `\`${file}\` (${install}):`,
      `\`\`\`${language}\n${code}\n\`\`\``,
    ]),
  ].join('\n\n');
