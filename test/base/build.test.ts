/** dist/: a build takes its place whole, and what began with the one before goes on with that. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Build } from '../../src/base/build';
import { repositoryRoot } from '../support/paths';
import { inTemporaryFolder } from '../support/temporary';

const DIST = path.join(repositoryRoot, 'tools', 'build', 'dist.mjs');

/** A program on the functions of tools/build/dist.mjs; what it prints. */
function run(root: string, program: string): string {
  const lines = `import * as dist from ${JSON.stringify(DIST)};
    import { mkdirSync, writeFileSync } from 'node:fs';
    const root = ${JSON.stringify(root)};
    ${program}`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', lines], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.trim();
}

/** A build with ID `id`, in which src/thread.js says `content`. */
const build = (root: string, id: number, content: string) =>
  run(
    root,
    `const folder = dist.begin(root);
    writeFileSync(folder + '/build-id', '${id}');
    for (const name of ['src', 'test']) mkdirSync(folder + '/' + name);
    writeFileSync(folder + '/src/thread.js', '${content}');
    dist.place(root, folder);`,
  );

const thread = (root: string) => path.join(root, 'dist', 'src', 'thread.js');

test('a process takes its threads from the build that it began with, as long as that is kept', () =>
  inTemporaryFolder((root) => {
    build(root, 1, 'first');
    const first = new Build(path.join(root, 'dist'));
    expect(first.file('src/thread.js')).toBe(thread(root));

    build(root, 2, 'second');
    expect(readFileSync(thread(root), 'utf8')).toBe('second');
    expect(readFileSync(first.file('src/thread.js'), 'utf8')).toBe('first');
    // in the moment between the two renames of a build
    rmSync(path.join(root, 'dist'), { recursive: true });
    expect(readFileSync(first.file('src/thread.js'), 'utf8')).toBe('first');

    rmSync(path.join(root, '.build-1'), { recursive: true });
    expect(() => first.file('src/thread.js')).toThrow(/built anew while this process ran/);
  }));

test('an installed package has one build', () =>
  inTemporaryFolder((root) => {
    const installed = new Build(path.join(root, 'dist'));
    mkdirSync(path.join(root, 'dist'));
    expect(installed.file('src/thread.js')).toBe(thread(root));
    writeFileSync(path.join(root, 'dist', 'build-id'), '1');
    expect(installed.file('src/thread.js')).toBe(thread(root));
  }));

test('outputs of deleted sources do not linger, and of the builds before only the last few and what runs', () =>
  inTemporaryFolder((root) => {
    mkdirSync(path.join(root, 'dist', 'src'), { recursive: true });
    writeFileSync(path.join(root, 'dist', 'src', 'deleted.js'), '');
    for (let id = 8; id < 16; id++) build(root, id, 'same');
    expect(readdirSync(path.join(root, 'dist', 'src'))).toEqual(['thread.js']);
    expect(readdirSync(root).sort()).toEqual([10, 11, 12, 13, 14].map((id) => `.build-${id}`).concat('dist'));
    expect(readdirSync(path.join(root, '.build-14')).sort()).toEqual(['build-id', 'src']);
    expect(existsSync(path.join(root, 'dist', 'test'))).toBe(true);
  }));

test('a build that was stopped changes nothing, does not count, and is taken away by the next', () =>
  inTemporaryFolder((root) => {
    const source = path.join(root, 'source.ts');
    writeFileSync(source, '');
    const isCurrent = () => run(root, `console.log(dist.isCurrent(root, ['source.ts']))`);
    expect(isCurrent()).toBe('false');
    run(root, `dist.begin(root)`);
    expect(readdirSync(root)).toEqual([expect.stringMatching(/^\.build-new-\d+$/), 'source.ts']);
    expect(isCurrent()).toBe('false');

    build(root, 1, 'whole');
    expect(readdirSync(root)).toEqual(['dist', 'source.ts']);
    expect(isCurrent()).toBe('true');
    const later = new Date(Date.now() + 60_000);
    utimesSync(source, later, later);
    expect(isCurrent()).toBe('false');
  }));
