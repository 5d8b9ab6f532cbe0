/** What is known of each fault, kept from run to run, so that an interrupted run goes on where it was. */
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Fault } from './plan';
import { filesBelow } from './suites';

const resultSchema = z.strictObject({
  key: z.string(),
  /** of everything compiled: what survived may not survive other tests */
  state: z.string(),
  title: z.string(),
  outcome: z.enum(['killed', 'timeout', 'survived']),
  /** the suite that failed */
  by: z.string().optional(),
});
export type Result = z.infer<typeof resultSchema>;

const digest = (...texts: readonly string[]) => createHash('sha256').update(texts.join('\0')).digest('hex');

/** A fault is the same where its edit and the file under it are. */
export const keyOf = ({ file, source, edit: { from, to, text } }: Fault): string =>
  digest(file, source, String(from), String(to), text);

/** Of everything compiled below some folders. */
const stateOf = (root: string, ...folders: readonly string[]): string =>
  digest(
    ...folders.flatMap((folder) =>
      filesBelow(root, folder, '.js').flatMap((file) => [file, readFileSync(path.join(root, file), 'utf8')]),
    ),
  );

/** Of all sources and tests. */
export const wholeState = (root: string): string => stateOf(root, 'dist/src', 'dist/graphs', 'dist/test');

let sources: string | undefined;
/** Of a suite and what it may run. */
export function suiteKey(root: string, suite: string): string {
  sources ??= stateOf(root, 'dist/src', 'dist/graphs', 'dist/test/support');
  return digest(sources, readFileSync(path.join(root, suite), 'utf8'));
}

export class Results {
  private readonly known = new Map<string, Result>();

  constructor(
    private readonly file: string,
    private readonly state: string,
  ) {
    if (!existsSync(file)) return;
    // a last line that was cut off is not there
    for (const line of readFileSync(file, 'utf8').split('\n').slice(0, -1)) {
      const result = resultSchema.parse(JSON.parse(line));
      this.known.set(result.key, result);
    }
  }

  /** What is known of it: a kill for good, a survival as long as nothing was compiled anew. */
  of(key: string): Result | undefined {
    const result = this.known.get(key);
    return result?.outcome === 'survived' && result.state !== this.state ? undefined : result;
  }

  add(result: Omit<Result, 'state'>): void {
    const whole = { ...result, state: this.state };
    this.known.set(result.key, whole);
    appendFileSync(this.file, `${JSON.stringify(whole)}\n`);
  }
}
