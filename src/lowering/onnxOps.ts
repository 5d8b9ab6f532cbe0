/** ONNX operators that other files define, by name: for spellings that set attributes which no public function takes. */
import { operators } from '../graph/op';
import type { Attributes, Value } from '../graph/graph';

/** Adds one node of the ONNX operator `type` and returns its outputs. */
export function onnxNode(type: string, inputs: readonly Value[], attrs: Attributes): Value[] {
  const op = operators.get(type);
  if (!op) throw new Error(`no file of lowering defines the operator ${type}`);
  return op.call(inputs, attrs);
}
