/** Composites: ReLU and the exact GELU. */
import { defineOp } from '../graph/op';
import type { Value } from '../graph/graph';

type NoAttributes = Record<string, never>;

const reluOp = defineOp<NoAttributes>('Relu', {
  elementwise: true,
  half: 'follows',
  infer: ([x]) => [x],
  vjp: ([dy], _inputs, [y]) => [() => reluGradientOp.one([dy, y], {})],
});
const reluGradientOp = defineOp<NoAttributes>('ReluGradient', {
  composite: true,
  gradientOf: 'Relu',
  elementwise: true,
  half: 'follows',
  infer: ([dy]) => [dy],
});
/** max(x, 0). Its gradient is dy where y > 0. */
export const relu = (x: Value) => reluOp.one([x], {});

const geluOp = defineOp<NoAttributes>('Gelu', {
  composite: true,
  elementwise: true,
  half: { rounds: 0 },
  infer: ([x]) => [x],
  vjp: ([dy], [x]) => [() => geluGradientOp.one([dy, x], {})],
});
const geluGradientOp = defineOp<NoAttributes>('GeluGradient', {
  composite: true,
  gradientOf: 'Gelu',
  elementwise: true,
  half: { rounds: 1 },
  infer: ([dy]) => [dy],
});
/** x Phi(x) with the normal distribution function Phi: GELU without the tanh approximation. */
export const gelu = (x: Value) => geluOp.one([x], {});
