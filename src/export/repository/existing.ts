/** What is in a model repository before something is added to it. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileError } from '../../base/files';
import { UserError } from '../../base/errors';
import {
  formatTextFormat,
  messagesOf,
  parseTextFormat,
  textOf,
  textsOf,
  type Fields,
} from '../../repository/textFormat';
import { CONFIG } from './triton';

const VERSION = /^[1-9]\d*$/;

/** The folders in it; none where it does not exist. UserError where it is a file or cannot be read. */
function foldersIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch (error) {
    throw fileError('read', directory, error);
  }
}

/** UserError where a folder in it is no model's: Triton takes every one for a model, and does not start. */
export function checkRepository(directory: string): void {
  if (existsSync(directory) && !statSync(directory).isDirectory())
    throw new UserError(`--out ${directory}: it is a file; expected a folder for the repository`);
  for (const name of foldersIn(directory)) {
    const folder = path.join(directory, name);
    const isModel =
      existsSync(path.join(folder, CONFIG)) || foldersIn(folder).some((each) => VERSION.test(each));
    if (!isModel)
      throw new UserError(
        `--out ${directory}: it has a folder ${name}, which is no model, and Triton would not start on it; choose another folder`,
      );
  }
}

/** One more than the highest version that any of these models has. */
export function nextVersion(directory: string, models: readonly string[]): number {
  const versions = models.flatMap((model) => foldersIn(path.join(directory, model)));
  return 1 + versions.filter((name) => VERSION.test(name)).reduce((most, name) => Math.max(most, +name), 0);
}

/**
 * Whether config.pbtxt is there already and says of inputs, outputs and steps what `config` does; whoever tuned the rest keeps it.
 * UserError where it says otherwise.
 */
export function hasConfig(folder: string, config: Fields): boolean {
  const file = path.join(folder, CONFIG);
  if (!existsSync(file)) return false;
  const there = interfaceOf(readFileSync(file, 'utf8'), file);
  const wanted = interfaceOf(formatTextFormat(config), file);
  const extra = there.find((line) => !wanted.includes(line));
  const lacking = wanted.find((line) => !there.includes(line));
  if (extra === undefined && lacking === undefined) return true;
  const differences = [extra && `it has ${extra}`, lacking && `the exported model has ${lacking}`];
  throw new UserError(
    `${file}: it is another model's: ${differences.filter(Boolean).join(', ')}; choose another --name`,
  );
}

/** UserError where the model's other versions have other classes: the file of their names is for all of them. */
export function requireLabels(file: string, labels: string): void {
  if (!existsSync(file)) return;
  const [there, wanted] = [readFileSync(file, 'utf8').trimEnd().split('\n'), labels.trimEnd().split('\n')];
  const at = wanted.findIndex((label, i) => label !== there[i]);
  if (at < 0 && there.length === wanted.length) return;
  const difference =
    at < 0
      ? `it has ${there.length} classes, not ${wanted.length}`
      : `class ${at} is ${there[at]}, not ${wanted[at]}`;
  throw new UserError(`${file}: it is another model's: ${difference}; choose another --name`);
}

/** What a version must have in common with those beside it. */
function interfaceOf(text: string, file: string): string[] {
  const config = parseTextFormat(text, file);
  const ports = (['input', 'output'] as const).flatMap((field) =>
    messagesOf(config, field).map((port) => {
      const labels = textOf(port, 'label_filename');
      const type = textOf(port, 'data_type') ?? '';
      const named = labels ? ` named by ${labels}` : '';
      return `${field} ${textOf(port, 'name')} ${type} [${textsOf(port, 'dims').join(', ')}]${named}`;
    }),
  );
  const steps = messagesOf(config, 'ensemble_scheduling').flatMap((scheduling) =>
    messagesOf(scheduling, 'step').map((step) => `step ${textOf(step, 'model_name')}`),
  );
  return [`platform ${textOf(config, 'platform') ?? textOf(config, 'backend')}`, ...ports, ...steps];
}
