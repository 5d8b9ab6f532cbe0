/** Which test suites see a source file, the nearest first. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** `require("./x")`, and the threads' files, by their place in dist/: `threadFile('src/x.js')`. */
const EDGES = /require\("(\.[^"]+)"\)|threadFile\)\('([^']+)'/g;

/** Compiled files below a folder, from the root. */
export const filesBelow = (root: string, folder: string, ending: string): string[] =>
  readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map(({ parentPath, name }) => path.relative(root, path.join(parentPath, name)))
    .sort();

export class Suites {
  private readonly users = new Map<string, string[]>();
  private readonly all: readonly string[];

  constructor(root: string) {
    this.all = filesBelow(root, 'dist/test', '.test.js');
    for (const file of filesBelow(root, 'dist', '.js')) {
      if (file.startsWith('dist/web/')) continue;
      for (const [, required, thread] of readFileSync(path.join(root, file), 'utf8').matchAll(EDGES)) {
        const at = required ? path.join(path.dirname(file), required) : path.join('dist', thread);
        const found = [at, `${at}.js`, path.join(at, 'index.js')].find(
          (name) => name.endsWith('.js') && existsSync(path.join(root, name)),
        );
        if (found) this.users.set(found, [...(this.users.get(found) ?? []), file]);
      }
    }
  }

  /**
   * At most `count` suites that import `file` (a source's path from the root), directly or not, with how far they are: 0 is its
   * own, which has its name, 1 one of its folder, then it counts the imports between.
   */
  nearest(file: string, count: number): { suite: string; distance: number }[] {
    const [compiled, own] = ['dist/src', 'dist/test'].map((folder) =>
      file.replace(/^src/, folder).replace(/\.ts$/, ''),
    );
    const steps = this.distances(`${compiled}.js`);
    const distance = (suite: string): number => {
      if (suite === `${own}.test.js`) return 0;
      return path.dirname(suite) === path.dirname(own) ? 1 : 1 + (steps.get(suite) ?? 0);
    };
    return this.all
      .filter((suite) => steps.has(suite))
      .map((suite) => ({ suite, distance: distance(suite) }))
      .sort((a, b) => a.distance - b.distance)
      .slice(0, count);
  }

  private distances(from: string): Map<string, number> {
    const steps = new Map([[from, 0]]);
    for (const file of steps.keys())
      for (const user of this.users.get(file) ?? [])
        if (!steps.has(user)) steps.set(user, (steps.get(file) ?? 0) + 1);
    return steps;
  }
}
