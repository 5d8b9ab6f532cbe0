/** Whether a request's tensors are what a model takes. */
import type { OnnxValueInfo } from '../../onnx/model';
import { dataTypeName } from '../../repository/dataTypeNames';
import type { Tensors } from '../../inference/modelThread';
import { RequestError } from './requestError';

/** Sizes that are known only when the model runs, as the protocol has them: -1. */
export const protocolShape = ({ shape }: OnnxValueInfo): number[] =>
  shape.map((size) => (typeof size === 'number' ? size : -1));

const show = (shape: readonly number[]) => `[${shape.join(', ')}]`;

/**
 * Throws a RequestError that names the first input that is missing, unknown, of another type or shape.
 * @param model its name, for the message
 * @param maxBatch rows at most, which all inputs must share; 0: the model's own sizes decide
 */
export function checkInputs(
  model: string,
  expected: readonly OnnxValueInfo[],
  maxBatch: number,
  given: Tensors,
): void {
  const refuse = (what: string): never => {
    throw new RequestError('invalid', `model ${model}: ${what}`);
  };
  const names = expected.map(({ name }) => name);
  for (const name of given.keys())
    if (!names.includes(name)) refuse(`there is no input ${name}; its inputs are: ${names.join(', ')}`);
  let rows: number | undefined;
  for (const port of expected) {
    const { name, dtype } = port;
    const tensor = given.get(name);
    if (!tensor) return refuse(`input ${name} is missing; it takes ${names.join(', ')}`);
    if (tensor.dtype !== dtype)
      refuse(`input ${name} is ${dataTypeName(tensor.dtype)}, but must be ${dataTypeName(dtype)}`);
    const shape = protocolShape(port);
    const fits =
      tensor.shape.length === shape.length &&
      shape.every((size, axis) => size === -1 || size === tensor.shape[axis]);
    if (!fits)
      refuse(`input ${name} has shape ${show(tensor.shape)}, but must be ${show(shape)} (-1: any size)`);
    if (maxBatch === 0) continue;
    rows ??= tensor.shape[0];
    if (tensor.shape[0] !== rows)
      refuse(`its inputs have ${rows} and ${tensor.shape[0]} rows, but must agree`);
    if (rows > maxBatch) refuse(`a batch of ${rows} is more than ${maxBatch}; send it in parts`);
  }
}

/** The outputs asked for, in that order, or all. */
export function selectOutputs(model: string, outputs: Tensors, wanted: readonly string[] | null): Tensors {
  if (wanted === null) return outputs;
  return new Map(
    wanted.map((name) => {
      const tensor = outputs.get(name);
      if (!tensor) throw noOutput(model, name, [...outputs.keys()]);
      return [name, tensor];
    }),
  );
}

export const noOutput = (model: string, name: string, there: readonly string[]) =>
  new RequestError(
    'invalid',
    `model ${model}: there is no output ${name}; its outputs are: ${there.join(', ')}`,
  );
