/** Models by another writer, and bytes that are no model. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { onnx } from 'onnx-proto';

import { UserError } from '../../src/base/errors';
import { decodeModel } from '../../src/onnx/decode';
import type { HostTensor, TypedArray } from '../../src/tensors/dtype';
import { encodeModel } from '../../src/onnx/encode';
import { readModel } from '../../src/onnx/files';
import { fixture } from '../support/paths';
import { corrupted, onnxModel } from './arbitrary';
import { loopModel } from './loop-model';

const { AttributeType } = onnx.AttributeProto;
/** An attribute kind that the project has no use for. */
const ODD = AttributeType.TYPE_PROTO;

const python = fixture('onnx', 'python.onnx');

/** The bytes of a valid proto after `change`. */
function changed(change: (model: onnx.ModelProto, graph: onnx.IGraphProto) => void): Uint8Array {
  const proto = onnx.ModelProto.decode(encodeModel(loopModel(1)));
  if (!proto.graph) throw new Error('the model has lost its graph');
  change(proto, proto.graph);
  return onnx.ModelProto.encode(proto).finish();
}

function userErrorOrValue(body: () => unknown): void {
  try {
    body();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    expect(error.message).toMatch(/^[^\n\r]*$/);
  }
}

describe('a model by the onnx package', () => {
  const model = readModel(python);
  const { graph } = model;

  test('header', () => {
    const { graph: ignored, ...header } = model;
    expect(ignored.docString).toBe('made by the onnx package');
    expect(header).toEqual({
      irVersion: 9,
      opsets: [{ domain: '', version: 17 }],
      producerName: 'fixture',
      producerVersion: '1',
      metadata: { author: 'onnx', empty: '' },
    });
  });

  test('typed fields of every dtype', () => {
    const tensor = (dtype: HostTensor['dtype'], shape: number[], data: TypedArray): HostTensor => {
      return { dtype, shape, data };
    };
    const expected: Record<string, HostTensor> = {
      trip: tensor('int64', [], BigInt64Array.of(3n)),
      go_in: tensor('bool', [], Uint8Array.of(1)),
      bias: tensor('float32', [1], Float32Array.of(0.25)),
      weights: tensor('float32', [3, 2], Float32Array.of(1, 2, 3, 4, 5, 6)),
      f64: tensor('float64', [2], Float64Array.of(0.1, -1e300)),
      f16: tensor('float16', [2], Uint16Array.of(0x3c00, 0xc000)),
      i8: tensor('int8', [2], Int8Array.of(-128, 127)),
      u8: tensor('uint8', [2], Uint8Array.of(0, 255)),
      i32: tensor('int32', [2], Int32Array.of(-(2 ** 31), 2 ** 31 - 1)),
      i64: tensor('int64', [2], BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n)),
      u32: tensor('uint32', [2], Uint32Array.of(0, 2 ** 32 - 1)),
      u64: tensor('uint64', [2], BigUint64Array.of(0n, 2n ** 64n - 1n)),
      empty: tensor('float32', [0, 3], new Float32Array(0)),
    };
    const read = graph.initializers.map(({ name, ...rest }) => [name, rest]);
    expect(Object.fromEntries(read)).toStrictEqual(expected);
  });

  test('attributes, optional inputs, subgraphs', () => {
    const [loop, choose, constant, gemm, transpose] = graph.nodes;
    expect(loop.attributes).toMatchObject([
      { name: 'body', type: 'graph', value: { name: 'body', nodes: [{ name: 'keep' }, { name: 'double' }] } },
    ]);
    expect(choose.attributes.map(({ name, type }) => [name, type])).toEqual([
      ['else_branch', 'graph'],
      ['then_branch', 'graph'],
    ]);
    expect(constant.attributes).toMatchObject([
      { name: 'value', type: 'tensor', value: { shape: [1, 2], data: Float32Array.of(1.5, -2.5) } },
    ]);
    expect(gemm.inputs).toEqual(['c', 'weights', '']);
    expect(gemm.attributes).toEqual([
      { name: 'alpha', type: 'float', value: 0.5 },
      { name: 'transB', type: 'int', value: 1 },
    ]);
    expect(transpose.attributes).toEqual([{ name: 'perm', type: 'ints', value: [1, 0] }]);
  });

  test('survives being written again', () => {
    expect(decodeModel(encodeModel(model))).toStrictEqual(model);
  });
});

describe('bytes that are no model', () => {
  test.each([
    ['nothing', new Uint8Array()],
    ['text', Buffer.from('This is not a model.\n')],
    ['a picture', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')],
    ['half a model', encodeModel(loopModel(1)).subarray(0, 1500)],
  ])('%s', (_, bytes) => {
    expect(() => decodeModel(bytes, { file: 'x.onnx' })).toThrow(UserError);
    expect(() => decodeModel(bytes, { file: 'x.onnx' })).toThrow(/^x\.onnx is not an ONNX model: /);
  });

  test.each<[string, (model: onnx.ModelProto, graph: onnx.IGraphProto) => void, RegExp]>([
    ['no opset', (model) => (model.opsetImport = []), /has no opset/],
    ['functions', (model) => (model.functions = [new onnx.FunctionProto()]), /functions/],
    [
      'an unknown dtype',
      (_, { initializer }) => initializer && (initializer[1].dataType = 8),
      /"weight".*type 8/,
    ],
    [
      'too few bytes',
      (_, { initializer }) => initializer && (initializer[1].dims = [5]),
      /2048 bytes for float32\[5\]/,
    ],
    ['a negative size', (_, { initializer }) => initializer && (initializer[1].dims = [-1]), /size -1/],
    ['no type', (_, { input }) => input && (input[0].type = {}), /value "x" is no tensor/],
    [
      'no shape',
      (_, { input }) => {
        if (input) input[0].type = { tensorType: { elemType: 1 } };
      },
      /"x" has no shape/,
    ],
    [
      'an odd attribute',
      (_, { node }) => node?.[0].attribute && (node[0].attribute[0].type = ODD),
      /type 13/,
    ],
  ])('%s', (_, change, message) => {
    const bytes = changed(change);
    expect(() => decodeModel(bytes)).toThrow(UserError);
    expect(() => decodeModel(bytes)).toThrow(message);
  });

  test('an integer beyond 2^53', () => {
    const bytes = changed((_, { node }) => {
      if (node?.[0])
        node[0].attribute = [
          { name: 'ends', type: AttributeType.INTS, ints: ['9223372036854775807' as never] },
        ];
    });
    expect(() => decodeModel(bytes)).toThrow(
      /ends of Loop node "loop" holds 9223372036854775807, beyond 2\^53/,
    );
  });

  test('graphs nested without end', () => {
    let graph: onnx.IGraphProto = { name: 'innermost' };
    for (let depth = 0; depth < 200; depth++) {
      graph = {
        name: 'outer',
        node: [{ opType: 'If', attribute: [{ name: 'g', type: AttributeType.GRAPH, g: graph }] }],
      };
    }
    expect(() => decodeModel(changed((model) => (model.graph = graph)))).toThrow(/nested more than/);
  });

  test('corrupted bytes give a UserError or a model, never another error', () => {
    const stored = [readFileSync(python), encodeModel(loopModel(2))];
    const some = fc.oneof(
      fc.constantFrom(...stored),
      onnxModel.map((model) => encodeModel(model)),
    );
    fc.assert(
      fc.property(
        some.chain((bytes) => corrupted(bytes)),
        (bytes) => userErrorOrValue(() => decodeModel(bytes, { externalDirectory: fixture('onnx') })),
      ),
      { numRuns: 1000 },
    );
  });
});
