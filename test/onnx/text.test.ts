/** The text dump, as a whole. */
import fc from 'fast-check';

import { readModel } from '../../src/onnx/files';
import type { OnnxGraph } from '../../src/onnx/model';
import { formatModel } from '../../src/onnx/text';
import { fixture } from '../support/paths';
import { onnxModel } from './arbitrary';
import { loopModel } from './loop-model';

describe('formatModel', () => {
  test('a model with a Loop', () => {
    const types = new Map([['doubled', { dtype: 'float32', shape: ['n'] } as const]]);
    expect(formatModel(loopModel(3), types)).toBe(LOOP);
  });

  test('a model by the onnx package', () => {
    expect(formatModel(readModel(fixture('onnx', 'python.onnx')))).toBe(PYTHON);
  });

  test('any model takes one line for each of its parts', () => {
    fc.assert(
      fc.property(onnxModel, (model) => {
        const text = formatModel(model);
        expect(text.split('\n')).toHaveLength(
          3 + Object.keys(model.metadata).length + lineCount(model.graph),
        );
        expect(formatModel(structuredClone(model))).toBe(text);
      }),
    );
  });
});

/** A line for the name and each value, tensor and node; for a graph in an attribute its label and its lines. */
function lineCount(graph: OnnxGraph): number {
  const parts = [graph.inputs, graph.outputs, graph.initializers, graph.nodes];
  const inner = graph.nodes.flatMap((node) =>
    node.attributes.map((attribute) => (attribute.type === 'graph' ? 1 + lineCount(attribute.value) : 0)),
  );
  const own = 1 + Number(graph.docString !== undefined) + parts.reduce((sum, part) => sum + part.length, 0);
  return inner.reduce((sum, lines) => sum + lines, own);
}

const LOOP = `IR 9, opset ai.onnx 17
producer "test" "1"
metadata "purpose" = "a test"
graph "main"
  input x: float32[n]
  output y: float32[n]
  initializer trips: int64[] {3}
  initializer weight: float32[512] sha256:4ab62a291cfe
  loop: doubled = Loop<body="body">(trips, , x)  // float32[n]
    body:
      graph "body"
        input iteration: int64[]
        input go: bool[]
        input value: float32[512]
        output go_on: bool[]
        output next_value: float32[512]
        initializer factor: float32[512] sha256:457f38e78203
        keep: go_on = Identity(go)  // bool[]
        double: next_value = Mul(value, factor)  // float32[512]
  add: y = Add(doubled, weight)  // float32[n]
`;

const PYTHON = `IR 9, opset ai.onnx 17
producer "fixture" "1"
metadata "author" = "onnx"
metadata "empty" = ""
graph "fixture"
  doc "made by the onnx package"
  input x: float32[n]
  input flag: bool[]
  output sum: float32[n]
  output t: float32[3, 1]
  initializer trip: int64[] {3}
  initializer go_in: bool[] {true}
  initializer bias: float32[1] {0.25}
  initializer weights: float32[3, 2] {1, 2, 3, 4, 5, 6}
  initializer f64: float64[2] {0.1, -1e+300}
  initializer f16: float16[2] {0x3c00, 0xc000}
  initializer i8: int8[2] {-128, 127}
  initializer u8: uint8[2] {0, 255}
  initializer i32: int32[2] {-2147483648, 2147483647}
  initializer i64: int64[2] {-9223372036854775808, 9223372036854775807}
  initializer u32: uint32[2] {0, 4294967295}
  initializer u64: uint64[2] {0, 18446744073709551615}
  initializer empty: float32[0, 3] {}
  loop: doubled = Loop<body="body">(trip, go_in, x)
    body:
      graph "body"
        input i: int64[]
        input go: bool[]
        input v: float32[n]
        output go_on: bool[]
        output v_next: float32[n]
        keep: go_on = Identity(go)  // bool[]
        double: v_next = Add(v, v)  // float32[n]
  choose: sum = If<else_branch="else", then_branch="then">(flag)  // float32[n]
    else_branch:
      graph "else"
        output else_out: float32[n]
        else_Sub: else_out = Sub(doubled, bias)  // float32[n]
    then_branch:
      graph "then"
        output then_out: float32[n]
        then_Add: then_out = Add(doubled, bias)  // float32[n]
  constant: c = Constant<value=float32[1, 2] {1.5, -2.5}>()
  gemm: g = Gemm<alpha=0.5, transB=1>(c, weights, )
  transpose: t = Transpose<perm=[1, 0]>(g)  // float32[3, 1]
`;
