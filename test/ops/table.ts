/** The table of operator cases that table.test.ts checks: at least one row for every operator. */
import { operators } from '../../src/graph/op';
import { normalizeAxis } from '../../src/graph/shape';
import type { Attributes, Value } from '../../src/graph/graph';
import type { LoweringOptions } from '../../src/lowering/context';
import type { DType } from '../../src/tensors/dtype';
import { gelu, relu } from '../../src/ops/activation';
import * as e from '../../src/ops/elementwise';
import { gather } from '../../src/ops/gather';
import { gemm, matmul } from '../../src/ops/matmul';
import { cond, loop } from '../../src/ops/control';
import * as o from '../../src/ops/onnx';
import { dequantizeLinear, quantizeLinear } from '../../src/ops/quantize';
import { batchNorm, batchNormInference, layerNorm } from '../../src/ops/norm';
import { globalAveragePool } from '../../src/ops/pool';
import { reduceMax, reduceMean, reduceMin, reduceSum } from '../../src/ops/reduce';
import * as s from '../../src/ops/shape';
import { logSoftmax, softmax } from '../../src/ops/softmax';

type Values = 'normal' | 'positive' | readonly number[];

export interface InputSpec {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly values: Values;
}

export interface Case {
  readonly op: string;
  readonly name: string;
  readonly inputs: readonly InputSpec[];
  /** The loss is taken over the first output. */
  readonly build: (inputs: readonly Value[]) => Value | readonly Value[];
  /** False where the operator has no gradient: its result is an integer or bool, or only lowering uses it. */
  readonly gradient: boolean;
  /** Implementations to take instead of the default ones. */
  readonly implementations?: Readonly<Record<string, string>>;
  /** default `exact` */
  readonly precision?: LoweringOptions['precision'];
}

const normal = (...shape: number[]): InputSpec => ({ dtype: 'float64', shape, values: 'normal' });
const positive = (...shape: number[]): InputSpec => ({ dtype: 'float64', shape, values: 'positive' });
const given = (dtype: DType, shape: readonly number[], ...values: number[]): InputSpec => ({
  dtype,
  shape,
  values,
});
const single = (spec: InputSpec): InputSpec => ({ ...spec, dtype: 'float32' });

type Options = Partial<Pick<Case, 'gradient' | 'implementations' | 'precision'>>;
type Build = (...inputs: Value[]) => Value | readonly Value[];

function row(
  op: string,
  name: string,
  inputs: readonly InputSpec[],
  build: Build,
  options: Options = {},
): Case {
  return { op, name, inputs, build: (values) => build(...values), gradient: true, ...options };
}

/** A call by type and attributes, for attributes that the public function does not expose. */
export const callOp = (op: string, inputs: readonly Value[], attrs: Attributes): Value[] => {
  const found = operators.get(op);
  if (!found) throw new Error(`there is no operator ${op}`);
  return found.call(inputs, attrs);
};

const BROADCASTS: readonly (readonly [string, readonly number[], readonly number[]])[] = [
  ['equal shapes', [2, 3], [2, 3]],
  ['a row', [2, 3], [3]],
  ['a column and a row', [4, 1], [1, 3]],
  ['more axes on the right', [3], [2, 2, 3]],
  ['both along other axes', [2, 1, 3], [4, 1]],
  ['a scalar', [], [2, 2]],
];

const binary = (op: string, build: (a: Value, b: Value) => Value, make = normal) =>
  BROADCASTS.map(([name, a, b]) => row(op, name, [make(...a), make(...b)], build));

const unary = (op: string, build: (x: Value) => Value, make = normal) =>
  [[2, 3, 2], []].map((shape) => row(op, `rank ${shape.length}`, [make(...shape)], build));

const compare = (op: string, build: (a: Value, b: Value) => Value) => [
  row(op, 'broadcast', [given('float64', [3], 1, 2, 3), given('float64', [2, 1], 2, 3)], build, {
    gradient: false,
  }),
  row(op, 'int64', [given('int64', [3], 1, 2, 3), given('int64', [], 2)], build, { gradient: false }),
];

const bits = given('uint32', [2, 2], 0xffffffff, 0xd2511f53, 12, 0);
const flags = given('bool', [2, 1], 1, 0);

