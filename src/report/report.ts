/** `selfie report`: reads runs, lets their networks answer, and writes the page with its pictures beside it. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { writeFileAtomic } from '../base/files';
import type { Move } from '../base/moves';
import { stage } from '../base/staging';
import { UserError } from '../base/errors';
import { reportPage } from '../draw/page';
import { svgToPng } from '../draw/png';
import { readPredictions, type Predictions } from '../evaluation/predictions';
import { openRun, type ComputeOptions, type ReadOptions } from '../run/openRun';
import { readRuns, type RunView } from './runView';
import { resultsSection } from './results';
import { confusionSection, curvesSection, embeddingSections, patchSection, recipeSection } from './sections';
import { shown, type Pictures, type ShownRun } from './shownRun';
import { standalone } from '../draw/theme';

export interface ReportOptions extends ComputeOptions, ReadOptions {
  readonly directories: readonly string[];
  /** the page; default: report.html in the first folder */
  readonly to?: string;
  /** default: what each run was trained on */
  readonly data?: string;
  /** images for everything but the curves; default test. validation: those that each run kept from training */
  readonly split?: 'test' | 'validation';
  /** of the split; 0: no network is run. Default 1000 */
  readonly images?: number;
  /** augments them as training does */
  readonly augment?: boolean;
}

export interface Report {
  readonly page: string;
  /** folder of the pictures */
  readonly pictures: string;
  /** pictures in it, each as SVG and PNG */
  readonly count: number;
}

const IMAGES = 1000;

/** Writes the page and the pictures. Throws a UserError for folders, data or checkpoints that are not what they should be. */
export async function report(
  options: ReportOptions,
  warn: (line: string) => void = () => {},
): Promise<Report> {
  const { directories, images = IMAGES } = options;
  const page = options.to ?? path.join(directories[0], 'report.html');
  if (!/\.html?$/.test(page)) throw new UserError(`--to ${page}: expected a name that ends in .html`);
  const views = readRuns(directories, warn);
  const runs: ShownRun[] = [];
  for (const view of views) {
    if (images === 0) runs.push(shown(view, null));
    else runs.push(shown(view, await answers(view, images, options, warn)));
  }
  const pictures: Pictures = new Map();
  const augmented = options.augment ?? false;
  const sections = [
    resultsSection(runs, augmented),
    await curvesSection(runs, pictures),
    await patchSection(runs, pictures, augmented),
    ...(await embeddingSections(runs, pictures)),
    await confusionSection(runs, pictures),
    recipeSection(runs),
  ].flatMap((section) => section ?? []);
  const title = runs.length === 1 ? `Selfie: ${runs[0].name}` : `Selfie: ${runs.length} runs`;
  const subtitle = runs.map(({ name, bundle }) => `${name} (${bundle.manifest.recipeName})`).join(' · ');
  const { producer } = runs[0].bundle.manifest;
  const html = reportPage(title, subtitle, sections, `Made by selfie report from bundles of ${producer}.`);

  const folder = page.replace(/\.html?$/, '-pictures');
  await stage(page, async (staging) => {
    const made = staging.inside('pictures');
    mkdirSync(made);
    for (const [name, svg] of pictures) {
      const plain = standalone(svg);
      writeFileAtomic(path.join(made, `${name}.svg`), plain);
      writeFileAtomic(path.join(made, `${name}.png`), await svgToPng(plain));
    }
    writeFileAtomic(staging.inside('page'), html);
    const moves: Move[] = existsSync(folder)
      ? readdirSync(made).map((name) => [path.join('pictures', name), path.join(folder, name)])
      : [['pictures', folder]];
    staging.commit([...moves, ['page', page]]);
  });
  return { page, pictures: folder, count: pictures.size };
}

async function answers(
  { directory, checkpoint, settings }: RunView,
  count: number,
  { data, split = 'test', augment = false, broken, provider, threads, workers }: ReportOptions,
  warn: (line: string) => void,
): Promise<Predictions | null> {
  if (!checkpoint) {
    warn(`${directory}: no checkpoint yet, so only its curves are shown`);
    return null;
  }
  const from = data ?? settings?.data;
  if (from === undefined)
    throw new UserError(`${directory}: has no run.json that names its data; give --data`);
  const policy = broken ?? settings?.broken ?? 'fail';
  const run = openRun({ directory, checkpoint, provider, threads });
  return readPredictions(run, { data: from, split, count, augment, broken: policy, workers }, warn);
}
