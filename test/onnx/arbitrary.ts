/** Random tensors and models for property tests. They are well-formed as files; their operators mean nothing. */
import fc from 'fast-check';

import { allocate, DTYPES, toBytes } from '../../src/tensors/dtype';
import type { DType, HostTensor } from '../../src/tensors/dtype';
import type {
  Dim,
  OnnxAttribute,
  OnnxGraph,
  OnnxModel,
  OnnxTensor,
  OnnxValueInfo,
} from '../../src/onnx/model';

const dtypes = fc.constantFrom(...(Object.keys(DTYPES) as DType[]));
const text = fc.string({ unit: 'grapheme', maxLength: 8 });
const float32 = fc.float({ noNaN: true });
const integer = fc.maxSafeInteger();

/** Plain objects, as the decoder makes them; fast-check's own have no prototype now and then. */
function record<T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(fields, { noNullPrototype: true });
}

/** Random bytes as the elements, so that every bit pattern occurs; bool stays 0 or 1. */
export const hostTensor: fc.Arbitrary<HostTensor> = record({
  dtype: dtypes,
  shape: fc.array(fc.nat({ max: 4 }), { maxLength: 4 }),
  seed: fc.uint8Array({ minLength: 1, maxLength: 16 }),
}).map(({ dtype, shape, seed }) => {
  const data = allocate(
    dtype,
    shape.reduce((product, size) => product * size, 1),
  );
  const bytes = toBytes(data);
  bytes.forEach((_, index) => {
    const byte = seed[index % seed.length] ^ (index * 37);
    bytes[index] = dtype === 'bool' ? byte & 1 : byte;
  });
  return { dtype, shape, data };
});

const tensor: fc.Arbitrary<OnnxTensor> = fc
  .tuple(text, hostTensor)
  .map(([name, { dtype, shape, data }]) => ({ name, dtype, shape, data }));

const dim: fc.Arbitrary<Dim> = fc.oneof(fc.nat(), text);

const valueInfo: fc.Arbitrary<OnnxValueInfo> = record({
  name: text,
  dtype: dtypes,
  shape: fc.array(dim, { maxLength: 3 }),
});

function attribute(graphs: fc.Arbitrary<OnnxGraph> | undefined): fc.Arbitrary<OnnxAttribute> {
  const of = <T extends string, V>(type: T, value: fc.Arbitrary<V>) =>
    record({ name: text, type: fc.constant(type), value });
  return fc.oneof(
    of('int', integer),
    of('float', float32),
    of('string', text),
    of('ints', fc.array(integer, { maxLength: 3 })),
    of('floats', fc.array(float32, { maxLength: 3 })),
    of('strings', fc.array(text, { maxLength: 3 })),
    of('tensor', tensor),
    ...(graphs ? [of('graph', graphs)] : []),
  );
}

function graph(depth: number): fc.Arbitrary<OnnxGraph> {
  const inner = depth > 0 ? graph(depth - 1) : undefined;
  return fc.record(
    {
      name: text,
      inputs: fc.array(valueInfo, { maxLength: 2 }),
      outputs: fc.array(valueInfo, { maxLength: 2 }),
      initializers: fc.array(tensor, { maxLength: 3 }),
      nodes: fc.array(
        record({
          name: text,
          opType: text,
          domain: text,
          inputs: fc.array(text, { maxLength: 3 }),
          outputs: fc.array(text, { maxLength: 3 }),
          attributes: fc.array(attribute(inner), { maxLength: 3 }),
        }),
        { maxLength: 3 },
      ),
      docString: fc.string({ minLength: 1, maxLength: 5 }),
    },
    { noNullPrototype: true, requiredKeys: ['name', 'inputs', 'outputs', 'initializers', 'nodes'] },
  );
}

export const onnxModel: fc.Arbitrary<OnnxModel> = record({
  irVersion: fc.nat(),
  opsets: fc.array(record({ domain: text, version: fc.nat() }), { minLength: 1, maxLength: 3 }),
  producerName: text,
  producerVersion: text,
  metadata: fc.dictionary(text, text, { maxKeys: 3, noNullPrototype: true }),
  graph: graph(2),
});

/** `bytes` with a few of them replaced and, one time in four, cut short; anywhere, not with a bias to the start. */
export function corrupted(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  const position = fc.noBias(fc.nat({ max: bytes.length }));
  const change = fc.tuple(position, fc.noBias(fc.nat({ max: 255 })));
  const length = fc.oneof(
    { weight: 3, arbitrary: fc.constant(bytes.length) },
    { weight: 1, arbitrary: position },
  );
  return fc.tuple(fc.array(change, { minLength: 1, maxLength: 4 }), length).map(([changes, end]) => {
    const copy = new Uint8Array(bytes.subarray(0, end)); // not slice, which for a Buffer is a view
    for (const [index, value] of changes) if (index < copy.length) copy[index] = value;
    return copy;
  });
}