const elementwise: Case[] = [
  ...binary('Add', e.add),
  ...binary('Sub', e.sub),
  ...binary('Mul', e.mul),
  ...binary('Div', e.div, positive),
  ...binary('Pow', e.pow, positive),
  row('Pow', 'a number as exponent', [normal(2, 3)], (x) => e.pow(x, 3)),
  ...binary('Max', e.maximum),
  ...binary('Min', e.minimum),
  row('Sub', 'a number first', [normal(3)], (x) => e.sub(1, x)),
  ...unary('Neg', e.neg),
  ...unary('Exp', e.exp),
  ...unary('Log', e.log, positive),
  ...unary('Sqrt', e.sqrt, positive),
  ...unary('Reciprocal', e.reciprocal, positive),
  ...unary('Tanh', e.tanh),
  ...unary('Sigmoid', e.sigmoid),
  ...unary('Abs', e.abs),
  ...unary('Sign', e.sign),
  ...unary('Floor', e.floor),
  row('Erf', 'float32', [single(normal(3, 4))], e.erf),
  ...compare('Greater', e.greater),
  ...compare('GreaterOrEqual', e.greaterOrEqual),
  ...compare('Less', e.less),
  ...compare('LessOrEqual', e.lessOrEqual),
  ...compare('Equal', e.equal),
  row('And', 'broadcast', [flags, given('bool', [2], 1, 0)], e.and, { gradient: false }),
  row('Or', 'broadcast', [flags, given('bool', [2], 1, 0)], e.or, { gradient: false }),
  row('BitwiseAnd', 'uint32', [bits, given('uint32', [], 0xffff)], e.bitwiseAnd, { gradient: false }),
  row('BitwiseXor', 'uint32', [bits, given('uint32', [2], 1, 0xffff)], e.bitwiseXor, { gradient: false }),
  row('Mod', 'int64', [given('int64', [4], 7, -7, 6, 0), given('int64', [], 3)], e.mod, { gradient: false }),
  row('Where', 'condition broadcast', [flags, normal(2, 3), normal(2, 3)], e.where),
  row('Where', 'all broadcast', [flags, normal(3), normal(4, 1, 1)], e.where),
  row('Where', 'a number', [flags, normal(2, 3)], (c, x) => e.where(c, x, -1)),
  row('Cast', 'float32 to float64', [single(normal(2, 3))], (x) => e.cast(x, 'float64')),
  row('Cast', 'and back', [single(normal(2, 3))], (x) => e.cast(e.mul(e.cast(x, 'float64'), 2), 'float32')),
  row('Cast', 'to int64', [normal(2, 3)], (x) => e.cast(e.mul(x, 10), 'int64'), { gradient: false }),
  row('Cast', 'from uint8', [given('uint8', [3], 0, 7, 255)], (x) => e.cast(x, 'float64'), {
    gradient: false,
  }),
];

const shapes: Case[] = [
  row('Identity', 'a matrix', [normal(2, 3)], o.identity),
  row('Reshape', 'split', [normal(2, 6)], (x) => s.reshape(x, [2, 3, 2])),
  row('Reshape', 'to a scalar', [normal(1, 1)], (x) => s.reshape(x, [])),
  row('Transpose', 'three axes', [normal(2, 3, 4)], (x) => s.transpose(x, [2, 0, 1])),
  row('Transpose', 'four axes', [normal(2, 3, 1, 2)], (x) => s.transpose(x, [0, 3, 1, 2])),
  row('Expand', 'a size 1', [normal(2, 1, 3)], (x) => s.expand(x, [2, 4, 3])),
  row('Expand', 'new axes', [normal(3)], (x) => s.expand(x, [2, 2, 3])),
  row('Expand', 'a scalar', [normal()], (x) => s.expand(x, [2, 3])),
  row('Slice', 'middle', [normal(2, 5)], (x) => s.slice(x, 1, 1, 4)),
  row('Slice', 'every second', [normal(7, 2)], (x) => s.slice(x, 0, 1, 6, 2)),
  row('Slice', 'every third to the end', [normal(2, 7)], (x) => s.slice(x, -1, 0, 7, 3)),
  row('Slice', 'two axes', [normal(4, 6)], (x) =>
    callOp('Slice', [x], { axes: [0, 1], starts: [1, 0], ends: [4, 5], steps: [1, 2] }),
  ),
  row('Pad', 'both ends', [normal(2, 3)], (x) => s.pad(x, [1, 0], [0, 2])),
  row('Concat', 'first axis', [normal(1, 3), normal(2, 3), normal(3, 3)], (...x) => s.concat(x, 0)),
  row('Concat', 'last axis', [normal(2, 1, 2), normal(2, 1, 3)], (...x) => s.concat(x, -1)),
  row('Tile', 'two axes', [normal(2, 3)], (x) => s.tile(x, [2, 3]), { gradient: false }),
  row('Gather', 'rows', [normal(4, 3), given('int64', [3], 2, 0, 2)], (x, i) => gather(x, i)),
  row('Gather', 'int32 matrix, middle axis', [normal(2, 4, 3), given('int32', [2, 2], 3, 0, 0, 1)], (x, i) =>
    gather(x, i, 1),
  ),
  row('Gather', 'scalar index', [normal(2, 4), given('int64', [], 3)], (x, i) => gather(x, i, -1)),
];

