/** The part of a model card that says what was trained on what. */
import type { CardData } from './cardData';
import { escape } from './markdown';

const UNKNOWN = 'not known: the folder of the run does not say';

export function training(card: CardData): string {
  const { manifest, step, provenance, license } = card;
  const { recipe, recipeName, parameters, producer } = manifest;
  const { data, labels, unlabelled, seed } = provenance;
  const rows: [string, string][] = [
    ['recipe', `\`${recipeName}\` (\`config.json\` has all of its settings)`],
    [
      'task',
      recipe.task === 'pretrain'
        ? 'pretraining without labels, by [Selfie](https://arxiv.org/abs/1906.02940)'
        : 'classification, with labels',
    ],
    ['started from', startedFrom(card)],
    ['data', data === null ? UNKNOWN : escape(data)],
    ...(recipe.task === 'finetune' ? [['labels', labelsUsed(data, labels)] as [string, string]] : []),
    ...(recipe.consistency.ratio > 0
      ? [
          [
            'unlabelled images',
            `${unlabelled === null ? 'of the same data' : escape(unlabelled)}, by FixMatch`,
          ] as [string, string],
        ]
      : []),
    ['steps', `${step} of ${recipe.batch * provenance.accumulate} images`],
    ...(recipe.average.decay > 0 ? [['weights', 'moving averages over the steps'] as [string, string]] : []),
    ['seed', seed === null ? UNKNOWN : String(seed)],
    ['trained parameters', String(parameters)],
    ['licence of the training data', license === null ? 'not stated' : escape(license)],
    ['written by', escape(producer)],
  ];
  return ['| | |', '| --- | --- |', ...rows.map(([name, value]) => `| ${name} | ${value} |`)].join('\n');
}

function labelsUsed(data: string | null, labels: string | null): string {
  if (data === null) return UNKNOWN;
  if (labels === null) return 'all';
  return labels.includes('/') ? `a subset: ${labels}` : `a subset of ${labels}`;
}

function startedFrom({ provenance: { from, data } }: CardData): string {
  if (data === null) return UNKNOWN;
  if (from === null) return 'random weights';
  const { name, step, recipeName, data: trainedOn, task } = from;
  const words = [
    `the weights of \`${name}\``,
    ...(step === null ? [] : [`after step ${step}`]),
    ...(task === null
      ? []
      : [task === 'pretrain' ? 'pretrained without labels by Selfie' : 'trained with labels']),
    ...(recipeName === null ? [] : [`recipe \`${recipeName}\``]),
    ...(trainedOn === null ? [] : [`on ${escape(trainedOn)}`]),
  ];
  return words.join(', ');
}
