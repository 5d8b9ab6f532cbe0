/** The sections of a report; pictures go into `pictures` too, under the names of their files. */
import { patchCounts } from '../bundle/checkRecipe';
import { countTensors, describeReinitialized, describeSource } from '../training/initFrom';
import { mistakes } from './confusion';
import { CURVES, curveSpec, mean } from './curves';
import { details, figure, heading, key, paragraph, table, type Cell, type Html, type Section } from './page';
import { confusionPicture, mapPicture, neighbourPicture, patchPictures } from './pictures';
import type { Predictions } from './predictions';
import type { Pictures, ShownRun } from './report';
import { percent, seriesColour } from './theme';
import { renderChart } from './vega';

/** Training lines whose mean stands for "now". */
const LAST = 100;
const PATCH_IMAGES = 6;
const QUERIES = 8;
const MOST_MISTAKES = 8;

const count = (n: number) => n.toLocaleString('en');
const fileName = (name: string) => name.replace(/[^\w.-]+/g, '-').replace(/^[-.]+/, '') || 'run';

/** Mean and its standard error. */
function withError(values: Float32Array): Cell {
  const numbers = Array.from(values);
  const average = mean(numbers);
  const variance = mean(numbers.map((x) => (x - average) ** 2));
  return [percent(average), `± ${percent(Math.sqrt(variance / numbers.length))}`];
}

const of = ({ indices, available, split }: Predictions) =>
  indices.length === available
    ? `all ${count(available)} images of the ${split} split`
    : `${count(indices.length)} of the ${count(available)} images of the ${split} split`;

export function resultsSection(runs: readonly ShownRun[], augmented: boolean): Section {
  const head = ['run', 'data', 'starts from', 'step', 'training loss', 'training accuracy', 'chance'].concat([
    'test accuracy',
    'nearest neighbour agrees',
    'images/s',
    'parameters',
  ]);
  const rows = runs.map(({ name, bundle, settings, lines, chance, predictions, agreement }): Cell[] => {
    const last = lines.slice(-LAST);
    const recent = (of: string) => mean(last.map((line) => line[of]));
    const { recipe, recipeName, parameters } = bundle.manifest;
    const steps = settings?.steps ?? recipe.schedule.steps;
    return [
      [name, recipeName],
      settings
        ? [settings.data, settings.labels === null ? 'all images' : `labels: ${settings.labels}`]
        : 'none yet',
      settings?.initFrom ?? 'random weights',
      [count(last[last.length - 1]?.step ?? 0), `of ${count(steps)}`],
      last.length > 0 ? recent('loss').toFixed(3) : 'none yet',
      last.length > 0 ? percent(recent('accuracy')) : 'none yet',
      percent(chance),
      predictions ? withError(predictions.accuracy) : 'not run',
      agreement ? [percent(agreement.accuracy), `chance ${percent(agreement.chance)}`] : 'not run',
      last.length > 0 ? count(Math.round(recent('images_per_second'))) : 'none yet',
      count(parameters),
    ];
  });
  const measured = runs.find(({ predictions }) => predictions)?.predictions;
  return {
    id: 'results',
    title: 'Results',
    body: [
      table(head, rows, new Set([3, 4, 5, 6, 7, 8, 9, 10])),
      paragraph(
        `Training figures are means of the last ${LAST} steps or fewer. Accuracy is of hidden patches put in their place for pretraining, of classes for finetuning.` +
          (measured
            ? ` The test columns come from ${of(measured)}, ${augmented ? 'augmented as in training' : 'as they are'}; ± is the standard error of the mean. The neighbour is the nearest of these images by cosine of the embeddings, and agrees where it has the same class.`
            : ''),
        true,
      ),
    ].join('\n'),
  };
}

export async function curvesSection(runs: readonly ShownRun[], pictures: Pictures): Promise<Section | null> {
  const body: Html[] = [];
  for (const task of ['pretrain', 'finetune'] as const) {
    const some = runs.filter(({ bundle, lines }) => bundle.manifest.recipe.task === task && lines.length > 0);
    if (some.length === 0) continue;
    if (runs.some(({ bundle }) => bundle.manifest.recipe.task !== task))
      body.push(heading(task === 'pretrain' ? 'Pretraining' : 'Finetuning'));
    body.push(key(some.map(({ name }, i) => [seriesColour(i), name] as const)));
    const chances = new Set(some.map(({ chance }) => chance));
    const [chance] = chances.size === 1 ? chances : [];
    const figures: Html[] = [];
    for (const curve of CURVES) {
      const svg = await renderChart(curveSpec(some, curve.key === 'accuracy' ? { ...curve, chance } : curve));
      pictures.set(`${task}-${curve.key.replaceAll('_', '-')}`, svg);
      figures.push(figure(svg));
    }
    body.push(`<div class="charts">${figures.join('\n')}</div>`);
  }
  if (body.length === 0) return null;
  const what = 'Lines are means of neighbouring steps, bands reach from their least to their largest value.';
  return { id: 'curves', title: 'Curves', body: [paragraph(what, true), ...body].join('\n') };
}

