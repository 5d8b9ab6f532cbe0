/**
 * Preloaded into a process, its threads and its children (`node --require`): counts their calls that change files below the
 * given folders, and at the n-th of them kills the process or has the call fail as a full or broken disk would.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { constants } from 'node:os';
import path from 'node:path';

export const KILLS = ['kill before', 'kill after', 'kill within'] as const;
export const FAULTS = ['ENOSPC', 'EIO', 'EROFS'] as const;

export interface HookSettings {
  /** folders whose files count */
  readonly roots: readonly string[];
  /** grows by a byte a call: all threads and children count together */
  readonly counter: string;
  /** gets the name of the call that was chosen */
  readonly note: string;
  /** from 1; 0: none */
  readonly at: number;
  /** what the process takes for its number: in containers every first process has 1 */
  readonly pid?: number;
  readonly act: (typeof KILLS)[number] | (typeof FAULTS)[number];
}

type Call = (...args: unknown[]) => unknown;

const WORDS = { ENOSPC: 'no space left on device', EIO: 'i/o error', EROFS: 'read-only file system' };
/** A full disk takes none of these any more; renames, removals and closes go on. */
const TAKES_SPACE = /^(open|write|writev|appendFile|writeFile|mkdir|mkdtemp|copyFile|cp|symlink|fsync)$/;
const { openSync, writeSync, fstatSync, rmSync, readdirSync, appendFileSync, closeSync } = fs;