const NONE = { gradient: false } as const;

/** Operators that lowering, exports and evaluators write, and control flow. */
const plain: Case[] = [
  row('Shape', 'a map', [normal(2, 3, 4)], o.shapeOf, NONE),
  row('Range', 'four', [given('float32', [], 4)], (limit) => o.rangeTo(limit, 4), NONE),
  row('GlobalAveragePool', 'a map', [single(normal(2, 3, 4, 5))], o.globalAveragePooled, NONE),
  row('Flatten', 'a map', [normal(2, 3, 4, 5)], o.flattenRows, NONE),
  row('TopK', 'two of five', [normal(3, 5)], (x) => o.topK(x, 2), NONE),
  row(
    'QuantizeLinear',
    'a tensor',
    [single(normal(2, 3)), given('float32', [], 0.5), given('uint8', [], 128)],
    (x, scale, zero) => quantizeLinear(x, scale, zero),
    NONE,
  ),
  row(
    'DequantizeLinear',
    'channels',
    [given('int8', [2, 2], 1, -2, 3, 4), given('float32', [2], 0.5, 2)],
    (x, scale) => dequantizeLinear(x, scale, null, 0),
    NONE,
  ),
  row(
    'Loop',
    'three rounds',
    [normal(2), given('int64', [], 3)],
    (x, count) => {
      const rounds = loop('rounds', count, 3, new Map([['x', x]]), (_inner, _round, own) => {
        const next = e.mul(own.get('x') as Value, 2);
        return { carried: new Map([['x', next]]), stacked: new Map([['x', next]]) };
      });
      return [...rounds.carried.values(), ...rounds.stacked.values()];
    },
    NONE,
  ),
  row(
    'If',
    'one of two',
    [normal(2), given('bool', [], 1)],
    (x, condition) =>
      cond(
        condition,
        () => [e.mul(x, 2)],
        () => [e.neg(x)],
      ),
    NONE,
  ),
];

const reductions: Case[] = (
  [
    ['ReduceSum', reduceSum],
    ['ReduceMean', reduceMean],
    ['ReduceMax', reduceMax],
    ['ReduceMin', reduceMin],
  ] as const
).flatMap(([op, build]) => [
  row(op, 'all axes', [normal(2, 3)], (x) => build(x)),
  row(op, 'no axes', [normal()], (x) => [e.mul(build(x), 2), build(s.reshape(x, [1]))]),
  row(op, 'first and last', [normal(2, 3, 4)], (x) => build(x, [0, -1])),
  row(op, 'axes kept', [normal(2, 3, 4)], (x) => build(x, [1], 1)),
]);

const GEMM_ROWS: readonly (readonly number[])[] = [[5], [1], [3, 5], [3, 1], [1, 5], []];

