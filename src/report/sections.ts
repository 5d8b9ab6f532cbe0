/** The sections of a report; pictures go into `pictures` too, under the names of their files. */
import { patchCounts } from '../bundle/checkRecipe';
import { countTensors, describeReinitialized, describeSource } from '../run/loadReport';
import { chartsOf } from './charts';
import { mistakes } from './confusion';
import { curveSpec } from '../draw/curves';
import { details, figure, heading, key, paragraph, table, type Html, type Section } from '../draw/page';
import { confusionPicture, mapPicture, neighbourPicture, patchPictures } from './pictures';
import { describeImages } from '../evaluation/predictions';
import type { Pictures, ShownRun } from './shownRun';
import { measurements } from './runView';
import { percent, seriesColour } from '../draw/theme';
import { renderChart } from '../draw/vega';

const PATCH_IMAGES = 6;
const QUERIES = 8;
const MOST_MISTAKES = 8;

const count = (n: number) => n.toLocaleString('en');
const fileName = (name: string) => name.replace(/[^\w.-]+/g, '-').replace(/^[-.]+/, '') || 'run';

export async function curvesSection(runs: readonly ShownRun[], pictures: Pictures): Promise<Section | null> {
  const body: Html[] = [];
  for (const task of ['pretrain', 'finetune'] as const) {
    const some = runs
      .filter(({ bundle, lines }) => bundle.manifest.recipe.task === task && lines.length > 0)
      .map((run) => ({ ...run, lines: measurements(run.lines, run.validation) }));
    if (some.length === 0) continue;
    if (runs.some(({ bundle }) => bundle.manifest.recipe.task !== task))
      body.push(heading(task === 'pretrain' ? 'Pretraining' : 'Finetuning'));
    body.push(key(some.map(({ name }, i) => [seriesColour(i), name] as const)));
    const guess = same(some.map((run) => run.chance));
    const figures: Html[] = [];
    for (const chart of chartsOf(some)) {
      const chance = chart.withChance ? guess : undefined;
      const svg = await renderChart(curveSpec(some, { ...chart, chance }));
      pictures.set(`${task}-${chart.name}`, svg);
      figures.push(figure(svg));
    }
    body.push(`<div class="charts">${figures.join('\n')}</div>`);
  }
  if (body.length === 0) return null;
  const what =
    'Lines are means of neighbouring steps, bands reach from their least to their largest value; dots are single measurements.';
  return { id: 'curves', title: 'Curves', body: [paragraph(what, true), ...body].join('\n') };
}

/** The value that all of them have, or undefined. */
const same = (values: readonly number[]): number | undefined =>
  values.every((value) => value === values[0]) ? values[0] : undefined;

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
        `An image, then the nearest of ${describeImages(predictions)} by cosine of the embeddings. ${says}`,
        true,
      ),
      figure(rows),
    );
    const { svg } = await mapPicture(predictions, units);
    pictures.set(`${fileName(name)}-map`, svg);
    maps.push(
      heading(name),
      paragraph(
        `Embeddings (${units.width} values, scaled to length 1) of ${describeImages(predictions)} on their first two principal components.`,
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
    const { counts, names, shown, svg } = confusion;
    const rest = names.length - shown;
    const left =
      rest === 0
        ? ''
        : ` Only the ${shown} classes with most mistakes are shown; ${rest} others are left out.`;
    const over = `Percent of each true class, over ${describeImages(predictions)}.${left}`;
    body.push(heading(name), paragraph(over, true), figure(svg));
    pictures.set(`${fileName(name)}-confusion`, svg);
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
