/** Programs of model cards in tests: those that can run here, and how far they are from the trainer. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { ExportKind } from '../../src/export/form';
import {
  type CardProgram,
  printedDifference,
  runCardProgram,
  trainerNumbers,
} from '../../tools/consumers/cardPrograms';
import { repositoryRoot } from './paths';

const PYTHON = process.env.SELFIE_PYTHON ?? 'python3';

/** What the Python programs import. */
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  'run.py': ['numpy', 'PIL', 'onnxruntime'],
  'run_torch.py': ['torchvision', 'safetensors'],
  'run_openvino.py': ['numpy', 'PIL', 'openvino'],
};

/** Whether Python has what the program imports; says what is missing. Other programs have it. */
export function hasPackages({ file }: CardProgram): boolean {
  if (!(file in NEEDS)) return true;
  const program = `import importlib.util, sys; sys.exit(any(importlib.util.find_spec(n) is None for n in ${JSON.stringify(NEEDS[file])}))`;
  if (spawnSync(PYTHON, ['-c', program]).status === 0) return true;
  const packages = NEEDS[file].join(', ');
  process.stderr.write(`skipped: ${file} of the card needs ${packages} in ${PYTHON} (or SELFIE_PYTHON)\n`);
  return false;
}

/** What the program prints of photo.jpg in `folder`, beside the numbers of the run in `directory`. */
export async function cardDifference(
  program: CardProgram,
  folder: string,
  directory: string,
  kind: ExportKind,
): Promise<number> {
  const names = path.join(folder, 'labels.txt');
  const labels = existsSync(names) ? readFileSync(names, 'utf8').trimEnd().split('\n') : null;
  const printed = await runCardProgram(program, folder, repositoryRoot, PYTHON);
  return printedDifference(
    printed,
    labels,
    await trainerNumbers(directory, path.join(folder, 'photo.jpg'), kind),
  );
}
