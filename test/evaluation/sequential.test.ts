/** Which patch is asked for when, and that the graph with fewer hidden patches is the same network. */
import { truncateSync } from 'node:fs';
import { buildBundle, buildEvalGraph } from '../../graphs/tasks';
import { patchCounts } from '../../src/bundle/checkRecipe';
import { recipeSchema } from '../../src/bundle/recipe';
import { patchOrder } from '../../src/data/batches/masks';
import { Random } from '../../src/base/random';
import { wilson } from '../../src/base/statistics';
import { evaluateSequential, revealQuery } from '../../src/evaluation/sequential';
import { evaluate } from '../../src/evaluation/evaluate';
import { train } from '../../src/training/trainer';
import { writeImageFolder } from '../support/imageFolder';
import { inTemporaryFolder } from '../support/temporary';

test('each hidden place is asked for once, and shown from then on', () => {
  const hidden = 4;
  const first = patchOrder(0, 0, 5, 16, hidden);
  const asked = [0, 1, 2, 3].map((revealed) => {
    const query = revealQuery(first, hidden, revealed, new Random(0, 'reveal', 5));
    expect(Array.from(query.order).sort((a, b) => a - b)).toEqual(Array.from(first).sort((a, b) => a - b));
    const visible = query.order.slice(0, 12 + revealed);
    expect(visible).toEqual(visible.slice().sort());
    return { visible, place: query.order[12 + revealed + query.asked] };
  });
  expect(asked.map(({ place }) => place).sort((a, b) => a - b)).toEqual(Array.from(first.slice(12)));
  asked.slice(1).forEach(({ visible }, i) => expect(visible).toContain(asked[i].place));
  expect(asked[0].visible).toEqual(first.slice(0, 12));
});

test('three stages of four hidden patches: counts, chance, and the mean of the stages', async () => {
  await inTemporaryFolder(async (folder) => {
    const recipe = recipeSchema.parse({
      task: 'pretrain',
      network: { stages: [1, 1], width: 2 },
      pooling: { layers: 1, heads: 2, feedForward: 8 },
      batch: 8,
      schedule: { warmupSteps: 0, steps: 2 },
    });
    const { manifest } = buildBundle('tiny', recipe, folder);
    await writeImageFolder(`${folder}/images`, 21);
    const options = { directory: folder, data: `folder:${folder}/images`, threads: 1 };
    await train({ ...options, steps: 2 });
    const built: number[] = [];
    const hiding = (hidden: number) => {
      built.push(hidden);
      const bundle = buildEvalGraph(manifest, hidden, `${folder}/hiding-${hidden}`);
      expect(patchCounts(bundle.manifest.recipe).hidden).toBe(hidden);
      return bundle;
    };
    const result = await evaluateSequential({ ...options, hiding });
    expect(built).toEqual([4, 3, 2]);
    expect(result).toMatchObject({ step: 2, count: 21 });
    expect(result.chance).toBeCloseTo((1 / 4 + 1 / 3 + 1 / 2) / 3, 12);
    expect(result.stages.map(({ hidden, count }) => [hidden, count])).toEqual([4, 3, 2].map((h) => [h, 21]));
    const mean = result.stages.reduce((sum, { accuracy }) => sum + accuracy, 0) / 3;
    expect(result.accuracy).toBeCloseTo(mean, 12);
    expect(result.interval[0]).toBeLessThanOrEqual(mean);
    // an untrained network guesses; three questions about an image are worth more than one, and less than three images
    for (const { accuracy } of result.stages) expect(accuracy).toBeGreaterThan(0.1);
    const width = ([low, high]: readonly number[]) => high - low;
    expect(width(result.interval)).toBeLessThan(width(wilson(mean, 21)));
    expect(width(result.interval)).toBeGreaterThanOrEqual(width(wilson(mean, 3 * 21)));

    // With as many hidden patches as in training the built graph is the bundle's.
    const same = buildEvalGraph(manifest, 4, `${folder}/again/graph`);
    expect(same.manifest.graphs.eval).toEqual(manifest.graphs.eval);
    const [random, rows] = [await evaluate(options), await evaluate({ ...options, mask: 'rows' })];
    expect([random, rows]).toMatchObject([
      { count: 21, chance: 0.25 },
      { count: 21, chance: 0.25 },
    ]);
    expect(rows.loss).not.toBe(random.loss);

    // The images 0, 3, ..., 18 of the folder, of which number 3 is broken.
    const broken = `${folder}/images/class1/0001.png`;
    truncateSync(broken, 60);
    const some = { ...options, hiding, images: 7 };
    await expect(evaluateSequential(some)).rejects.toThrow(`${broken} cannot be decoded`);
    const skipped = await evaluateSequential({ ...some, broken: 'skip' });
    expect([skipped.count, ...skipped.stages.map(({ count }) => count)]).toEqual([6, 6, 6, 6]);
    expect(skipped.broken.map(({ where }) => where)).toEqual([broken]);
  });
});
