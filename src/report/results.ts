/** The section of results: a row a run, with columns for whatever some run has. */
import path from 'node:path';
import { mean } from '../base/statistics';
import { publicSource } from '../data/sources/publicSource';
import { paragraph, table, type Cell, type Section } from '../draw/page';
import { describeImages, type Predictions } from '../evaluation/predictions';
import type { ShownRun } from './shownRun';
import type { ProbeResult } from './runView';
import { percent } from '../draw/theme';

/** Training lines whose mean stands for "now". */
const LAST = 100;

const count = (n: number) => n.toLocaleString('en');

interface Column {
  readonly title: string;
  /** aligned to the right */
  readonly number?: boolean;
  readonly cell: (run: ShownRun) => Cell;
  /** default: always */
  readonly where?: (run: ShownRun) => boolean;
}

const recent = ({ lines }: ShownRun, key: string, show: (value: number) => string) =>
  lines.length > 0 ? show(mean(lines.slice(-LAST).map((line) => line[key]))) : 'none yet';

/** Mean and its standard error. */
function withError(values: Float32Array): Cell {
  const numbers = Array.from(values);
  const average = mean(numbers);
  const variance = mean(numbers.map((x) => (x - average) ** 2));
  return [percent(average), `± ${percent(Math.sqrt(variance / numbers.length))}`];
}

/** The step is said where the run has gone on since. */
function probeCell(found: ProbeResult | null, { checkpoint }: ShownRun): Cell {
  if (!found) return 'not run';
  const { accuracy, interval, chance, split, labels, step } = found;
  const [low, high] = interval;
  return [
    percent(accuracy),
    `${(100 * low).toFixed(1)} to ${percent(high)}`,
    `chance ${percent(chance)}`,
    `${split} images`,
    labels === null ? 'all labels' : `labels: ${labels}`,
    ...(step === checkpoint?.step ? [] : [`step ${count(step)}`]),
  ];
}

/** `accuracyTitle`: of the accuracy of the images that the networks looked at. */
const columns = (accuracyTitle: string): readonly Column[] => [
  {
    title: 'run',
    cell: ({ name, bundle: { manifest } }) => [
      name,
      manifest.recipeName,
      `${count(manifest.parameters)} parameters`,
    ],
  },
  {
    title: 'data',
    cell: ({ settings }) =>
      settings
        ? [
            publicSource(settings.data),
            settings.labels === null ? 'all images' : `labels: ${settings.labels}`,
          ]
        : 'none yet',
  },
  {
    title: 'starts from',
    cell: ({ settings }) =>
      settings?.initFrom == null ? 'random weights' : path.basename(settings.initFrom),
  },
  {
    title: 'step',
    number: true,
    cell: ({ lines, settings, bundle }) => [
      count(lines.at(-1)?.step ?? 0),
      `of ${count(settings?.steps ?? bundle.manifest.recipe.schedule.steps)}`,
    ],
  },
  {
    title: 'training accuracy',
    number: true,
    cell: (run) => [
      recent(run, 'accuracy', percent),
      `loss ${recent(run, 'loss', (x) => x.toFixed(3))}`,
      `chance ${percent(run.chance)}`,
    ],
  },
  {
    title: 'validation while training',
    number: true,
    cell: ({ validation }) => {
      const last = validation.at(-1);
      return last
        ? [percent(last.accuracy), `loss ${last.loss.toFixed(3)}`, `step ${count(last.step)}`]
        : 'none';
    },
    where: ({ validation }) => validation.length > 0,
  },
  {
    title: accuracyTitle,
    number: true,
    cell: ({ predictions }) => (predictions ? withError(predictions.accuracy) : 'not run'),
  },
  {
    title: 'nearest neighbour agrees',
    number: true,
    cell: ({ agreement }) =>
      agreement ? [percent(agreement.accuracy), `chance ${percent(agreement.chance)}`] : 'not run',
  },
  { title: 'kNN', number: true, cell: (run) => probeCell(run.knn, run), where: ({ knn }) => knn !== null },
  {
    title: 'linear probe',
    number: true,
    cell: (run) => probeCell(run.linearProbe, run),
    where: ({ linearProbe }) => linearProbe !== null,
  },
  {
    title: 'images/s',
    number: true,
    cell: (run) => recent(run, 'images_per_second', (x) => count(Math.round(x))),
  },
];

const ACCURACY_TITLE: Readonly<Record<Predictions['split'], string>> = {
  test: 'test accuracy',
  validation: 'validation accuracy',
  train: 'accuracy',
  all: 'accuracy',
};

export function resultsSection(runs: readonly ShownRun[], augmented: boolean): Section {
  const looked = runs.flatMap(({ predictions }) => predictions ?? []);
  const titles = [...new Set(looked.map(({ split }) => ACCURACY_TITLE[split]))];
  const title = titles.length === 1 ? titles[0] : 'accuracy';
  const shown = columns(title).filter(({ where }) => !where || runs.some(where));
  const notes = [
    `Training figures are means of the last ${LAST} steps or fewer. Accuracy is of hidden patches put in their place for pretraining, of classes for finetuning.`,
    ...(looked.length > 0
      ? [
          `The columns "${title}" and "nearest neighbour agrees" come from ${[...new Set(looked.map(describeImages))].join('; ')}, ${augmented ? 'augmented as in training' : 'as they are'}; ± is the standard error of the mean. The neighbour is the nearest of these images by cosine of the embeddings, and agrees where it has the same class.`,
        ]
      : []),
    ...(runs.some(({ knn, linearProbe }) => knn ?? linearProbe)
      ? ['kNN and linear probe are what the commands of these names found last, with 95 % intervals.']
      : []),
  ];
  const numbers = new Set(shown.flatMap(({ number }, i) => (number ? [i] : [])));
  const rows = runs.map((run) => shown.map(({ cell }) => cell(run)));
  const head = shown.map((column) => column.title);
  return {
    id: 'results',
    title: 'Results',
    body: [table(head, rows, numbers), paragraph(notes.join(' '), true)].join('\n'),
  };
}
