/** Settings that are programs: the default export of a .ts or .js file, or a .json file. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { createJiti } from 'jiti';
import { UserError } from './errors';

export const EXTENSIONS = ['.ts', '.js', '.mjs', '.cjs', '.json'];

/** What `file` says; `kind` begins the error where there is no such file or it does not load. */
export function readProgram(file: string, kind: string): unknown {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile())
    throw new UserError(`${kind} ${file}: no such file`);
  try {
    // Copied, so that whatever runs where a value is read (a getter, a proxy) runs here.
    return path.extname(file) === '.json' ? JSON.parse(readFileSync(file, 'utf8')) : copy(loadProgram(file));
  } catch (error) {
    throw new UserError(`${kind} ${file}: ${firstLine(error)}`, { cause: error });
  }
}

/** The default export of a TypeScript or JavaScript module, or the module itself where it has none. */
function loadProgram(file: string): unknown {
  const load: (id: string) => unknown = createJiti(__filename, { moduleCache: false, fsCache: false });
  const module = load(path.resolve(file));
  return typeof module === 'object' && module !== null && 'default' in module ? module.default : module;
}

/** Levels of settings in settings. */
const DEEPEST = 100;

/** Objects and lists anew, anything else as it is. */
function copy(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === DEEPEST) throw new Error(`its settings are nested deeper than ${DEEPEST}, or in a circle`);
  if (Array.isArray(value)) return value.map((item) => copy(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copy(item, depth + 1)]));
}

/** What was thrown, which may be anything: an object without a text, one whose text throws. */
function firstLine(thrown: unknown): string {
  try {
    const isObject = typeof thrown === 'object' && thrown !== null;
    const text = isObject && 'message' in thrown ? thrown.message : thrown;
    return String(text).split('\n')[0] || 'it throws an error without a message';
  } catch {
    return 'it throws what has no text';
  }
}
