/** Folders of `export --to hub`: the programs of their model cards, and what the Hub's own libraries make of them. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { exportHub } from '../../src/export/hub/exportHub';
import { CHROMIUM } from '../verify/portable/browser';
import {
  cardPrograms,
  PHOTOS,
  printedDifference,
  runCardProgram,
  trainerNumbers,
  writePhoto,
} from './cardPrograms';
import type { Row } from './main';

const LIBRARIES = 'huggingface_hub, transformers';
/** Fifty layers that are hardly trained magnify what the filters of a reduced photo differ by. */
const SENSITIVE = 'resnet50';

/** For each of the trained `networks` in `folder`: a row for each program of its card, and one for the Hub's libraries. */
export async function cardRows(
  folder: string,
  networks: readonly string[],
  python: string,
  root: string,
  progress: (line: string) => void,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const network of networks) {
    progress(`model card of ${network}`);
    const directory = path.join(folder, network);
    const out = `${directory}-hub`;
    await exportHub({ directory, out, license: 'CC0-1.0', data: 'embedded', images: 100 }, progress);
    const programs = cardPrograms(readFileSync(path.join(out, 'README.md'), 'utf8'));
    for (const program of programs)
      rows.push(
        await tryRow(program.title, network, directory, out, () =>
          runCardProgram(program, out, root, python),
        ),
      );
    const script = path.join(root, 'tools', 'consumers', 'hub_load.py');
    rows.push(await tryRow(LIBRARIES, network, directory, out, () => runScript(python, [script, out])));
  }
  return rows;
}

/** Every photo through `run`, and how far what it prints is from the trainer's numbers. */
async function tryRow(
  title: string,
  network: string,
  directory: string,
  out: string,
  run: () => string | Promise<string>,
): Promise<Row> {
  const name = `model card: ${title}`;
  const names = path.join(out, 'labels.txt');
  const labels = existsSync(names) ? readFileSync(names, 'utf8').trimEnd().split('\n') : null;
  const photo = path.join(out, 'photo.jpg');
  const results: string[] = [];
  let good = true;
  try {
    for (const { width, height, allowed } of network === SENSITIVE ? PHOTOS.slice(0, 1) : PHOTOS) {
      await writePhoto(photo, width, height);
      const numbers = await trainerNumbers(directory, photo, labels ? 'classifier' : 'encoder');
      const difference = printedDifference(await run(), labels, numbers);
      good &&= difference <= allowed;
      results.push(
        `${difference.toExponential(1)} ${difference <= allowed ? 'of' : 'is more than'} ${allowed}`,
      );
    }
    return [name, '', network, `${results.join(', ')} allowed`, good];
  } catch (error) {
    const { message } = error as Error;
    const missing = /No module named '\w+'/.exec(message)?.[0] ?? noBrowser(title);
    if (missing !== null) return [name, '', network, `skipped: ${missing}`, null];
    return [name, '', network, `refused: ${message}`, false];
  }
}

const noBrowser = (title: string) =>
  title.includes('browser') && !existsSync(CHROMIUM)
    ? `no ${CHROMIUM}; install chromium or set CHROMIUM`
    : null;

function runScript(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return stdout;
  throw new Error(stderr.trim().split('\n').at(-1) ?? `it ended with ${status}`);
}
