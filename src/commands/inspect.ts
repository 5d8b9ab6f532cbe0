/** `selfie inspect DIR --image FILE` */
import path from 'node:path';
import { writeFileAtomic } from '../base/files';
import { UserError } from '../base/errors';
import { inspectImage, inspectionBlocks, inspectionPng, inspectionTable } from '../report/inspect';
import { iterm2Image, kittyImage, terminalKind } from '../draw/terminalImage';
import { defineCommand, directory, print, provider as providerOption, text, warn, whole } from './command';

export const inspectCommand = defineCommand({
  name: 'inspect',
  describe: 'hide patches of one photograph and show which the network puts where',
  examples: [
    ['inspect models/mini --image cat.jpg', 'in the terminal, and as models/mini/inspect-cat.png'],
    ['inspect models/mini --image cat.jpg --seed 3 --to cat3.png', 'with other places hidden'],
  ],
  positionals: { dir: directory },
  options: {
    image: {
      ...text('image file; the middle is taken, of a square 7/8 of the shorter side'),
      demandOption: true,
    },
    to: text('the picture (default: inspect-<name>.png in the folder of the run)'),
    seed: whole('--seed', 0, 'which places are hidden (default: 0)'),
    checkpoint: text('step or .safetensors file (default: the newest)'),
    provider: providerOption,
    threads: whole('--threads', 1, 'threads that compute (default: all)'),
  },
  run: async ({ dir, image, to, seed, checkpoint, provider, threads }) => {
    const file = to ?? path.join(dir, `inspect-${path.parse(image).name}.png`);
    if (!file.endsWith('.png')) throw new UserError(`--to ${file}: expected a name that ends in .png`);
    const task = await inspectImage({ directory: dir, image, seed, checkpoint, provider, threads }, warn);
    const png = await inspectionPng(task, path.basename(image));
    writeFileAtomic(file, png);
    const { stdout } = process;
    const colours = stdout.isTTY ? 2 ** stdout.getColorDepth() : 1;
    const kind = terminalKind(process.env, stdout.isTTY, colours);
    const columns = Math.min(100, stdout.columns);
    if (kind === 'iterm2') stdout.write(iterm2Image(png, columns));
    else if (kind === 'kitty') stdout.write(kittyImage(png, columns));
    else if (kind !== 'text')
      (await inspectionBlocks(task, stdout.columns, kind === 'blocks')).forEach((line) => print(line));
    inspectionTable(task).forEach((line) => print(line));
    print(`picture: ${file}`);
  },
});