export async function patchSection(
  runs: readonly ShownRun[],
  pictures: Pictures,
  augmented: boolean,
): Promise<Section | null> {
  const body: Html[] = [];
  for (const { name, bundle, predictions } of runs) {
    if (!predictions) continue;
    const svgs = await patchPictures(bundle.manifest, predictions, PATCH_IMAGES);
    if (svgs.length === 0) continue;
    svgs.forEach((svg, i) => pictures.set(`${fileName(name)}-patches-${i + 1}`, svg));
    const { hidden, patches } = patchCounts(bundle.manifest.recipe);
    body.push(
      heading(name),
      paragraph(
        `${hidden} of ${patches} patches are hidden. Each row of a table is the query for one hidden place, each column a hidden patch, in the order of their places: the right answers lie on the diagonal. The frame is the pick; ✓ and a blue frame: right, ✗ and an orange, in the image dashed, frame: wrong. Images are ${augmented ? 'augmented as in training' : 'not augmented'}.`,
        true,
      ),
      `<div class="pictures">${svgs.map(figure).join('\n')}</div>`,
    );
  }
  return body.length === 0 ? null : { id: 'patches', title: 'Hidden patches', body: body.join('\n') };
}

export async function embeddingSections(runs: readonly ShownRun[], pictures: Pictures): Promise<Section[]> {
  const near: Html[] = [];
  const maps: Html[] = [];
  for (const { name, bundle, predictions, units, agreement } of runs) {
    if (!predictions || !units || predictions.indices.length < 3) continue;
    const rows = await neighbourPicture(bundle.manifest, predictions, units, QUERIES);
    pictures.set(`${fileName(name)}-neighbours`, rows);
    const says = agreement
      ? `The nearest neighbour has the image's class for ${percent(agreement.accuracy)} (chance ${percent(agreement.chance)}). Blue frame: same class; orange, dashed: another.`
      : '';
    near.push(
      heading(name),
      paragraph(
        `An image, then the nearest of ${of(predictions)} by cosine of the embeddings. ${says}`,
        true,
      ),
      figure(rows),
    );
    const { svg } = await mapPicture(predictions, units);
    pictures.set(`${fileName(name)}-map`, svg);
    maps.push(
      heading(name),
      paragraph(
        `Embeddings (${units.width} values, scaled to length 1) of ${of(predictions)} on their first two principal components.`,
        true,
      ),
      figure(svg),
    );
  }
  if (near.length === 0) return [];
  return [
    { id: 'neighbours', title: 'Nearest neighbours', body: near.join('\n') },
    { id: 'map', title: 'Map of embeddings', body: maps.join('\n') },
  ];
}

export async function confusionSection(
  runs: readonly ShownRun[],
  pictures: Pictures,
): Promise<Section | null> {
  const body: Html[] = [];
  for (const { name, bundle, predictions } of runs) {
    const confusion = predictions && (await confusionPicture(bundle.manifest, predictions));
    if (!confusion) continue;
    const { counts, names, svg } = confusion;
    body.push(heading(name), paragraph(`Percent of each true class, over ${of(predictions)}.`, true));
    if (svg !== null) {
      pictures.set(`${fileName(name)}-confusion`, svg);
      body.push(figure(svg));
    }
    const worst = mistakes(counts, names.length).slice(0, MOST_MISTAKES);
    if (worst.length === 0) continue;
    const rows = worst.map((m) => [names[m.truth], names[m.predicted], count(m.count), percent(m.fraction)]);
    body.push(table(['true class', 'taken for', 'images', 'of the class'], rows, new Set([2, 3])));
  }
  return body.length === 0 ? null : { id: 'confusion', title: 'Confusion matrix', body: body.join('\n') };
}

export function recipeSection(runs: readonly ShownRun[]): Section {
  const body = runs.flatMap(({ name, bundle, settings, loadReport }) => {
    const reinitialized = loadReport ? describeReinitialized(loadReport) : [];
    return [
      heading(name),
      ...(loadReport
        ? [
            paragraph(`Weights from ${describeSource(loadReport)}, in tensors:`),
            table(
              ['part', 'loaded', 'reinitialized', 'fresh', 'left behind'],
              countTensors(loadReport).map(([part, ...counts]) => [part, ...counts.map(count)]),
              new Set([1, 2, 3, 4]),
            ),
          ]
        : []),
      ...(reinitialized.length > 0
        ? [paragraph(`Reinitialized, as the data asks for other shapes: ${reinitialized.join(', ')}.`, true)]
        : []),
      details('Resolved recipe', JSON.stringify(bundle.manifest.recipe, null, 2)),
      ...(settings ? [details('Settings of the run', JSON.stringify(settings, null, 2))] : []),
    ];
  });
  return { id: 'recipe', title: 'Recipe and load report', body: body.join('\n') };
}
