/** How staged models get into a repository. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { publish } from '../../../src/export/repository/publish';
import { snapshot } from '../../support/snapshot';
import { inTemporaryFolder } from '../../support/temporary';

test('what cannot be moved leaves all as it was', () =>
  inTemporaryFolder((folder) => {
    const [stage, repository] = [path.join(folder, 'stage'), path.join(folder, 'repository')];
    const write = (...file: string[]) => {
      const text = file.join('/');
      mkdirSync(path.dirname(path.join(...file)), { recursive: true });
      writeFileSync(path.join(...file), text);
    };
    write(repository, 'a', '1', 'model.onnx');
    write(repository, 'a', 'labels.txt');
    const stageA = () => {
      write(stage, 'a', '2', 'model.onnx');
      write(stage, 'a', 'labels.txt');
    };
    stageA();
    const before = snapshot(repository);
    expect(() => {
      publish(stage, repository, ['a', 'b'], '2');
    }).toThrow(/^cannot write .*repository: ENOENT/);
    expect(snapshot(repository)).toEqual(before);
    stageA();
    write(stage, 'b', '2', 'model.onnx');
    publish(stage, repository, ['a', 'b'], '2');
    expect([...snapshot(repository).keys()].sort()).toEqual([
      'a/1/model.onnx',
      'a/2/model.onnx',
      'a/labels.txt',
      'b/2/model.onnx',
    ]);
    expect(snapshot(repository).get('a/labels.txt')).toContain('stage');
  }));