const matrices: Case[] = [
  row('MatMul', 'matrices', [normal(3, 4), normal(4, 5)], matmul),
  row('MatMul', 'batch', [normal(2, 3, 4), normal(2, 4, 5)], matmul),
  row('MatMul', 'one matrix on the right', [normal(2, 2, 3, 4), normal(4, 5)], matmul),
  row('MatMul', 'one matrix on the left', [normal(3, 4), normal(2, 4, 5)], matmul),
  row('MatMul', 'batch axes broadcast', [normal(2, 1, 3, 4), normal(3, 4, 2)], matmul),
  ...([0, 1] as const).flatMap((transA) =>
    ([0, 1] as const).map((transB) =>
      row(
        'Gemm',
        `transA ${transA} transB ${transB}`,
        [transA ? normal(4, 3) : normal(3, 4), transB ? normal(5, 4) : normal(4, 5)],
        (a, b) => gemm(a, b, { transA, transB, alpha: 0.5 }),
      ),
    ),
  ),
  ...GEMM_ROWS.map((shape) =>
    row(
      'Gemm',
      `third operand [${shape.join(', ')}]`,
      [normal(3, 4), normal(4, 5), normal(...shape)],
      (a, b, c) => gemm(a, b, { beta: 2 }, c),
    ),
  ),
];

const softmaxes: Case[] = (
  [
    ['Softmax', softmax],
    ['LogSoftmax', logSoftmax],
  ] as const
).flatMap(([op, build]) =>
  [-1, 0, 1].map((axis) =>
    row(op, `axis ${axis}`, [normal(2, 3, 4)], (x) => build(x, normalizeAxis(axis, 3))),
  ),
);

const convolution = (strides: number[], pads: number[], dilations: number[], group: number): Attributes => ({
  strides,
  pads,
  dilations,
  group,
});
const CONVOLUTIONS: readonly (readonly [string, InputSpec, InputSpec, Attributes])[] = [
  ['3x3', normal(2, 2, 4, 5), normal(3, 2, 3, 3), convolution([1, 1], [1, 1, 1, 1], [1, 1], 1)],
  ['strided', normal(2, 2, 5, 6), normal(2, 2, 3, 3), convolution([2, 2], [1, 1, 1, 1], [1, 1], 1)],
  ['pointwise', normal(2, 3, 3, 2), normal(4, 3, 1, 1), convolution([1, 1], [0, 0, 0, 0], [1, 1], 1)],
  ['pointwise strided', normal(2, 3, 3, 4), normal(2, 3, 1, 1), convolution([2, 3], [0, 0, 0, 0], [1, 1], 1)],
  ['groups', normal(1, 4, 4, 4), normal(6, 2, 3, 2), convolution([1, 2], [1, 0, 1, 1], [1, 1], 2)],
  ['dilated', normal(1, 2, 6, 7), normal(2, 2, 2, 3), convolution([1, 2], [0, 2, 1, 2], [2, 2], 1)],
  ['gaps', normal(1, 2, 7, 5), normal(2, 2, 2, 2), convolution([3, 3], [0, 0, 0, 0], [1, 1], 1)],
];
const conv =
  (attrs: Attributes): Build =>
  (x, w) =>
    callOp('Conv2d', [x, w], attrs);

const pool = (kernel_shape: number[], strides: number[], pads: number[]): Attributes => ({
  kernel_shape,
  strides,
  pads,
});
const POOLS: readonly (readonly [string, InputSpec, Attributes])[] = [
  ['2x2', normal(2, 2, 4, 6), pool([2, 2], [2, 2], [0, 0, 0, 0])],
  ['overlapping', normal(1, 2, 5, 7), pool([3, 3], [2, 2], [1, 1, 1, 1])],
  ['gaps', normal(1, 2, 7, 5), pool([2, 2], [3, 3], [0, 0, 0, 0])],
  ['oblong', normal(1, 2, 5, 6), pool([3, 2], [1, 2], [1, 0, 1, 1])],
];

const image = normal(2, 3, 2, 4);
const channels = normal(3);

