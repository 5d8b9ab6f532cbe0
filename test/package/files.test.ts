/** What `npm pack` puts into the package: all that its entries and its README name, and nothing that only the repository needs. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { bin, exports as entries, main, types } from '../../package.json';
import { relativeLinks } from '../../tools/package-check/markdown';
import { repositoryRoot } from '../support/paths';

const { stdout } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
  cwd: repositoryRoot,
  encoding: 'utf8',
});
const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
const packed = new Set(files.map((file) => file.path));

const missing = (names: readonly string[]) => names.filter((name) => !packed.has(path.posix.normalize(name)));

test('has the files of its entries', () => {
  const targets = Object.values(entries).flatMap((entry) =>
    typeof entry === 'string' ? entry : Object.values(entry),
  );
  expect(missing([...targets, ...Object.values(bin), main, types])).toEqual([]);
});

test('has what its README and its change log link to and show', () => {
  const links = ['README.md', 'CHANGELOG.md'].flatMap((name) =>
    relativeLinks(readFileSync(path.join(repositoryRoot, name), 'utf8')),
  );
  expect(missing(links)).toEqual([]);
});

test('has the terms of what is built in', () => {
  expect(missing(['LICENSE', 'dist/licenses.txt'])).toEqual([]);
  const terms = readFileSync(path.join(repositoryRoot, 'dist', 'licenses.txt'), 'utf8');
  for (const name of ['onnx-proto', 'vega', 'vega-lite', 'd3-flame-graph'])
    expect(terms).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+, \\S+\\n\\n.*copyright`, 'ims'));
});

test('has no tests, tools, source maps or TypeScript sources', () => {
  const needless = /^(test|tools|graphs|models|dist\/(test|tools|build-id))(\/|$)|\.map$|(?<!\.d)\.ts$/;
  expect([...packed].filter((name) => needless.test(name))).toEqual([]);
});

test('links are found in every form, but not in code', () => {
  const markdown = `[a](a.md) ![b](<b.png> "title") [c](c.md#place) [d][1] <img src="e.svg"> [f](#f)
[g](https://example.org/g.md) <a href="//example.org/h"> \`[i](i.md)\`

[1]: d/

\`\`\`md
[j](j.md)
\`\`\`
[k](k.md)`;
  expect(relativeLinks(markdown).sort()).toEqual(['a.md', 'b.png', 'c.md', 'd/', 'e.svg', 'k.md']);
});
