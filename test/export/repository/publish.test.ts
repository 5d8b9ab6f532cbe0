/** How staged models get into a repository. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeStage, publish } from '../../../src/export/repository/publish';
import { snapshot } from '../../support/snapshot';
import { inTemporaryFolder } from '../../support/temporary';

test('what cannot be moved leaves all as it was', () =>
  inTemporaryFolder((folder) => {
    const repository = path.join(folder, 'repository');
    const write = (...file: string[]) => {
      const text = file.join('/');
      mkdirSync(path.dirname(path.join(...file)), { recursive: true });
      writeFileSync(path.join(...file), text);
    };
    write(repository, 'a', '1', 'model.onnx');
    write(repository, 'a', 'labels.txt');
    // in the way of a model's folder, and noticed when the first model is in its place
    write(repository, 'b');
    const stageBoth = () => {
      const stage = makeStage(repository);
      for (const model of ['a', 'b']) write(stage.folder, model, '2', 'model.onnx');
      write(stage.folder, 'a', 'labels.txt');
      return stage;
    };
    const before = snapshot(repository);
    const refused = stageBoth();
    expect(() => {
      publish(refused, repository, ['a', 'b'], '2');
    }).toThrow(/^cannot write .*repository: ENOTDIR/);
    expect(snapshot(repository)).toEqual(before);
    refused.staging.close();
    rmSync(path.join(repository, 'b'));
    const stage = stageBoth();
    publish(stage, repository, ['a', 'b'], '2');
    stage.staging.close();
    expect(readdirSync(folder)).toEqual(['repository']);
    expect([...snapshot(repository).keys()].sort()).toEqual([
      'a/1/model.onnx',
      'a/2/model.onnx',
      'a/labels.txt',
      'b/2/model.onnx',
    ]);
    expect(snapshot(repository).get('a/labels.txt')).toContain('.repository');
  }));
