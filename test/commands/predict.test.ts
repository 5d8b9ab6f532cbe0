/** `selfie predict` as users run it: a table, lines of JSON, stdin, and images that are none. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { exportRun } from '../../src/export/exportRun';
import { writeImageFolder } from '../support/imageFolder';
import { repositoryRoot } from '../support/paths';
import { selfie } from '../support/selfie';
import { CLASSES, writeSmallRun } from '../support/smallRun';
import { inTemporaryFolder } from '../support/temporary';

interface Answer {
  readonly file: string;
  readonly classes: readonly { readonly name: string; readonly probability: number }[];
}

const answers = (stdout: string) =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer);

test('classes of files and folders by a run and by its exported model', () =>
  inTemporaryFolder(async (folder) => {
    const [run, images] = [path.join(folder, 'pets'), path.join(folder, 'images')];
    writeSmallRun(run, 'finetune');
    await writeImageFolder(images, 3, 3);
    const [first] = ['class0/0000.png', 'class1/0001.png'].map((name) => path.join(images, name));
    const model = path.join(folder, 'pets.onnx');
    await exportRun({ directory: run, out: model, input: 'photo' });

    const found = answers(selfie(['predict', images, first, '--model', run, '--json']).stdout);
    expect(found.map(({ file }) => path.relative(images, file))).toEqual([
      'class0/0000.png',
      'class1/0001.png',
      'class2/0002.png',
      'class0/0000.png',
    ]);
    for (const { classes } of found) {
      expect(classes.map(({ name }) => name).sort()).toEqual(CLASSES);
      expect(classes.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 5);
      const sorted = [...classes].sort((a, b) => b.probability - a.probability);
      expect(classes).toEqual(sorted);
    }

    const bad = path.join(folder, 'bad.png');
    writeFileSync(bad, 'no image');
    const given = ['predict', bad, first, path.join(folder, 'gone.png'), '--model', model];
    const { code, stdout, stderr } = selfie([...given, '--top', '2']);
    expect(code).toBe(1);
    const [{ classes }] = found;
    expect(stdout.split('\n')).toEqual([
      ...classes.slice(0, 2).map(({ name, probability }) => {
        const percent = `${(100 * probability).toFixed(2)} %`;
        return `${first.padEnd(first.length)}  ${name.padEnd(9)}  ${percent.padStart(8)}`;
      }),
      '',
    ]);
    expect(stderr).toMatch(
      /bad\.png cannot be decoded.*\n.*gone\.png.*no such file.*\n2 of 3 images could not/,
    );
    const lines = answers(selfie([...given, '--json']).stdout);
    expect(lines.map((line) => Object.keys(line))).toEqual([
      ['file', 'error'],
      ['file', 'classes'],
      ['file', 'error'],
    ]);

    const program = path.join(repositoryRoot, 'bin', 'selfie.js');
    const input = readFileSync(first);
    const piped = spawnSync(process.execPath, [program, 'predict', '-', '--model', run, '--json'], { input });
    expect(answers(piped.stdout.toString())).toEqual([{ file: '-', classes: expect.anything() as unknown }]);
  }));

test('an encoder has no classes, and the error says where its embeddings are', () =>
  inTemporaryFolder((folder) => {
    const run = path.join(folder, 'mini');
    writeSmallRun(run, 'pretrain');
    const { code, stderr } = selfie(['predict', 'cat.jpg', '--model', run]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/mini is an encoder, which has no classes; its embeddings: `selfie embed/);
    expect(selfie(['predict', '--model', run]).stderr).toContain('an argument is missing');
  }));