function install({ roots, counter, note, at, act, pid }: HookSettings): void {
  const { pid: own } = process;
  if (pid !== undefined) Object.defineProperty(process, 'pid', { value: pid });
  const counting = openSync(counter, 'a');
  /** files of descriptors; those that were opened to be read are there for the sync of a folder */
  const names = new Map<number, string>();
  const written = new Set<number>();

  const inside = (file: unknown): string | undefined => {
    if (typeof file !== 'string' && !(file instanceof URL) && !Buffer.isBuffer(file)) return undefined;
    const full = path.resolve(String(file));
    return roots.some((root) => full === root || full.startsWith(root + path.sep)) ? full : undefined;
  };

  const die = (): never => {
    process.kill(own, 'SIGKILL');
    for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
  };

  const failure = (name: string, file: string, hasPath: boolean): Error => {
    const code = act as (typeof FAULTS)[number];
    const message = `${code}: ${WORDS[code]}, ${name}${hasPath ? ` '${file}'` : ''}`;
    const fields = { errno: -constants.errno[code], code, syscall: name, ...(hasPath && { path: file }) };
    return Object.assign(new Error(message), fields);
  };

  /** Counts the call; dies, or gives the error that it fails with. */
  const begin = (name: string, file: string, hasPath: boolean, tear: () => void): Error | 'after' | null => {
    writeSync(counting, '.');
    const number = fstatSync(counting).size;
    const isIt = number === at;
    if (isIt) appendFileSync(note, `${name} ${file}`);
    if (at === 0) return null;
    if (act === 'kill before' && isIt) return die();
    if (act === 'kill within' && isIt) {
      tear();
      return die();
    }
    if (act === 'kill after') return isIt ? 'after' : null;
    if (act === 'EIO' && isIt) return failure(name, file, hasPath);
    if (act === 'EROFS' && number >= at && name !== 'close') return failure(name, file, hasPath);
    if (act === 'ENOSPC' && number >= at && TAKES_SPACE.test(name)) {
      if (name === 'write') tear();
      return failure(name, file, hasPath);
    }
    return null;
  };

  /** A half of what the call would do. */
  const half = (name: string, args: readonly unknown[], file: string): void => {
    try {
      if (name === 'write') {
        const [fd, data, offset, length] = args as [number, Uint8Array | string, unknown, unknown];
        const bytes = typeof data === 'string' ? Buffer.from(data) : data;
        const start = typeof offset === 'number' ? offset : 0;
        const count = typeof length === 'number' ? length : bytes.length - start;
        writeSync(fd, bytes, start, count >> 1);
      } else if (name === 'rm') {
        const entries = readdirSync(file);
        for (const entry of entries.slice(0, entries.length >> 1))
          rmSync(path.join(file, entry), { recursive: true, force: true });
      }
    } catch {
      // there is nothing to do by halves
    }
  };

  const opensToWrite = (flags: unknown): boolean =>
    typeof flags === 'number'
      ? (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR)) !== 0
      : typeof flags === 'string' && /[wa+]/.test(flags);

  /** Which file a call changes: undefined where it is none of ours. */
  const fileOf = (name: string, args: readonly unknown[]): string | undefined => {
    const [first, second] = args;
    if (name === 'rename' || name === 'copyFile' || name === 'cp' || name === 'symlink')
      return inside(second);
    if (name === 'open') return opensToWrite(second) ? inside(first) : undefined;
    if (typeof first !== 'number') return inside(first);
    return name === 'fsync' || written.has(first) ? names.get(first) : undefined;
  };

  const opened = (name: string, args: readonly unknown[], result: unknown): void => {
    const file = name === 'open' ? inside(args[0]) : undefined;
    if (file === undefined || typeof result !== 'number') return;
    names.set(result, file);
    if (opensToWrite(args[1])) written.add(result);
    else written.delete(result);
  };

  /** What becomes of a call, if it is of a file that counts; one of close that fails closes all the same. */
  const beginCall = (name: string, args: readonly unknown[]): ReturnType<typeof begin> | null => {
    const file = fileOf(name, args);
    if (file === undefined) return null;
    const begun = begin(name, file, typeof args[0] !== 'number', () => half(name, args, file));
    if (begun instanceof Error && name === 'close') closeSync(args[0] as number);
    return begun;
  };

  const sync = (key: string, name: string): void => {
    const original = (fs as unknown as Record<string, Call>)[key];
    const wrapped: Call = (...args) => {
      const begun = beginCall(name, args);
      if (begun instanceof Error) {
        throw begun;
      }
      const result = original(...args);
      opened(name, args, result);
      return begun === 'after' ? die() : result;
    };
    (fs as unknown as Record<string, Call>)[key] = wrapped;
  };

  const withCallback = (key: string, name: string): void => {
    const original = (fs as unknown as Record<string, Call>)[key];
    const wrapped: Call = (...args) => {
      const done = args.at(-1);
      if (typeof done !== 'function') return original(...args);
      const begun = beginCall(name, args);
      if (begun instanceof Error) {
        process.nextTick(done, begun);
        return undefined;
      }
      const then: Call = (...results) => {
        opened(name, args, results[1]);
        return begun === 'after' ? die() : (done as Call)(...results);
      };
      return original(...args.slice(0, -1), then);
    };
    // what util.promisify looks for
    Object.defineProperties(wrapped, Object.getOwnPropertyDescriptors(original));
    (fs as unknown as Record<string, Call>)[key] = wrapped;
  };

  const promised = (owner: Record<string, Call>, key: string, name: string, known?: string): void => {
    const original = owner[key].bind(owner);
    owner[key] = async (...args: unknown[]) => {
      const file = known ?? fileOf(name, args);
      const begun = file === undefined ? null : begin(name, file, known === undefined, () => {});
      if (begun instanceof Error) throw begun;
      const result = await original(...args);
      if (name === 'open' && typeof result === 'object' && result !== null) {
        const handle = result as Record<string, Call>;
        if (file !== undefined)
          for (const [method, call] of HANDLE_METHODS) promised(handle, method, call, file);
      }
      return begun === 'after' ? die() : result;
    };
  };

  const paths = [
    'rename',
    'mkdir',
    'mkdtemp',
    'rm',
    'rmdir',
    'unlink',
    'copyFile',
    'cp',
    'symlink',
    'truncate',
  ];
  const whole = ['writeFile', 'appendFile'];
  const descriptors = ['open', 'write', 'writev', 'close', 'ftruncate', 'fsync', 'fdatasync'];
  for (const name of [...paths, ...whole, ...descriptors]) {
    const call = name === 'fdatasync' ? 'fsync' : name;
    sync(`${name}Sync`, call);
    withCallback(name, call);
  }
  const promises = fs.promises as unknown as Record<string, Call>;
  for (const name of [...paths, ...whole, 'open']) promised(promises, name, name);
  syncBuiltinESMExports();
}

const HANDLE_METHODS = [
  ['write', 'write'],
  ['writev', 'writev'],
  ['writeFile', 'writeFile'],
  ['appendFile', 'appendFile'],
  ['sync', 'fsync'],
  ['datasync', 'fsync'],
  ['truncate', 'ftruncate'],
  ['close', 'close'],
] as const;

const { TORTURE_HOOK: given } = process.env;
if (given !== undefined) install(JSON.parse(given) as HookSettings);
