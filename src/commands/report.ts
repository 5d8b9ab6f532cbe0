/** `selfie report DIR [DIR ...]` */
import { defineCommand, print, provider as providerOption, text, warn, whole } from './command';

export const reportCommand = defineCommand({
  name: 'report',
  describe: 'write a page with the curves, pictures and results of runs, and each picture as PNG and SVG',
  examples: [
    ['report models/mini', 'models/mini/report.html'],
    ['report models/fine models/scratch --to compare.html', 'two runs, their curves in the same charts'],
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
    data: text(
      'images to look at: embedded, cifar10:PATH or folder:PATH (default: what each run was trained on)',
    ),
    images: whole('--images', 0, 'how many of the test split, evenly spread (default: 1000)'),
    augment: {
      type: 'boolean',
      default: false,
      describe: 'augment the images as in training, from a fixed seed',
    },
    provider: providerOption,
    threads: whole('--threads', 1, 'threads that compute (default: all)'),
    workers: whole('--workers', 1, 'threads that decode'),
  },
  run: async ({ dirs, to, data, images, augment, provider, threads, workers }) => {
    const options = { directories: dirs, to, data, images, augment, provider, threads, workers };
    // Not at the top: the charts' library takes time and memory that the other commands need not spend.
    const { report } = await import('../report/report.js');
    const { page, pictures, count } = await report(options, warn);
    print(`page: ${page}`);
    print(`pictures: ${count} in ${pictures}, as SVG and PNG`);
  },
});
