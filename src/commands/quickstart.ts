/** `selfie quickstart`: the whole path on the data set that the package generates itself. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { buildBundle } from '../../graphs/tasks';
import { patchCounts } from '../bundle/checkRecipe';
import { loadRecipe } from '../../graphs/recipes/load';
import { UserError } from '../base/errors';
import { removeWhole } from '../base/temporary';
import { evaluate, type Evaluation } from '../evaluation/evaluate';
import { createReporter } from '../training/progress';
import { train } from '../training/trainer';
import { describeBundle } from './build-graph';
import { defineCommand, print, text, warn, whole } from './command';
import { percent } from './evaluate';
import { exportRun } from '../export/exportRun';
import { formatExport } from './formatExport';

const DATA = 'embedded';

export const quickstartCommand = defineCommand({
  name: 'quickstart',
  describe: 'pretrain, finetune, evaluate and export on generated images; minutes, no network',
  examples: [['quickstart', 'into models/quickstart']],
  positionals: {},
  options: {
    out: { ...text('folder to write to'), default: path.join('models', 'quickstart') },
    labels: { ...text('labelled images to finetune with: 1% or 200'), default: '200' },
    seed: whole('--seed', 0, "of order, augmentation and dropout (default: the recipes')"),
  },
  run: ({ out, labels, seed }) => quickstart(out, labels, seed),
});

/** Runs everything into `out`, replacing an earlier quickstart there, and prints what it did and found. */
export async function quickstart(out: string, labels: string, seed?: number): Promise<void> {
  const started = performance.now();
  const pretrained = path.join(out, 'pretrain');
  const finetuned = path.join(out, 'finetune');
  const scratch = path.join(out, 'scratch');
  [pretrained, finetuned, scratch].forEach(removeEarlier);

  print('1/5  pretraining: find the hidden patches of unlabelled images');
  await buildAndTrain('embedded-pretrain', pretrained, { seed });
  print(`2/5  finetuning from the pretrained encoder with ${labels} labels`);
  await buildAndTrain('embedded-finetune', finetuned, { labels, seed, initFrom: pretrained });
  print(`3/5  the same network from scratch with the same ${labels} labels`);
  await buildAndTrain('embedded-finetune', scratch, { labels, seed });

  print('4/5  evaluating all three on held-out images');
  const [patches, withPretraining, fromScratch] = [
    await evaluate({ directory: pretrained, data: DATA }, warn),
    await evaluate({ directory: finetuned, data: DATA }, warn),
    await evaluate({ directory: scratch, data: DATA }, warn),
  ];

  print('5/5  exporting, each file checked against the evaluation graph');
  const exportTo = (directory: string, name: string) => ({
    directory,
    out: path.join(directory, 'export', name),
  });
  const encoder = await exportRun({ ...exportTo(pretrained, 'encoder.onnx'), kind: 'encoder' }, warn);
  const classifier = await exportRun({ ...exportTo(finetuned, 'classifier.onnx'), kind: 'classifier' }, warn);
  for (const report of [encoder, classifier]) print(`     ${formatExport(report)}`);

  print();
  print(
    `Done in ${Math.round((performance.now() - started) / 1000)} s. On ${fromScratch.count} held-out images:`,
  );
  const { hidden } = patchCounts(loadRecipe('embedded-pretrain').recipe);
  const { classes } = loadRecipe('embedded-finetune').recipe.network;
  const rows = [
    ['hidden patches put in their place', patches, hidden],
    ['classes, pretrained', withPretraining, classes],
    ['classes, from scratch', fromScratch, classes],
  ] as const;
  for (const [what, { accuracy }, choices] of rows)
    print(`  ${what.padEnd(34)} ${percent(accuracy).padStart(8)}   (chance ${percent(1 / choices)})`);
  print(verdict(withPretraining, fromScratch));
  print();
  print(`Runs: ${[pretrained, finetuned, scratch].join(', ')} (models/README.md explains a run's folder)`);
  print(`Files for any ONNX runtime: ${encoder.file}, ${classifier.file}`);
  print('Next: selfie recipes; selfie build-graph --help; selfie train --help');
}

/** Whether pretraining helped, as far as one run each can tell: beyond two standard errors of the difference. */
export function verdict(
  pretrained: Pick<Evaluation, 'accuracy' | 'count'>,
  scratch: Pick<Evaluation, 'accuracy' | 'count'>,
): string {
  const variance = ({ accuracy, count }: typeof scratch) => (accuracy * (1 - accuracy)) / count;
  const difference = pretrained.accuracy - scratch.accuracy;
  const error = Math.sqrt(variance(pretrained) + variance(scratch));
  const points = `${(100 * Math.abs(difference)).toFixed(1)} points`;
  const doubt = '(one run each; the spread between seeds is not in this)';
  if (difference > 2 * error) return `Pretraining helped here: ${points} better than from scratch ${doubt}.`;
  if (difference < -2 * error)
    return `Pretraining did harm here: ${points} worse than from scratch ${doubt}.`;
  return `Pretraining made no clear difference here: ${points} ${difference < 0 ? 'worse' : 'better'}, within chance ${doubt}.`;
}

async function buildAndTrain(
  recipeName: string,
  directory: string,
  options: { labels?: string; seed?: number; initFrom?: string },
): Promise<void> {
  const { recipe } = loadRecipe(recipeName);
  describeBundle(buildBundle(recipeName, recipe, directory)).forEach((line) => print(`     ${line}`));
  await train({ directory, data: DATA, ...options }, { reporter: createReporter() });
}

/** Removes the run of an earlier quickstart; refuses a folder that holds anything else. */
function removeEarlier(directory: string): void {
  if (!existsSync(directory)) return;
  const manifest = path.join(directory, 'graph', 'manifest.json');
  const ours = existsSync(manifest) && readFileSync(manifest, 'utf8').includes('"recipeName": "embedded-');
  if (!ours)
    throw new UserError(`${directory}: is there and not from a quickstart; give another folder with --out`);
  removeWhole(directory);
}
