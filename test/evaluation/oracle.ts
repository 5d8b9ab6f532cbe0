/** The stored numbers of numpy and scipy (tools/reference/evaluator_fixtures.py). */
import { readSafetensors } from '../../src/tensors/safetensors';
import type { Rows } from '../../src/tensors/rows';
import { fixture } from '../support/paths';

const { tensors } = readSafetensors(fixture('evaluation.safetensors'));

function tensor(name: string) {
  const found = tensors.get(name);
  if (!found) throw new Error(`evaluation.safetensors has no ${name}`);
  return found;
}

export const oracle = {
  numbers: (name: string) => Array.from(tensor(name).data, Number),
  labels: (name: string) => Int32Array.from(tensor(name).data, Number),
  rows: (name: string): Rows => {
    const { shape, data } = tensor(name);
    return { count: shape[0], width: shape[1], values: Float32Array.from(data, Number) };
  },
};

/** Largest |a - b|. */
export const distance = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(Math.abs(a.length - b.length), ...Array.from(a, (value, i) => Math.abs(value - b[i])));
