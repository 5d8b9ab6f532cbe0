/** Every stored PyTorch case (tools/reference/op_fixtures.py): values and gradients, in float64 where the runtime can. */
import { readFileSync } from 'node:fs';
import { gradients } from '../../src/autodiff/gradients';
import { readSafetensors } from '../../src/tensors/safetensors';
import { Graph, type Attributes, type Value } from '../../src/graph/graph';
import type { HostTensor } from '../../src/tensors/dtype';
import { gelu, relu } from '../../src/ops/activation';
import { add, erf, mul } from '../../src/ops/elementwise';
import { gather } from '../../src/ops/gather';
import { matmul, swapLast } from '../../src/ops/matmul';
import { batchNorm, batchNormInference, layerNorm } from '../../src/ops/norm';
import { globalAveragePool } from '../../src/ops/pool';
import { reduceMean, reduceSum } from '../../src/ops/reduce';
import { reshape, slice, transpose } from '../../src/ops/shape';
import { crossEntropy, logSoftmax, softmax } from '../../src/ops/softmax';
import { fixture } from '../support/paths';
import { runGraph } from '../support/run';
import { expectClose, numbersOf, tensorOf } from '../support/tensors';
import { callOp } from './table';

interface StoredCase {
  readonly family: string;
  readonly case: string;
  readonly op: string;
  readonly attrs: Attributes;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly grads: readonly string[];
}

const stored = JSON.parse(readFileSync(fixture('torch', 'ops.json'), 'utf8')) as StoredCase[];
const families = [...new Set(stored.map((c) => c.family))];

/** ONNX Runtime's CPU provider has Erf in float32 only. */
const FLOAT32 = new Set(['Gelu', 'Erf']);
/** ONNX Runtime fuses a scale into a matrix product as a float32 attribute, in float64 too. */
const FUSED: Readonly<Record<string, number>> = { selfAttention: 6e-8 };

const number = (attrs: Attributes, name: string) => attrs[name] as number;
const vector = (x: Value, wanted: boolean, shape: Value['shape']) => (wanted ? reshape(x, shape) : x);

function linear(x: Value, weight: Value, bias: Value): Value {
  return add(matmul(x, swapLast(weight)), bias);
}

/** torch.matmul's vectors are matrices of one row or column here. */
function matmulWithVectors(a: Value, b: Value): Value {
  const product = matmul(vector(a, a.rank === 1, [1, a.shape[0]]), vector(b, b.rank === 1, [b.shape[0], 1]));
  const shape = [...product.shape];
  if (b.rank === 1) shape.pop();
  if (a.rank === 1) shape.splice(-2, 1);
  return reshape(product, shape);
}

function selfAttention([x, inWeight, inBias, outWeight, outBias]: readonly Value[], heads: number): Value {
  const [batch, tokens, features] = x.shape as number[];
  const size = features / heads;
  const projected = linear(x, inWeight, inBias);
  const part = (i: number) =>
    transpose(
      reshape(slice(projected, 2, i * features, (i + 1) * features), [batch, tokens, heads, size]),
      [0, 2, 1, 3],
    );
  const scores = mul(matmul(part(0), swapLast(part(1))), 1 / Math.sqrt(size));
  const attended = transpose(matmul(softmax(scores), part(2)), [0, 2, 1, 3]);
  return linear(reshape(attended, [batch, tokens, features]), outWeight, outBias);
}

type Builder = (inputs: readonly Value[], attrs: Attributes) => readonly Value[];

const BUILDERS: Readonly<Record<string, Builder>> = {
  Conv: ([x, weight, bias], attrs) => {
    const y = callOp('Conv2d', [x, weight], attrs)[0];
    return [bias ? add(y, reshape(bias, [bias.shape[0], 1, 1])) : y];
  },
  MaxPool: ([x], attrs) => callOp('MaxPool2d', [x], attrs),
  AveragePool: ([x], attrs) => callOp('AveragePool2d', [x], attrs),
  GlobalAveragePool: ([x]) => [globalAveragePool(x)],
  BatchNormalization: ([x, scale, bias, givenMean, givenVariance], attrs) => {
    if (!attrs.training_mode)
      return [batchNormInference(x, scale, bias, givenMean, givenVariance, number(attrs, 'epsilon'))];
    const { y, mean, variance } = batchNorm(x, scale, bias, number(attrs, 'epsilon'));
    return [y, mean, variance];
  },
  LayerNormalization: ([x, scale, bias], attrs) => [layerNorm(x, scale, bias, number(attrs, 'epsilon'))],
  Softmax: ([x], attrs) => [softmax(x, number(attrs, 'axis'))],
  LogSoftmax: ([x], attrs) => [logSoftmax(x, number(attrs, 'axis'))],
  Relu: ([x]) => [relu(x)],
  Gelu: ([x]) => [gelu(x)],
  Erf: ([x]) => [erf(x)],
  SoftmaxCrossEntropyLoss: ([logits, labels], { reduction }) => {
    const losses = crossEntropy(logits, labels);
    return [reduction === 'mean' ? reduceMean(losses) : losses];
  },
  MatMul: ([a, b]) => [matmulWithVectors(a, b)],
  linear: ([x, weight, bias]) => [linear(x, weight, bias)],
  Gather: ([data, indices], attrs) => [gather(data, indices, number(attrs, 'axis'))],
  selfAttention: (inputs, attrs) => [selfAttention(inputs, number(attrs, 'num_heads'))],
};

test('there are stored cases of every family', () => {
  expect(families).toEqual(
    expect.arrayContaining(['conv', 'pool', 'norm', 'activation', 'loss', 'matrix', 'attention']),
  );
});

describe.each(families)('%s', (family) => {
  const { tensors } = readSafetensors(fixture('torch', `ops-${family}.safetensors`));
  const rows = stored.filter((c) => c.family === family);

  test.each(rows.map((c) => [c.case, c] as const))(
    '%s',
    async (_name, { case: name, op, attrs, inputs, outputs, grads }) => {
      const dtype = FLOAT32.has(op) ? 'float32' : 'float64';
      const tolerance = dtype === 'float32' ? 1e-6 : (FUSED[op] ?? 1e-12);
      const read = (key: string): HostTensor => {
        const tensor = tensors.get(`${name}/${key}`);
        if (!tensor) throw new Error(`${family}: ${name}/${key} is not stored`);
        return tensor.dtype === 'float64' ? tensorOf(dtype, tensor.shape, numbersOf(tensor)) : tensor;
      };
      const graph = new Graph(name);
      const given = inputs.map((input) => read(`x_${input}`));
      const values = inputs.map((input, i) => graph.input(`x_${input}`, given[i].dtype, given[i].shape));
      const results = BUILDERS[op](values, attrs);
      results.forEach((y, i) => graph.output(outputs[i], y));
      if (grads.length > 0) {
        const dy = read('dy');
        const loss = reduceSum(mul(results[0], graph.tensor(dtype, dy.shape, dy.data)));
        const found = gradients(
          loss,
          grads.map((key) => values[inputs.indexOf(key)]),
        );
        grads.forEach((key, i) => graph.output(`grad_${key}`, found[i]));
      }
      const actual = await runGraph(
        graph,
        Object.fromEntries(inputs.map((key, i) => [`x_${key}`, given[i]])),
      );
      expect(results).toHaveLength(outputs.length);
      for (const key of [...outputs, ...grads.map((g) => `grad_${g}`)])
        expectClose(actual[key], read(key), tolerance);
    },
  );
});
