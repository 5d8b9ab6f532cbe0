/** Models through bytes and back, what the encoder refuses, and a stock runtime's reading. */
import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';

import { decodeModel } from '../../src/onnx/decode';
import { encodeModel } from '../../src/onnx/encode';
import type { OnnxAttribute, OnnxModel } from '../../src/onnx/model';
import { onnxModel } from './arbitrary';
import { expectedOutput, loopModel, SIZE } from './loop-model';

function withAttribute(attribute: OnnxAttribute): OnnxModel {
  const model = loopModel(1);
  const [first, ...rest] = model.graph.nodes;
  return { ...model, graph: { ...model.graph, nodes: [{ ...first, attributes: [attribute] }, ...rest] } };
}

function roundTripOf(attribute: OnnxAttribute): OnnxAttribute {
  return decodeModel(encodeModel(withAttribute(attribute))).graph.nodes[0].attributes[0];
}

describe('encodeModel', () => {
  test('decodes to the same model, with the same bytes each time', () => {
    fc.assert(
      fc.property(onnxModel, (model) => {
        const bytes = encodeModel(model);
        expect(decodeModel(bytes)).toStrictEqual(model);
        expect(Buffer.compare(encodeModel(decodeModel(bytes)), bytes)).toBe(0);
      }),
    );
  });

  test.each([0, -1, 127, 128, -(2 ** 31) - 1, 2 ** 32, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])(
    'keeps the integer %p',
    (value) => {
      const attribute = { name: 'axis', type: 'int', value } as const;
      expect(roundTripOf(attribute)).toEqual(attribute);
    },
  );

  test.each([NaN, Infinity, -Infinity, -0, 2 ** -149])('keeps the float %p', (value) => {
    const attribute = { name: 'alpha', type: 'float', value } as const;
    expect(roundTripOf(attribute)).toEqual(attribute);
  });

  test.each([2 ** 53, -(2 ** 53), 0.5, NaN])('refuses the integer %p', (value) => {
    const model = withAttribute({ name: 'axis', type: 'ints', value: [1, value] });
    expect(() => encodeModel(model)).toThrow(/axis of Loop node "loop".*no exact integer/);
  });

  test('refuses a tensor whose data do not fill its shape', () => {
    const value = { name: 't', dtype: 'float32', shape: [2, 2], data: new Float32Array(3) } as const;
    const model = withAttribute({ name: 'value', type: 'tensor', value });
    expect(() => encodeModel(model)).toThrow('tensor "t": 3 elements for float32[2, 2]');
  });

  test('a Loop runs in a stock runtime', async () => {
    const session = await InferenceSession.create(encodeModel(loopModel(3)));
    const x = Float32Array.from({ length: SIZE }, (_, index) => index / 16);
    const { y } = await session.run({ x: new Tensor('float32', x, [SIZE]) });
    expect(y.data).toEqual(expectedOutput(x, 3));
  });
});
