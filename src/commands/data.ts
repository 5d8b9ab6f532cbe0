/** `selfie data info | pack | download`: what data is made of, decoded once into a file, and where to get it. */
import { statSync } from 'node:fs';
import { maxOf, minOf } from '../base/lists';
import { writeFileAtomic } from '../base/files';
import { ARCHIVES, download } from '../data/tools/download';
import { contactSheet, inspectSource, type SplitInfo } from '../data/tools/info';
import { openSplits, packSource } from '../data/tools/pack';
import { SOURCE_FORMS } from '../data/sources/readers';
import { UserError } from '../base/errors';
import { broken, defineCommand, positional, print, text, warn, whole } from './command';

const source = positional(SOURCE_FORMS.join(', '));

export const dataInfo = defineCommand({
  name: 'info',
  describe: 'count images, classes and broken files; sizes, mean and deviation; a contact sheet',
  examples: [['data info folder:photos --sheet photos.png', 'and what it looks like']],
  positionals: { source },
  options: {
    sheet: text('write a contact sheet of the first split as PNG'),
    limit: whole('--limit', 1, 'decode so many images of each split, drawn at random (default: all)'),
    json: { type: 'boolean', default: false, describe: 'print the result as one line of JSON' },
  },
  run: async ({ source: spec, sheet, limit, json }) => {
    const { sources, missing } = await openSplits(spec, 'optional');
    try {
      const infos: SplitInfo[] = [];
      for (const each of sources) infos.push(await inspectSource(each, limit));
      if (sheet !== undefined) writeFileAtomic(sheet, await contactSheet(sources[0]));
      if (json) print(JSON.stringify(infos));
      else infos.flatMap(formatInfo).forEach((line) => print(line));
      sources.forEach(({ split, notes }) => notes?.forEach((note) => warn(`${split}: ${note}`)));
      missing.forEach((line) => warn(line));
    } finally {
      for (const each of sources) each.close();
    }
  },
});

/** Classes that are listed one by one. */
const MOST_CLASSES = 20;

/** A split, for people. */
export function formatInfo({ split, count, perClass, looked, broken, ...info }: SplitInfo): string[] {
  const range = ([smallest, median, largest]: readonly [number, number, number]) =>
    smallest === largest ? String(smallest) : `${smallest} to ${largest} (median ${median})`;
  const numbers = (values: readonly number[]) => values.map((value) => value.toFixed(4)).join(', ');
  const counts = perClass?.map((each) => each.count) ?? [];
  const classes =
    perClass === null
      ? 'no labels'
      : `${perClass.length} ${perClass.length === 1 ? 'class' : 'classes'} of ${minOf(counts)} to ${maxOf(counts)} images`;
  const names = (perClass ?? []).slice(0, MOST_CLASSES);
  const width = maxOf([0, ...names.map(({ name }) => name.length)]);
  return [
    `${split}: ${count} images, ${classes}`,
    ...names.map((each) => `  ${each.name.padEnd(width)}  ${each.count}`),
    ...((perClass?.length ?? 0) > MOST_CLASSES
      ? [`  ... ${(perClass?.length ?? 0) - MOST_CLASSES} more`]
      : []),
    ...(looked < count ? [`  of ${looked} of them, drawn at random:`] : []),
    ...(info.width && info.height
      ? [
          `  width ${range(info.width)}, height ${range(info.height)}`,
          `  mean ${numbers(info.mean)}; deviation ${numbers(info.std)}`,
          ...(info.bits === 16 ? ['  16 bits a value, which networks with --set image.bits=16 keep'] : []),
          ...(info.mean.length === 1 || info.mean.length === 3
            ? []
            : [`  ${info.mean.length} channels, for networks with --set image.channels=${info.mean.length}`]),
        ]
      : []),
    `  broken images: ${broken.length}`,
    ...broken.map(({ reason }) => `    ${reason}`),
  ];
}

export const dataPack = defineCommand({
  name: 'pack',
  describe: 'decode every image once, into one file that packed:FILE reads',
  examples: [['data pack imagenet:/data/imagenet --to imagenet.pack --size 256', 'middle squares of 256']],
  positionals: { source },
  options: {
    to: { ...text('file to write'), demandOption: true },
    size: whole('--size', 1, 'side of the squares that photographs become'),
    height: whole('--height', 1, 'with --width: sides of the rectangles that photographs become'),
    width: whole('--width', 1, 'see --height'),
    channels: whole(
      '--channels',
      1,
      'photographs become gray (1, for networks with image.channels=1) or RGB (3); bands of TIFF and .npy files are all kept (default: what the first image has)',
    ),
    bits: {
      choices: [8, 16],
      requiresArg: true,
      describe: 'of a value; 16 for networks with image.bits=16 (default: 8)',
    },
    broken: broken('fail'),
  },
  run: async ({ source: spec, to, size, height, width, channels, bits, broken: policy }) => {
    const request = { spec, file: to, size, height, width, channels, bits, broken: policy };
    const { splits, notes, missing, broken: skipped } = await packSource(request);
    notes.forEach((note) => warn(note));
    missing.forEach((reason) => warn(`without ${reason}`));
    skipped.forEach(({ reason }) => warn(`skipped: ${reason}`));
    const parts = splits.map(({ split, length }) => `${length} ${split}`).join(', ');
    print(`${to}: ${parts} images, ${statSync(to).size} bytes; use it as packed:${to}`);
    if (skipped.length > 0) print(`skipped ${skipped.length} broken images, named above`);
  },
});

export const dataDownload = defineCommand({
  name: 'download',
  describe: 'fetch CIFAR-10 or CIFAR-100, going on where it was cut off, and check the published sum',
  examples: [['data download cifar10 --to data', 'then --data cifar10:data/cifar-10-batches-bin']],
  positionals: { set: positional(Object.keys(ARCHIVES).join(' or ')) },
  options: {
    to: { ...text('folder to put it in'), demandOption: true },
    from: text('URL of the archive on a mirror'),
  },
  run: async ({ set, to, from }) => {
    const known: Readonly<Record<string, (typeof ARCHIVES)[keyof typeof ARCHIVES]>> = ARCHIVES;
    if (!Object.hasOwn(known, set)) {
      throw new UserError(`data set ${set}: expected one of ${Object.keys(known).join(', ')}`);
    }
    if (from !== undefined && !URL.canParse(from)) throw new UserError(`--from ${from}: is not a URL`);
    const archive = { ...known[set], ...(from !== undefined && { url: from }) };
    const folder = await download(archive, to, (line) => process.stderr.write(`${line}\n`));
    print(`${folder}: use it as ${set}:${folder}`);
  },
});
