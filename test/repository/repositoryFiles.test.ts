/** No key of a configuration, no link and no name leads out of a repository, or to what is no file. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readRepository } from '../../src/repository/layout';
import { inTemporaryFolder } from '../support/temporary';

/** A repository with the model `m`, version 1, beside a folder of somebody else's. */
const withModel = (body: (repository: string, model: string, outside: string) => void) =>
  inTemporaryFolder((folder) => {
    const [repository, outside] = [path.join(folder, 'repository'), path.join(folder, 'outside')];
    const model = path.join(repository, 'm');
    mkdirSync(path.join(model, '1'), { recursive: true });
    writeFileSync(path.join(model, '1', 'model.onnx'), '');
    mkdirSync(path.join(outside, '1'), { recursive: true });
    writeFileSync(path.join(outside, '1', 'model.onnx'), '');
    writeFileSync(path.join(outside, 'secret'), 'secret');
    body(repository, model, outside);
  });

const problemOf = (repository: string) => {
  const { models, bad } = readRepository(repository);
  expect(models).toEqual([]);
  expect(bad).toHaveLength(1);
  return bad[0].problem;
};

test.each([
  ['default_model_filename: "../../../outside/1/model.onnx"', /default_model_filename: .*expected the name/],
  ['default_model_filename: ".."', /default_model_filename: .*expected the name/],
  ['default_model_filename: "/etc/passwd"', /default_model_filename: .*expected the name/],
  ['default_model_filename: "a\\nb"', /default_model_filename: "a\\nb": expected the name/],
  ['default_model_filename: "other.onnx"', /no version has a other\.onnx/],
  ['output { name: "y" label_filename: "../../outside/secret" }', /label_filename: .*expected a file in/],
  [
    'output { name: "y" label_filename: "a/../../../outside/secret" }',
    /label_filename: .*expected a file in/,
  ],
  ['output { name: "y" label_filename: "/etc/passwd" }', /label_filename: .*expected a file in/],
  ['output { name: "y" label_filename: "none.txt" }', /label_filename: there is no .*none\.txt/],
  ['output { name: "y" label_filename: "1" }', /cannot read .*: it is a folder/],
])('%s', (config, message) =>
  withModel((repository, model) => {
    writeFileSync(path.join(model, 'config.pbtxt'), config);
    expect(problemOf(repository)).toMatch(message);
  }),
);

test.each(['config.pbtxt', 'labels.txt', path.join('1', 'model.onnx')])('%s that is no file of it', (name) =>
  withModel((repository, model, outside) => {
    const file = path.join(model, name);
    const put = (make: () => void) => {
      execFileSync('rm', ['-rf', file]);
      make();
      return problemOf(repository);
    };
    expect(put(() => symlinkSync(path.join(outside, 'secret'), file))).toMatch(/leads out of the repository/);
    expect(put(() => execFileSync('mkfifo', [file]))).toMatch(/cannot read .*: it is a pipe, not a file/);
    expect(put(() => mkdirSync(file))).toMatch(/cannot read .*: it is a folder, not a file/);
  }),
);

test.each([['m'], [path.join('m', '1')]])('the folder %s that is a link out of it', (name) =>
  withModel((repository, _model, outside) => {
    const folder = path.join(repository, name);
    renameSync(folder, path.join(outside, 'moved'));
    symlinkSync(name === 'm' ? outside : path.join(outside, '1'), folder);
    expect(problemOf(repository)).toMatch(/leads out of the repository/);
  }),
);

test('links within it, and another name of the model', () =>
  withModel((repository, model) => {
    renameSync(path.join(model, '1', 'model.onnx'), path.join(repository, 'weights'));
    symlinkSync(path.join(repository, 'weights'), path.join(model, '1', 'net.onnx'));
    writeFileSync(path.join(model, 'config.pbtxt'), 'default_model_filename: "net.onnx"');
    const { models, bad } = readRepository(repository);
    expect(bad).toEqual([]);
    expect(models[0].versions.map(({ file }) => file)).toEqual([path.join(model, '1', 'net.onnx')]);
  }));
