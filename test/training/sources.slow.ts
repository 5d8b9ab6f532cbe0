/** Twenty training steps on every form of source, and a run with a validation split. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { packSource } from '../../src/data/tools/pack';
import { evaluate } from '../../src/evaluation/evaluate';
import { train } from '../../src/training/trainer';
import { readValidation } from '../../src/run/validationFile';
import { jpeg, writeCifar, writeFolder, writeTar } from '../data/samples';
import { fixture, repositoryRoot } from '../support/paths';
import { selfie } from '../support/selfie';
import { inTemporaryFolder } from '../support/temporary';
import { writeSmallBundle } from '../support/smallRun';

function newRun(folder: string, name: string): string {
  const directory = path.join(folder, 'runs', name);
  writeSmallBundle(directory, 'batch=4', 'network.classes=100');
  return directory;
}

const indicesIn = (file: string) => (JSON.parse(readFileSync(file, 'utf8')) as { indices: number[] }).indices;

/** Writes every form of source and returns the specs, Parquet's apart. */
async function writeSources(folder: string): Promise<string[]> {
  const inside = (name: string) => path.join(folder, name);
  writeCifar(inside('c10'), 3);
  mkdirSync(inside('c100'));
  const record = Buffer.alloc(3074, 7);
  for (const name of ['train.bin', 'test.bin'])
    writeFileSync(inside(`c100/${name}`), Buffer.concat([record, record, record, record]));
  const lines = (count: number) => Array.from({ length: count }, (_, i) => `name ${i}\n`).join('');
  writeFileSync(inside('c100/fine_label_names.txt'), lines(100));
  writeFileSync(inside('c100/coarse_label_names.txt'), lines(20));
  mkdirSync(inside('in32'));
  for (let i = 1; i <= 10; i++)
    copyFileSync(fixture('imagenet32', 'protocol3.pickle'), inside(`in32/train_data_batch_${i}`));
  writeFileSync(inside('in32/map_clsloc.txt'), 'n01 1 a\nn02 2 b\nn03 3 c\n');
  await writeFolder(inside('photos'), 3);
  for (const wnid of ['n00000001', 'n00000002']) {
    mkdirSync(inside(`imagenet/train/${wnid}`), { recursive: true });
    for (const i of [1, 2, 3])
      writeFileSync(inside(`imagenet/train/${wnid}/${i}.JPEG`), await jpeg(50 + i, 40, 70 * i));
  }
  const example = async (i: number) =>
    [
      [`${i}.jpg`, await jpeg(40, 50, 40 * i)],
      [`${i}.cls`, String(i % 3)],
    ] as const;
  await writeTar(inside('wds/train-0.tar'), (await Promise.all([0, 1, 2, 3].map(example))).flat());
  await packSource({ spec: `folder:${inside('photos')}`, file: inside('photos.pack'), size: 40 });
  return [
    'embedded',
    `cifar10:${inside('c10')}`,
    `cifar100:${inside('c100')}`,
    `cifar100-coarse:${inside('c100')}`,
    `imagenet32:${inside('in32')}`,
    `imagenet:${inside('imagenet')}`,
    `folder:${inside('photos')}`,
    `webdataset:${inside('wds')}/train-{0..0}.tar`,
    `packed:${inside('photos.pack')}`,
  ];
}

it('trains twenty steps on every form', () =>
  inTemporaryFolder(async (folder) => {
    for (const [i, data] of (await writeSources(folder)).entries()) {
      const directory = newRun(folder, String(i));
      const result = await train({ directory, data, steps: 20, threads: 1 });
      expect([data, result.step, Number.isFinite(result.last?.metrics.loss)]).toEqual([data, 20, true]);
    }
    // Parquet's library is an ES module, which needs a process outside of jest.
    const child = path.join(repositoryRoot, 'dist', 'test', 'data', 'sources', 'parquetChild.js');
    expect(spawnSync(process.execPath, [child, folder]).status).toBe(0);
    const directory = newRun(folder, 'parquet');
    const data = `parquet:${path.join(folder, 'plain-*.parquet')}`;
    const { code, stdout } = selfie(['train', directory, '--data', data, '--steps', '20', '--threads', '1']);
    expect([code, stdout.split('\n')[0]]).toEqual([0, 'finished 20 steps']);
  }));

it('keeps validation apart from training and labels, and evaluates on it', () =>
  inTemporaryFolder(async (folder) => {
    const options = { data: 'embedded', steps: 6, threads: 1, checkpointEvery: 3, validation: '2%' };
    const directory = newRun(folder, 'v');
    await train({ directory, ...options, labels: '10/class' });
    const labels = indicesIn(path.join(directory, 'labels.json'));
    const validation = indicesIn(path.join(directory, 'validation.json'));
    expect(labels).toHaveLength(100);
    expect(validation.filter((index) => labels.includes(index))).toEqual([]);
    const lines = readValidation(path.join(directory, 'validation.jsonl'));
    expect(lines.map(({ step, count }) => [step, count])).toEqual([
      [3, validation.length],
      [6, validation.length],
    ]);
    const again = await evaluate({ directory, data: 'embedded', split: 'validation', threads: 1 });
    expect([again.loss, again.accuracy]).toEqual([lines[1].loss, lines[1].accuracy]);
    expect([...again.indices]).toEqual(validation);
    // Another run with the same seed sees the same images.
    const other = newRun(folder, 'w');
    await train({ directory: other, ...options, steps: 3, labels: '10/class' });
    expect(indicesIn(path.join(other, 'labels.json'))).toEqual(labels);
    expect(indicesIn(path.join(other, 'validation.json'))).toEqual(validation);
  }));
