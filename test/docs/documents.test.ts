/** The documents name what is there: files, scripts, commands, options; and the README's program trains. */
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { scripts } from '../../package.json';
import { relativeLinks, shortProgram } from '../../tools/package-check/markdown';
import { repositoryRoot } from '../support/paths';
import { selfie } from '../support/selfie';
import { commandsOf, DOCUMENTS, textOf } from './documents';
import { formOf } from './forms';

const all = DOCUMENTS.flatMap((document) => {
  const { block, inline } = commandsOf(document);
  return [...block, ...inline].map((command) => ({ document, command }));
});

test('there are documents with commands', () => {
  expect(DOCUMENTS).toEqual(expect.arrayContaining(['README.md', 'src/data/README.md', 'models/README.md']));
  expect(all.length).toBeGreaterThan(80);
});

test('the README is short', () => {
  expect(statSync(path.join(repositoryRoot, 'README.md')).size).toBeLessThanOrEqual(8192);
});

test.each(DOCUMENTS)('%s links to what is there', (document) => {
  const text = textOf(document);
  const ours = [
    ...text.matchAll(/https:\/\/github\.com\/selfie-onnx\/selfie-onnx\/(?:blob|tree)\/main\/([^)\s#]+)/g),
  ];
  const targets = [
    ...relativeLinks(text).map((link) => path.join(path.dirname(document), link)),
    ...ours.map(([, target]) => target),
  ];
  expect(targets.filter((target) => !existsSync(path.join(repositoryRoot, target)))).toEqual([]);
});

test('every command has a short form, or says where it is run', () => {
  expect(all.filter(({ command }) => formOf(command) === null)).toEqual([]);
  const places = all.flatMap(({ command }) => {
    const form = formOf(command);
    return form && 'elsewhere' in form ? (/^\S+\.ts\b/.exec(form.elsewhere) ?? []) : [];
  });
  expect(places.filter((place) => !existsSync(path.join(repositoryRoot, place)))).toEqual([]);
});

test('every script is one of package.json, every program is there', () => {
  const named = all
    .map(({ command }) => /^npm run (\S+)/.exec(command)?.[1])
    .filter((name) => name !== undefined);
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
  const programs = all.map(({ command }) => /^(?:node|python3?) (\S+\.\w+)/.exec(command)?.[1]);
  const files = programs
    .filter((file) => file !== undefined)
    .map((file) => file.replace(/^dist\/(.*)\.js$/, '$1.ts'));
  expect(files.length).toBeGreaterThan(2);
  expect(files.filter((file) => !existsSync(path.join(repositoryRoot, file)))).toEqual([]);
});

test('every command of selfie takes the options that it is named with', () => {
  const named = new Map<string, Set<string>>();
  for (const { command } of all) {
    const [, name, rest] = /^(?:npx )?selfie (data [a-z]+|[a-z-]+)(.*)/.exec(command) ?? [];
    if (name === undefined || name.startsWith('-')) continue;
    const options = named.get(name) ?? new Set();
    for (const [option] of rest.matchAll(/--[a-z-]+/g)) options.add(option);
    named.set(name, options);
  }
  expect(named.size).toBeGreaterThan(15);
  const wrong = [...named].flatMap(([name, options]) => {
    const { code, stdout } = selfie([...name.split(' '), '--help']);
    if (code !== 0 || !stdout.startsWith(`selfie ${name}`)) return [name];
    return [...options]
      .filter((option) => !new RegExp(`${option}\\b`).test(stdout))
      .map((option) => `${name} ${option}`);
  });
  expect(wrong).toEqual([]);
});

test('the README’s program trains its network', () => {
  // the package knows itself by its name
  const given = ['--input-type=module', '-e', shortProgram(textOf('README.md'))];
  const { status, stdout, stderr } = spawnSync(process.execPath, given, {
    cwd: repositoryRoot,
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
  const losses = stdout
    .trim()
    .split('\n')
    .map((line) => Number(line.split(' ')[1]));
  expect(losses).toHaveLength(2);
  expect(losses[1]).toBeLessThan(losses[0] - 0.2);
});
