/** `selfie export --to model-repository` as it is typed: what it prints, and what it refuses. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { selfie } from '../support/selfie';
import { inTemporaryFolder } from '../support/temporary';
import { writeSmallRun } from '../support/smallRun';

test('a repository, and options that belong elsewhere', () =>
  inTemporaryFolder((folder) => {
    const run = path.join(folder, 'pets');
    writeSmallRun(run, 'finetune');
    const out = path.join(folder, 'repository');
    const repository = ['export', run, '--to', 'model-repository', '--out', out];
    const refused = (args: readonly string[], message: string) => {
      const { code, stdout, stderr } = selfie(args);
      expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining(message)]);
      expect(stderr.trim().split('\n')).toHaveLength(1);
    };
    refused([...repository, '--input', 'photo'], '--input photo: a model repository has its own two');
    refused([...repository, '--kind', 'encoder', '--name', '..'], '--name ..: expected at most 100 letters');
    refused(
      ['export', run, '--out', `${out}.onnx`, '--name', 'a'],
      '--name: it belongs to --to model-repository',
    );
    expect(existsSync(out)).toBe(false);

    const { code, stdout, stderr } = selfie([...repository, '--name', 'animals', '--license', 'CC0-1.0']);
    expect([code, stderr]).toEqual([0, '']);
    const [model, photo] = stdout.trim().split('\n');
    expect(model).toMatch(
      /repository\/animals, version 1: classifier, equal to the trainer's evaluation graph on/,
    );
    expect(photo).toMatch(
      /repository\/animals_photo, version 1: animals_preprocess and then animals, on the same/,
    );
    expect(readFileSync(path.join(out, 'animals_photo', 'config.pbtxt'), 'utf8')).toContain(
      'model_name: "animals_preprocess"',
    );
  }));
