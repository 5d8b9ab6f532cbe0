/** A small model by hand: a Loop with a body that doubles, a large and a small initializer. */
import type { OnnxGraph, OnnxModel } from '../../src/onnx/model';

/** Length of the vectors: 4 * 512 bytes of weights, enough to go to an external file. */
export const SIZE = 512;

/** y = x * 2^trips + weight. */
export function loopModel(trips: number): OnnxModel {
  const body: OnnxGraph = {
    name: 'body',
    inputs: [
      { name: 'iteration', dtype: 'int64', shape: [] },
      { name: 'go', dtype: 'bool', shape: [] },
      { name: 'value', dtype: 'float32', shape: [SIZE] },
    ],
    outputs: [
      { name: 'go_on', dtype: 'bool', shape: [] },
      { name: 'next_value', dtype: 'float32', shape: [SIZE] },
    ],
    initializers: [{ name: 'factor', dtype: 'float32', shape: [SIZE], data: new Float32Array(SIZE).fill(2) }],
    nodes: [
      { name: 'keep', opType: 'Identity', domain: '', inputs: ['go'], outputs: ['go_on'], attributes: [] },
      {
        name: 'double',
        opType: 'Mul',
        domain: '',
        inputs: ['value', 'factor'],
        outputs: ['next_value'],
        attributes: [],
      },
    ],
  };
  return {
    irVersion: 9,
    opsets: [{ domain: '', version: 17 }],
    producerName: 'test',
    producerVersion: '1',
    metadata: { purpose: 'a test' },
    graph: {
      name: 'main',
      inputs: [{ name: 'x', dtype: 'float32', shape: ['n'] }],
      outputs: [{ name: 'y', dtype: 'float32', shape: ['n'] }],
      initializers: [
        { name: 'trips', dtype: 'int64', shape: [], data: BigInt64Array.of(BigInt(trips)) },
        {
          name: 'weight',
          dtype: 'float32',
          shape: [SIZE],
          data: new Float32Array(SIZE).map((_, index) => Math.sqrt(index)),
        },
      ],
      nodes: [
        {
          name: 'loop',
          opType: 'Loop',
          domain: '',
          inputs: ['trips', '', 'x'],
          outputs: ['doubled'],
          attributes: [{ name: 'body', type: 'graph', value: body }],
        },
        {
          name: 'add',
          opType: 'Add',
          domain: '',
          inputs: ['doubled', 'weight'],
          outputs: ['y'],
          attributes: [],
        },
      ],
    },
  };
}

/** What the model computes. */
export function expectedOutput(x: Float32Array, trips: number): Float32Array {
  return x.map((value, index) => Math.fround(value * 2 ** trips) + Math.fround(Math.sqrt(index)));
}
