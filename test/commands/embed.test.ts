/** `selfie embed` as users run it: folders of images, Parquet and NumPy, killed and stopped on the way. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { writeImageFolder } from '../support/imageFolder';
import { readParquet } from '../support/readParquet';
import { selfie, stoppedSelfie } from '../support/selfie';
import { writeSmallRun } from '../support/smallRun';
import { inTemporaryFolder } from '../support/temporary';

interface Row {
  readonly image: string;
  readonly split: string;
  readonly label: string | null;
  readonly embedding: readonly number[];
}

const python = process.env.SELFIE_PYTHON ?? 'python3';
const hasPython = spawnSync(python, ['-c', 'import numpy, pyarrow']).status === 0;

/** What NumPy and Arrow make of both files, as JSON. */
const PYTHON = `
import json, sys
import numpy, pyarrow.parquet
table = pyarrow.parquet.read_table(sys.argv[1])
array = numpy.load(sys.argv[2])
rows = numpy.array(table["embedding"].to_pylist(), dtype=numpy.float32)
print(json.dumps({
    "type": str(table.schema.field("embedding").type),
    "labels": table["label"].to_pylist(),
    "array": [str(array.dtype), list(array.shape), bool(array.flags.c_contiguous)],
    "same": bool((rows == array).all()),
}))
`;

test('a folder with a broken image, as Parquet and as an array', () =>
  inTemporaryFolder(async (folder) => {
    const [run, images] = [path.join(folder, 'pets'), path.join(folder, 'images')];
    writeSmallRun(run, 'finetune');
    await writeImageFolder(images, 20, 5);
    const broken = path.join(images, 'class2', '0007.png');
    truncateSync(broken, 1000);
    const [parquet, npy] = [path.join(folder, 'out', 'rows.parquet'), path.join(folder, 'out', 'rows.npy')];
    const command = ['embed', `folder:${images}`, '--model', run, '--threads', '1'];

    expect(selfie([...command, '--to', path.join(folder, 'rows.txt')])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('expected a name that ends in .parquet or .npy') as string,
    });
    expect(selfie([...command, '--to', parquet])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${broken} cannot be decoded`) as string,
    });
    expect(existsSync(parquet)).toBe(false);
    const { code, stdout, stderr } = selfie([...command, '--to', parquet, '--broken', 'skip']);
    expect([code, stderr]).toEqual([
      0,
      `warning: left out: ${broken} cannot be decoded: its png data is cut off or damaged\n`,
    ]);
    expect(stdout).toMatch(
      /^left out 1 broken images\n.*rows\.parquet: 19 images, embedding of 32 numbers by .*pets \(step 10\); \d.* images\/s\n$/,
    );
    expect(selfie([...command, '--to', npy, '--broken', 'skip']).code).toBe(0);
    expect(readdirSync(path.join(folder, 'out')).sort()).toEqual(['rows.csv', 'rows.npy', 'rows.parquet']);

    const { rows, metadata, columns } = readParquet<Row>(parquet);
    expect(columns).toEqual(['image', 'split', 'label', 'embedding']);
    expect(metadata).toMatchObject({
      source: `folder:${images}`,
      model: run,
      step: '10',
      recipe_name: 'small',
      dimension: '32',
      output: 'embedding',
    });
    expect(rows.map(({ image, split, label }) => [image, split, label]).slice(0, 2)).toEqual([
      ['class0/0000.png', 'all', 'class0'],
      ['class0/0005.png', 'all', 'class0'],
    ]);
    expect(rows).toHaveLength(19);
    const stored = readFileSync(npy).subarray(128);
    expect(rows.flatMap(({ embedding }) => embedding)).toEqual(
      Array.from({ length: 19 * 32 }, (_, i) => stored.readFloatLE(4 * i)),
    );
    if (!hasPython) {
      process.stderr.write(`skipped: needs numpy and pyarrow in ${python} (or SELFIE_PYTHON)\n`);
      return;
    }
    const read = spawnSync(python, ['-c', PYTHON, parquet, npy], { encoding: 'utf8' });
    expect(read.stderr).toBe('');
    expect(JSON.parse(read.stdout)).toEqual({
      type: 'list<element: float not null>',
      labels: rows.map(({ label }) => label),
      array: ['float32', [19, 32], true],
      same: true,
    });
  }));

test('killed and stopped by Ctrl-C, the same command makes the same bytes', () =>
  inTemporaryFolder(async (folder) => {
    const [run, images] = [path.join(folder, 'mini'), path.join(folder, 'images')];
    writeSmallRun(run, 'pretrain');
    await writeImageFolder(images, 40);
    const once = path.join(folder, 'once.parquet');
    const to = path.join(folder, 'rows.parquet');
    const command = ['embed', images, '--model', run, '--batch', '2', '--threads', '1', '--to'];
    expect(selfie([...command, once]).stdout).toMatch(/40 images, embedding of 32 numbers/);

    // Once it begins to compute, and once it goes on.
    const endedBy = (by: NodeJS.Signals) =>
      stoppedSelfie({ by, at: /renamed .*partial.state\.json$/ }, [...command, to]);
    expect(endedBy('SIGKILL')).toMatchObject({ signal: 'SIGKILL', stdout: '' });
    expect(existsSync(to)).toBe(false);
    const { code, stdout } = endedBy('SIGINT');
    expect(code).toBe(130);
    expect(stdout).toMatch(
      /^stopped after \d+ of 40 images, which are kept in .*; the same command goes on there\n$/,
    );
    expect(existsSync(to)).toBe(false);
    expect(selfie([...command, to]).code).toBe(0);
    expect(readFileSync(to).equals(readFileSync(once))).toBe(true);
    expect(readdirSync(folder).sort()).toEqual(['images', 'mini', 'once.parquet', 'rows.parquet']);
  }));
