/** tools/bench/gpu: its options, how it compares two runs, what it takes for shape bookkeeping, what it packs. */
import type { Manifest } from '../../src/bundle/manifest';
import type { HostTensor } from '../../src/tensors/dtype';
import { GPU_CASE_NAMES, gpuRecipe } from '../../tools/bench/gpu/cases';
import { parseGpuOptions } from '../../tools/bench/gpu/options';
import { packagesToRun, pinned, readLock } from '../../tools/bench/gpu/packages';
import { isBookkeeping, judgePlacement } from '../../tools/bench/gpu/placement';
import { compareRuns, disturbed, trained, type Run, type State } from '../../tools/bench/gpu/states';
import { repositoryRoot } from '../support/paths';

describe('options', () => {
  const refused = async (...args: string[]) =>
    parseGpuOptions(args).then(
      () => 'taken',
      (error: unknown) => (error as Error).message,
    );

  test('what cannot be is refused', async () => {
    expect(await refused('--case', 'pretrain-33')).toContain('did you mean pretrain-32');
    expect(await refused('--only', 'torch-float')).toContain('did you mean torch-float16');
    expect(await refused('--device', 'rocm')).toContain('cuda');
    expect(await refused('--steps', '0')).toContain('at least 1');
    expect(await refused('pretrain-32')).toContain('pretrain-32');
    expect(await refused('--stepz', '1')).toContain('stepz');
  });

  test('defaults are the paper at 32 x 32 on CUDA', async () => {
    const options = await parseGpuOptions([]);
    expect(options).toMatchObject({ device: 'cuda', check: true, time: true, stepsPerRun: 8, checkBatch: 8 });
    expect(options?.cases).toEqual(['pretrain-32', 'finetune-32']);
    expect(options?.contestants).toHaveLength(7);
    const batches = options?.cases.map((name) => gpuRecipe(name, 'float32', undefined, []).recipe.batch);
    expect(batches).toEqual([512, 512]);
  });

  test.each(GPU_CASE_NAMES)('%s is a recipe for CUDA without dropout', (name) => {
    const { recipe } = gpuRecipe(name, 'float16', 6, []);
    expect(recipe).toMatchObject({ provider: 'cuda', compute: 'float16', batch: 6 });
    if (recipe.task === 'pretrain') expect(recipe.pooling.dropout).toBe(0);
  });
});

describe('two runs', () => {
  const tensor = (...values: number[]): HostTensor => ({
    dtype: 'float32',
    shape: [values.length],
    data: Float32Array.from(values),
  });
  const entry = (name: string, kind: 'parameter' | 'buffer' | 'optimizer') => ({
    ...{ name, kind, dtype: 'float32' as const, shape: [2], part: 'fc' },
  });
  const manifest: Pick<Manifest, 'state'> = {
    state: [entry('w', 'parameter'), entry('mean', 'buffer'), entry('optim.momentum.w', 'optimizer')],
  };
  const start: State = new Map([
    ['w', tensor(1, 2)],
    ['mean', tensor(0, 0)],
    ['optim.momentum.w', tensor(0, 0)],
  ]);
  const run = (change: Record<string, HostTensor> = {}, losses = [2, 1.5]): Run => ({
    ...{ losses, start },
    end: new Map([
      ['w', tensor(1.5, 2.5)],
      ['mean', tensor(3, 4)],
      ['optim.momentum.w', tensor(-1, 1)],
      ...Object.entries(change),
    ]),
  });
  const those = (wanted: string, device: Run, other = run()) =>
    compareRuns({ reference: run(), device, other }, manifest, 'float32').flatMap(({ what, verdict }) =>
      verdict === wanted ? what : [],
    );
  const failing = (device: Run, other = run()) => those('FAIL', device, other);

  test('the same', () => {
    expect(failing(run())).toEqual([]);
  });

  test.each([
    ['a loss', run({}, [2, 1.501]), 'loss'],
    ['a loss that is no number', run({}, [2, NaN]), 'loss'],
    ['a step that is missing', run({}, [2]), 'loss'],
    ['a parameter', run({ w: tensor(1.5, 2.501) }), 'change of the parameters'],
    ['a statistic', run({ mean: tensor(3, 4.1) }), 'running statistics'],
    ['a momentum', run({ 'optim.momentum.w': tensor(-1, NaN) }), 'optimizer state'],
    ['another size', run({ 'optim.momentum.w': tensor(-1) }), 'optimizer state'],
  ])('%s differs', (_, device, what) => {
    expect(failing(device)).toContain(`${what}, largest`);
    expect(failing(device).every((failed) => failed.startsWith(what))).toBe(true);
  });

  test('what one rounding of the start does is allowed four times; where that is much, nothing is told', () => {
    const off = (by: number) => run({ mean: tensor(3, 4 + by) });
    expect(failing(off(0.03))).not.toEqual([]);
    expect(failing(off(0.03), off(0.01))).toEqual([]);
    expect(failing(off(0.05), off(0.01))).not.toEqual([]);
    expect(those('open', off(1), off(1))).toContain('running statistics, largest');
    expect(failing(off(5), off(1))).toContain('running statistics, largest');
    expect(failing(off(NaN), off(1))).toContain('running statistics, largest');
  });

  test('a reference that stands still or explodes proves nothing', () => {
    expect(trained(run(), manifest).verdict).toBe('ok');
    expect(trained(run({ w: tensor(1, 2) }), manifest).verdict).toBe('FAIL');
    expect(trained(run({}, [2, Infinity]), manifest).verdict).toBe('FAIL');
  });

  test('a disturbed start: parameters by one rounding, the rest as it was', () => {
    const moved = disturbed(start, manifest, 2 ** -23);
    const [a, b] = moved.get('w')?.data as Float32Array;
    expect([Math.abs(a - 1), Math.abs(b - 2)].every((by) => by > 0 && by <= 2 ** -22)).toBe(true);
    expect(moved.get('mean')).toBe(start.get('mean'));
  });
});

test('only small results of shape operators may be left to the CPU', () => {
  const node = (op: string, outputs: number[][], provider = 'CPUExecutionProvider') => ({
    ...{ name: `/${op}`, op, provider, outputs },
  });
  expect(isBookkeeping(node('Shape', [[4]]))).toBe(true);
  expect(isBookkeeping(node('Gather', [[]]))).toBe(true);
  expect(isBookkeeping(node('Gather', [[512, 1024]]))).toBe(false);
  expect(isBookkeeping(node('Conv', [[1]]))).toBe(false);
  const nodes = [
    node('Conv', [[8, 8]], 'CUDAExecutionProvider'),
    node('MemcpyToHost', [[]], 'CUDAExecutionProvider'),
    node('Shape', [[4]]),
    node('ScatterND', [[8, 8]]),
  ];
  const found = judgePlacement(nodes, 'cuda');
  expect(found).toMatchObject({ total: 4, copies: 1, bookkeeping: [nodes[2]], wrong: [nodes[3]] });
});

describe('packing', () => {
  test('the packages that run, and no other', () => {
    const folders = packagesToRun(readLock(repositoryRoot), () => true);
    expect(folders).toEqual(expect.arrayContaining(['node_modules/onnxruntime-node', 'node_modules/zod']));
    expect(folders).not.toContain('node_modules/typescript');
    expect(folders).not.toContain('');
  });

  test('pinned versions', () => {
    expect(pinned('# peers\ntorch==2.1\nsafetensors==0.8.0\n', 'safetensors')).toBe('safetensors==0.8.0');
    expect(() => pinned('torch==2.1\n', 'safetensors')).toThrow('does not pin');
  });
});
