/** Commands that are killed, or stopped by a closed terminal: what was there is there, or what is new, and nothing else stays. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { readBundle } from '../../src/bundle/read';
import { selfie, stoppedSelfie } from '../support/selfie';
import { writeSmallRun } from '../support/smallRun';
import { inTemporaryFolder } from '../support/temporary';

const RECIPE = {
  task: 'finetune',
  network: { stages: [1], width: 2 },
  pooling: { layers: 1, heads: 2, feedForward: 8 },
  batch: 4,
  schedule: { kind: 'cosine', peak: 0.3, warmupSteps: 2, steps: 20 },
};

test('build-graph, when the old bundle is away and the new one not there yet', () =>
  inTemporaryFolder((folder) => {
    const [recipe, run] = [path.join(folder, 'small.json'), path.join(folder, 'run')];
    writeFileSync(recipe, JSON.stringify(RECIPE));
    const build = (batch: number) => ['build-graph', recipe, '--set', `batch=${batch}`, '--out', run];
    expect(selfie(build(2)).code).toBe(0);
    expect(stoppedSelfie({ by: 'SIGKILL', at: /renamed .*old-0$/ }, build(3)).signal).toBe('SIGKILL');
    expect(existsSync(path.join(run, 'graph'))).toBe(false);
    // whoever reads it
    expect(readBundle(run).manifest.recipe.batch).toBe(3);
    // the lock of a dead process is nobody's, and stays until the next that writes
    expect(readdirSync(run)).toEqual(['.selfie-lock', 'graph']);
    expect(stoppedSelfie({ by: 'SIGKILL', at: /renamed .*train.onnx$/ }, build(5)).signal).toBe('SIGKILL');
    expect(readBundle(run).manifest.recipe.batch).toBe(3);
    expect(selfie(build(6)).code).toBe(0);
    expect(readdirSync(run)).toEqual(['graph']);
    expect(stoppedSelfie({ by: 'SIGHUP', at: /renamed .*train.onnx$/ }, build(7)).signal).toBe('SIGHUP');
    expect(readdirSync(run)).toEqual(['graph']);
  }));

test('export, when the old folder is away', () =>
  inTemporaryFolder((folder) => {
    const [run, place] = [path.join(folder, 'pets'), path.join(folder, 'place')];
    mkdirSync(place);
    writeSmallRun(run, 'finetune');
    const args = ['export', run, '--to', 'hub', '--out', path.join(place, 'hub')];
    expect(selfie(args).code).toBe(0);
    const files = readdirSync(path.join(place, 'hub'));
    expect(stoppedSelfie({ by: 'SIGKILL', at: /renamed .*old-0$/ }, args).signal).toBe('SIGKILL');
    expect(existsSync(path.join(place, 'hub'))).toBe(false);
    expect(selfie(args).code).toBe(0);
    expect([readdirSync(place), readdirSync(path.join(place, 'hub'))]).toEqual([['hub'], files]);
  }));

test.each(['SIGINT', 'SIGHUP', 'SIGTERM'] as const)('data pack, %s', (by) =>
  inTemporaryFolder((folder) => {
    const args = ['data', 'pack', 'embedded', '--to', path.join(folder, 'all.pack')];
    expect(stoppedSelfie({ by, at: /write .*all.pack/, count: 10 }, args)).toMatchObject({
      signal: by,
      stdout: '',
    });
    expect(readdirSync(folder)).toEqual([]);
  }),
);

test('data pack, killed: the next one leaves its file alone', () =>
  inTemporaryFolder(async (folder) => {
    const images = path.join(folder, 'images', 'ant');
    mkdirSync(images, { recursive: true });
    const image = sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } });
    for (const name of ['a.png', 'b.png']) await image.clone().toFile(path.join(images, name));
    const place = path.join(folder, 'place');
    mkdirSync(place);
    const to = path.join(place, 'all.pack');
    const args = ['data', 'pack', `folder:${path.join(folder, 'images')}`, '--size', '8', '--to', to];
    expect(stoppedSelfie({ by: 'SIGKILL', at: /write .*all.pack/, count: 2 }, args).signal).toBe('SIGKILL');
    expect(readdirSync(place)).toHaveLength(1);
    expect(selfie(args)).toMatchObject({ code: 0 });
    expect(readdirSync(place)).toEqual(['all.pack']);
  }));
