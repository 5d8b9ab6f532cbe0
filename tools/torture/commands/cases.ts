/** The commands that are disturbed: what they need, what they write, and what of it changes together. */
import { isAsked, type Setting } from '../section';
import { CLASSIFIER, COMPUTE, DATA, FINETUNE, PRETRAIN, SMALL, THREADS } from './material';

export interface CommandCase {
  readonly name: string;
  /** entries of the material, as `copyMaterial` takes them */
  readonly copy: readonly string[];
  /** run before, to have an older result that is replaced */
  readonly before?: readonly string[];
  readonly args: readonly string[];
  /** what is run after the disturbance; default: `args` */
  readonly again?: readonly string[];
  /** paths that are old or new together, whatever happens in between */
  readonly whole: readonly (readonly string[])[];
  /** what may be there while the command is unfinished, and nothing else */
  readonly unfinished?: RegExp;
  /** ends at SIGINT, SIGTERM and SIGHUP in an orderly way */
  readonly isLong?: boolean;
}

const pretraining = ['train', 'pre', '--steps', '12', ...PRETRAIN];
const finetuning = ['train', 'fine', '--steps', '8', ...FINETUNE];
const CHECKPOINT =
  /^(pre|fine)\/(checkpoints|tensorboard|run\.json|metrics\.jsonl|validation\.jsonl?|load-report\.json)/;

const exported = (format: string, out: string, ...more: string[]) => [
  'export',
  'fine',
  '--to',
  format,
  '--out',
  out,
  ...more,
];
/** An export of the newest checkpoint, into an empty place and over that of an older one. */
function exportsTo(format: string, out: string, whole: readonly string[], ...more: string[]): CommandCase[] {
  const args = exported(format, out, ...more);
  const common = { copy: ['photos', 'fine'], args, whole: [whole], isLong: true };
  return [
    { name: `export ${format}`, ...common },
    { name: `export ${format} over another`, ...common, before: [...args, '--checkpoint', '2'] },
  ];
}

/** `embed` into a new file, and over an older one. */
function embeds(name: string, files: readonly string[]): CommandCase[] {
  const args = ['embed', DATA, '--model', 'fine', '--to', files[0], '--batch', '8', ...THREADS];
  const common = {
    copy: ['photos', 'fine'],
    whole: [files],
    unfinished: /^rows\.(npy|parquet)\.partial/,
    isLong: true,
  };
  return [
    { name: `embed ${name}`, ...common, args },
    {
      name: `embed ${name} over another`,
      ...common,
      before: ['embed', DATA, '--model', 'fine', '--checkpoint', '2', '--to', files[0], ...THREADS],
      args: [...args, '--overwrite'],
    },
  ];
}

export const CASES: readonly CommandCase[] = [
  {
    name: 'build-graph',
    copy: [],
    args: ['build-graph', 'embedded-pretrain', ...SMALL, '--out', 'pre'],
    whole: [['pre/graph']],
  },
  {
    name: 'build-graph over another',
    copy: [],
    before: ['build-graph', 'embedded-finetune', ...CLASSIFIER, '--out', 'pre'],
    args: ['build-graph', 'embedded-pretrain', ...SMALL, '--out', 'pre'],
    whole: [['pre/graph']],
  },
  {
    name: 'train',
    copy: ['photos', 'bare-pre>pre'],
    args: pretraining,
    again: [...pretraining, '--resume'],
    whole: [['pre/graph'], ['pre/run.json']],
    unfinished: CHECKPOINT,
    isLong: true,
  },
  {
    name: 'train --init-from --validation',
    copy: ['photos', 'pre', 'bare-fine>fine'],
    args: finetuning,
    again: [...finetuning, '--resume'],
    whole: [['fine/graph'], ['pre'], ['fine/run.json'], ['fine/validation.json']],
    unfinished: CHECKPOINT,
    isLong: true,
  },
  {
    name: 'train --resume',
    copy: ['photos', 'half>pre'],
    args: ['train', 'pre', '--resume', ...THREADS],
    whole: [['pre/graph']],
    unfinished: CHECKPOINT,
    isLong: true,
  },
  {
    name: 'experiment',
    copy: ['photos', 'grid.json'],
    args: ['experiment', 'grid.json', '--data', DATA, '--out', 'grid', ...THREADS],
    whole: [],
    unfinished: /^grid(\/|$)/,
    isLong: true,
  },
  ...embeds('npy', ['rows.npy', 'rows.csv']),
  ...embeds('parquet', ['rows.parquet']),
  ...exportsTo('onnx', 'fine.onnx', ['fine.onnx']),
  ...exportsTo('safetensors', 'fine.safetensors', ['fine.safetensors']),
  ...exportsTo('hub', 'hub', ['hub'], '--data', DATA),
  ...exportsTo('web', 'site', ['site']),
  ...exportsTo('model-repository', 'repository', ['repository']),
  {
    name: 'report',
    copy: ['photos', 'fine'],
    args: ['report', 'fine', '--images', '8', ...THREADS],
    whole: [],
    unfinished: /^fine\/report-pictures/,
    isLong: true,
  },
  {
    name: 'knn',
    copy: ['photos', 'pre'],
    args: ['knn', 'pre', '--data', DATA, ...THREADS],
    whole: [['pre/knn.json']],
    isLong: true,
  },
  {
    name: 'linear-probe',
    copy: ['photos', 'pre'],
    args: ['linear-probe', 'pre', '--data', DATA, ...THREADS],
    whole: [['pre/linear-probe.json']],
    isLong: true,
  },
  {
    name: 'evaluate --predictions',
    copy: ['photos', 'fine'],
    args: ['evaluate', 'fine', '--data', DATA, '--predictions', 'predictions.json', ...THREADS],
    whole: [['fine'], ['predictions.json']],
    isLong: true,
  },
  {
    name: 'profile',
    copy: ['fine'],
    args: [
      'profile',
      'fine',
      '--steps',
      '1',
      '--json',
      'fine.profile.json',
      '--trace',
      'fine.trace.json',
      ...COMPUTE,
    ],
    whole: [],
    isLong: true,
  },
  {
    name: 'tune',
    copy: [],
    args: ['tune', 'embedded-pretrain', ...SMALL, '--out', 'pre.tuned.json', ...COMPUTE],
    whole: [['pre.tuned.json']],
    isLong: true,
  },
  {
    name: 'data pack',
    copy: ['photos'],
    args: ['data', 'pack', DATA, '--to', 'photos.pack', '--size', '32'],
    whole: [['photos.pack']],
    isLong: true,
  },
  {
    name: 'data info --sheet',
    copy: ['photos'],
    args: ['data', 'info', DATA, '--sheet', 'sheet.png'],
    whole: [['sheet.png']],
    isLong: true,
  },
  {
    name: 'predict',
    copy: ['photos', 'classifier.onnx'],
    args: ['predict', 'photos/test/pear/0.png', '--model', 'classifier.onnx', ...COMPUTE],
    whole: [['classifier.onnx']],
  },
  {
    name: 'inspect',
    copy: ['photos', 'pre'],
    args: ['inspect', 'pre', '--image', 'photos/test/pear/0.png', '--to', 'inspected.png'],
    whole: [['inspected.png']],
  },
];

/** What a short run tries. */
const SHORT = /^(build-graph over another|train|embed npy over another)$/;

/** The cases that are asked for. */
export const casesOf = (setting: Setting): CommandCase[] =>
  CASES.filter(({ name }) => isAsked(setting, name) && (!setting.short || SHORT.test(name)));
