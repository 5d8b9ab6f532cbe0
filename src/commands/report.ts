/** `selfie report DIR [DIR ...]` */
import { BROKEN } from '../base/broken';
import { SOURCE_FORMS } from '../data/sources/readers';
import { defineCommand, print, provider as providerOption, text, warn, whole } from './command';

export const reportCommand = defineCommand({
  name: 'report',
  describe: 'write a page with the curves, pictures and results of runs, and each picture as PNG and SVG',
  examples: [
    ['report models/mini', 'models/mini/report.html'],
    ['report models/fine models/scratch --to compare.html', 'two runs, their curves in the same charts'],
    ['report models/fine --split validation', 'without looking at the test split'],
    ['report models/fine --images 0', 'curves and settings only; no network is run'],
  ],
  positionals: {
    dirs: {
      type: 'string',
      array: true,
      demandOption: true,
      describe: 'folders of runs, each with its bundle in graph/',
    },
  },
  options: {
    to: text('the page (default: report.html in the first folder); pictures go beside it'),
    data: text(`images to look at: ${SOURCE_FORMS.join(', ')} (default: what each run was trained on)`),
    split: {
      choices: ['test', 'validation'],
      default: 'test',
      requiresArg: true,
      describe: "which of them; validation: each run's own, kept from training",
    },
    images: whole('--images', 0, 'how many of the split, evenly spread (default: 1000)'),
    augment: {
      type: 'boolean',
      default: false,
      describe: 'augment the images as in training, from a fixed seed',
    },
    broken: {
      choices: BROKEN,
      requiresArg: true,
      describe:
        'images that cannot be decoded end the command, or are left out (default: as each run was trained)',
    },
    provider: providerOption,
    threads: whole('--threads', 1, 'threads that compute (default: all)'),
    workers: whole('--workers', 1, 'threads that decode'),
  },
  run: async ({ dirs, to, data, split, images, augment, broken, provider, threads, workers }) => {
    const machine = { provider, threads, workers };
    const options = { directories: dirs, to, data, split, images, augment, broken, ...machine };
    // Not at the top: the charts' library takes time and memory that the other commands need not spend.
    const { report } = await import('../report/report.js');
    const { page, pictures, count } = await report(options, warn);
    print(`page: ${page}`);
    print(`pictures: ${count} in ${pictures}, as SVG and PNG`);
  },
});