const networks: Case[] = [
  ...CONVOLUTIONS.map(([name, x, w, attrs]) => row('Conv2d', name, [x, w], conv(attrs))),
  row(
    'Conv2d',
    'ONNX operator',
    CONVOLUTIONS[4].slice(1, 3).map((v) => single(v as InputSpec)),
    conv(CONVOLUTIONS[4][3]),
    {
      implementations: { Conv2d: 'plain', Conv2dInputGradient: 'plain' },
    },
  ),
  ...POOLS.map(([name, x, attrs]) => row('MaxPool2d', name, [x], (v) => callOp('MaxPool2d', [v], attrs))),
  ...POOLS.flatMap(([name, x, attrs]) =>
    [0, 1].map((count_include_pad) =>
      row('AveragePool2d', `${name}, padding ${count_include_pad ? 'counts' : 'left out'}`, [x], (v) =>
        callOp('AveragePool2d', [v], { ...attrs, count_include_pad }),
      ),
    ),
  ),
  row(
    'AveragePool2d',
    'ONNX operator',
    [single(POOLS[1][1])],
    (v) => callOp('AveragePool2d', [v], { ...POOLS[1][2], count_include_pad: 0 }),
    { implementations: { AveragePool2d: 'plain' } },
  ),
  row('GlobalAveragePool2d', 'image', [image], globalAveragePool),
  ...(['centered', 'moments', 'plain'] as const).map((BatchNorm) =>
    row(
      'BatchNorm',
      BatchNorm,
      [image, channels, channels],
      (x, scale, bias) => {
        const { y, mean, variance } = batchNorm(x, scale, bias);
        return [y, mean, variance];
      },
      { implementations: { BatchNorm, BatchNormGradient: BatchNorm === 'plain' ? 'plain' : 'rows' } },
    ),
  ),
  row(
    'BatchNorm',
    'after a widening pointwise convolution',
    [normal(2, 2, 2, 4), normal(8, 2, 1, 1), normal(8), normal(8)],
    (x, w, scale, bias) => {
      const { y, mean, variance } = batchNorm(callOp('Conv2d', [x, w], CONVOLUTIONS[2][3])[0], scale, bias);
      return [y, mean, variance];
    },
    { precision: 'fast' },
  ),
  ...(['rows', 'plain'] as const).map((BatchNormInference) =>
    row(
      'BatchNormInference',
      BatchNormInference,
      [image, channels, channels, channels, positive(3)],
      (x, scale, bias, mean, variance) => batchNormInference(x, scale, bias, mean, variance),
      { gradient: false, implementations: { BatchNormInference } },
    ),
  ),
  ...[[5], [3, 4], [2, 3, 4]].map((shape) =>
    row(
      'LayerNorm',
      `rank ${shape.length}`,
      [normal(...shape), normal(shape[shape.length - 1]), normal(shape[shape.length - 1])],
      (x, scale, bias) => layerNorm(x, scale, bias),
    ),
  ),
  row(
    'LayerNorm',
    'float32',
    [single(normal(3, 4)), single(normal(4)), single(normal(4))],
    (x, scale, bias) => layerNorm(x, scale, bias),
  ),
  row('Relu', 'float64', [normal(3, 4)], relu),
  row('Relu', 'float32', [single(normal(3, 4))], relu),
  row('Gelu', 'float32', [single(normal(3, 4))], gelu),
];

export const cases: readonly Case[] = [
  ...elementwise,
  ...shapes,
  ...plain,
  ...reductions,
  ...matrices,
  ...softmaxes,
  ...networks,
];

/**
 * Operators that no call makes directly: the row's operator whose graph, after differentiation and lowering, has them.
 * table.test.ts checks that it does.
 */
export const MADE_BY: Readonly<Record<string, string>> = {
  // gradients of composites
  ReluGradient: 'Relu',
  GeluGradient: 'Gelu',
  Conv2dInputGradient: 'Conv2d',
  Conv2dWeightGradient: 'Conv2d',
  MaxPool2dGradient: 'MaxPool2d',
  AveragePool2dGradient: 'AveragePool2d',
  GlobalAveragePool2dGradient: 'GlobalAveragePool2d',
  BatchNormGradient: 'BatchNorm',
  LayerNormGradient: 'LayerNorm',
  // composites of two composites
  PointwiseBatchNorm: 'BatchNorm',
  PointwiseBatchNormGradient: 'BatchNorm',
  // ONNX operators that lower a composite
  HardSigmoid: 'Relu',
  Conv: 'Conv2d',
  ConvTranspose: 'Conv2d',
  MaxPool: 'MaxPool2d',
  AveragePool: 'AveragePool2d',
  BatchNormalization: 'BatchNormInference',
  LayerNormalization: 'LayerNorm',
};
