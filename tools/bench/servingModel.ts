/** A model whose answers are known: y = factor x, in a repository's layout. Tests of the server use it, too. */
import { mkdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { writeModel } from '../../src/onnx/files';
import { plainModel, type OnnxModel, type OnnxNode, type OnnxTensor } from '../../src/onnx/model';

/** Columns of x and y. */
export const COLUMNS = 4;

/** Side of the matrices that a slow model multiplies. */
const SIDE = 700;

/**
 * x float32 [batch, 4] -> y = factor x, and `negative` = -factor x.
 * @param products so many matrix products, tens of milliseconds each, add nothing to y
 */
export function scaleModel(factor: number, products = 0): OnnxModel {
  const nodes: OnnxNode[] = [];
  const node = (opType: string, inputs: string[], output: string) => {
    const name = `/${output}`;
    nodes.push({ name, opType, domain: '', inputs, outputs: [output], attributes: [] });
    return output;
  };
  const scalar = (name: string, value: number): OnnxTensor => ({
    name,
    dtype: 'float32',
    shape: [1],
    data: Float32Array.of(value),
  });
  let y = node('Mul', ['x', 'factor'], products === 0 ? 'y' : 'scaled');
  if (products > 0) {
    // Of x, so that the runtime cannot compute it once and for all; zero in the end.
    let matrix = node('Expand', [node('ReduceMax', ['x'], 'largest'), 'sides'], 'matrix');
    matrix = node('Mul', [matrix, 'zero'], 'zeros');
    for (let i = 0; i < products; i++) matrix = node('MatMul', [matrix, matrix], `product${i}`);
    y = node('Add', [y, node('ReduceMax', [matrix], 'nothing')], 'y');
  }
  node('Neg', [y], 'negative');
  const port = (name: string) => ({ name, dtype: 'float32' as const, shape: ['batch', COLUMNS] });
  return plainModel({
    name: 'scale',
    inputs: [port('x')],
    outputs: [port('y'), port('negative')],
    initializers: [
      scalar('factor', factor),
      scalar('zero', 0),
      { name: 'sides', dtype: 'int64', shape: [2], data: BigInt64Array.of(BigInt(SIDE), BigInt(SIDE)) },
    ].filter(({ name }) => name === 'factor' || products > 0) as OnnxTensor[],
    nodes,
  });
}

/** Side of the images that `meanModel` takes. */
const IMAGE = 32;

/** image float32 [batch, 3, 32, 32], as /embed gives it -> embedding [batch, 3, 1, 1], the mean of each channel. */
export const meanModel = (): OnnxModel => ({
  ...plainModel({
    name: 'mean',
    inputs: [{ name: 'image', dtype: 'float32', shape: ['batch', 3, IMAGE, IMAGE] }],
    outputs: [{ name: 'embedding', dtype: 'float32', shape: ['batch', 3, 1, 1] }],
    initializers: [],
    nodes: [
      {
        name: '/embedding',
        opType: 'GlobalAveragePool',
        domain: '',
        inputs: ['image'],
        outputs: ['embedding'],
        attributes: [],
      },
    ],
  }),
  metadata: { mean: '[0,0,0]', std: '[1,1,1]' },
});

/** Adds a version to a repository; it appears whole. */
export function addVersion(repository: string, name: string, version: number, model: OnnxModel): void {
  const hidden = path.join(repository, name, `.${version}`);
  mkdirSync(hidden, { recursive: true });
  writeModel(path.join(hidden, 'model.onnx'), model);
  renameSync(hidden, path.join(repository, name, String(version)));
}
