/** Between numbers and their 8 bits. */
import { defineOp } from '../graph/op';
import type { OpDefinition, Value } from '../graph/graph';

type QuantizeAttributes = { axis: number };
const QUANTIZE: Pick<OpDefinition<QuantizeAttributes>, 'attributes' | 'complete'> = {
  attributes: { axis: 'int' },
  complete: ({ axis = 1 }) => ({ axis }),
};
const quantizeOp = defineOp<QuantizeAttributes>('QuantizeLinear', {
  ...QUANTIZE,
  infer: ([x, , zero]) => [{ dtype: zero.dtype, shape: x.shape }],
});
const dequantizeOp = defineOp<QuantizeAttributes>('DequantizeLinear', {
  ...QUANTIZE,
  infer: ([x, scale]) => [{ dtype: scale.dtype, shape: x.shape }],
});
/** round(x / scale) + zero within the dtype of `zero`: of the whole tensor (scalars), or [C] along `axis`. */
export const quantizeLinear = (x: Value, scale: Value, zero: Value, axis = 1): Value =>
  quantizeOp.one([x, scale, zero], { axis });
/** (x - zero) scale; without `zero` x scale */
export const dequantizeLinear = (x: Value, scale: Value, zero: Value | null = null, axis = 1): Value =>
  dequantizeOp.one(zero ? [x, scale, zero] : [x, scale], { axis });
