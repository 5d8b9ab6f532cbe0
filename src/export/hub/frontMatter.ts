/** The YAML at the head of a model card, by which the Hugging Face Hub lists and filters it. */
import { stringify } from 'yaml';
import type { CardData } from './cardData';
import { hubLicense } from './license';

/** Names on the Hub of sources that are one known data set. */
const DATA_SETS: Readonly<Record<string, string>> = {
  cifar10: 'uoft-cs/cifar10',
  cifar100: 'uoft-cs/cifar100',
  'cifar100-coarse': 'uoft-cs/cifar100',
  imagenet: 'ILSVRC/imagenet-1k',
};

export function frontMatter(card: CardData): string {
  const { provenance, license, form, measured } = card;
  const task = form.kind === 'classifier' ? 'image-classification' : 'image-feature-extraction';
  const sources = [provenance.data, provenance.unlabelled, provenance.from?.data ?? null];
  const datasets = [...new Set(sources.flatMap((name) => DATA_SETS[name ?? ''] ?? []))];
  const fields = {
    ...hubLicense(license),
    library_name: 'onnx',
    pipeline_tag: task,
    tags: ['onnx', 'self-supervised', 'selfie', 'resnet', 'vision'],
    ...(datasets.length > 0 && { datasets }),
    ...(measured?.accuracy != null && {
      'model-index': [{ name: provenance.name, results: [result(task, measured, measured.accuracy)] }],
    }),
  };
  return `---\n${stringify(fields, { lineWidth: 0 })}---\n`;
}

const result = (task: string, { data, split }: NonNullable<CardData['measured']>, accuracy: number) => ({
  task: { type: task },
  dataset: {
    name: data,
    type: DATA_SETS[data] ?? data.split(':', 1)[0],
    ...(split === 'test' && { split }),
  },
  metrics: [{ type: 'accuracy', value: accuracy, name: 'Accuracy' }],
});
