/** `selfie predict IMAGE... --model MODEL` */
import { predict, TOP, type Prediction } from '../inference/predict';
import { defineCommand, print, warn, whole } from './command';
import { model, modelOptions } from './model';

export const predictCommand = defineCommand({
  name: 'predict',
  describe: 'classes of images, the likeliest first',
  examples: [
    ['predict cat.jpg --model models/fine', 'a table of file, class and probability'],
    ['predict photos --model classifier.onnx --top 1 --json', 'for programs: a line of JSON an image'],
    ['predict - --model models/fine < cat.jpg', 'an image on stdin'],
  ],
  positionals: {
    images: {
      type: 'string',
      array: true,
      demandOption: true,
      describe: 'image files, folders of them, or - for stdin',
    },
  },
  options: {
    model,
    top: whole('--top', 1, `classes an image (default: ${TOP})`),
    json: { type: 'boolean', default: false, describe: 'print a line of JSON an image' },
    ...modelOptions,
  },
  run: async ({ json, ...options }) => {
    const { files, classes, each } = await predict(options, warn);
    const line = tableLine(files, classes);
    let failed = 0;
    for await (const prediction of each) {
      if ('error' in prediction) {
        failed++;
        process.stderr.write(`${prediction.error}\n`);
      }
      if (json) print(JSON.stringify(prediction));
      else tableRows(prediction).forEach((row) => print(line(row)));
    }
    if (failed > 0) {
      process.stderr.write(`${failed} of ${files.length} images could not be read\n`);
      process.exitCode = 1;
    }
  },
});

type Row = readonly [file: string, name: string, probability: string];

/** A row a class; the file's name stands in each, so that lines can be sorted and searched. */
const tableRows = (prediction: Prediction): Row[] =>
  'error' in prediction
    ? []
    : prediction.classes.map(({ name, probability }) => [
        prediction.file,
        name,
        `${(100 * probability).toFixed(2)} %`,
      ]);

/** Lays out a row under those before it. */
function tableLine(files: readonly string[], classes: readonly string[]): (row: Row) => string {
  const longest = (texts: readonly string[]) =>
    texts.reduce((width, { length }) => Math.max(width, length), 0);
  const [file, name] = [longest(files), Math.max(longest(classes), 'class 999'.length)];
  return ([first, second, third]) => `${first.padEnd(file)}  ${second.padEnd(name)}  ${third.padStart(8)}`;
}
