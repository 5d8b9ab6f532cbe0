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
    return path.extname(file) === '.json' ? JSON.parse(readFileSync(file, 'utf8')) : loadProgram(file);
  } catch (error) {
    const [firstLine] = String(error instanceof Error ? error.message : error).split('\n');
    throw new UserError(`${kind} ${file}: ${firstLine}`);
  }
}

/** The default export of a TypeScript or JavaScript module, or the module itself where it has none. */
function loadProgram(file: string): unknown {
  const load: (id: string) => unknown = createJiti(__filename, { moduleCache: false, fsCache: false });
  const module = load(path.resolve(file));
  return typeof module === 'object' && module !== null && 'default' in module ? module.default : module;
}
