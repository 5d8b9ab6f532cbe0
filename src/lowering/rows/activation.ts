/** Implementations of the activations' gradients and of GELU. */
import type { Value } from '../../graph/graph';
import { add, cast, erf, exp, greater, mul } from '../../ops/elementwise';
import { hardSigmoid } from '../../ops/onnx';
import type { Layout, Lowering, Implementation } from '../context';

/** `rows` where an operand is there already, so that an elementwise operator never causes a conversion. */
export function commonLayout(context: Lowering, inputs: readonly Value[]): Layout {
  return inputs.some((v) => context.has(v, 'rows')) ? 'rows' : 'plain';
}

/** [y > 0] as max(0, min(1, 1e30 y)): one pass, faster than Greater and Cast. Float32 only in ONNX Runtime. */
export const reluGradientHardSigmoid: Implementation = {
  name: 'hardSigmoid',
  when: ([dy]) => dy.dtype === 'float32',
  build: (context, [dy, y]) => {
    const layout = commonLayout(context, [dy, y]);
    const mask = hardSigmoid(context[layout](y), 1e30, 0);
    return [{ layout, value: mul(context[layout](dy), mask) }];
  },
};

export const reluGradientPlain: Implementation = {
  name: 'plain',
  when: () => true,
  build: (context, [dy, y]) => {
    const layout = commonLayout(context, [dy, y]);
    const mask = cast(greater(context[layout](y), 0), dy.dtype);
    return [{ layout, value: mul(context[layout](dy), mask) }];
  },
};

/** Phi(x) = (1 + erf(x / sqrt 2)) / 2; forward and gradient share it. */
const normalDistribution = (x: Value) => add(mul(erf(mul(x, Math.SQRT1_2)), 0.5), 0.5);

export const geluPlain: Implementation = {
  name: 'plain',
  when: () => true,
  build: (context, [input]) => {
    const layout = commonLayout(context, [input]);
    const x = context[layout](input);
    return [{ layout, value: mul(x, normalDistribution(x)) }];
  },
};

/** d gelu = Phi(x) + x phi(x) with the normal density phi. */
export const geluGradientPlain: Implementation = {
  name: 'plain',
  when: () => true,
  build: (context, [dy, input]) => {
    const layout = commonLayout(context, [dy, input]);
    const x = context[layout](input);
    const density = mul(exp(mul(mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return [{ layout, value: mul(context[layout](dy), add(normalDistribution(x), mul(x, density))) }];
  },
};
