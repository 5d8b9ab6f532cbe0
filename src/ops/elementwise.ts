/** Elementwise operators with NumPy broadcasting. */
import { defineOp, type Operand } from '../graph/op';
import { broadcastShapes, type TensorType } from '../graph/shape';
import type { Value, GradientThunk } from '../graph/graph';
import type { Traits } from '../graph/traits';
import type { DType } from '../tensors/dtype';

type NoAttributes = Record<string, never>;
type UnaryRule = (dy: Value, x: Value, y: Value) => Value;
type BinaryRule = (dy: Value, a: Value, b: Value, y: Value) => readonly GradientThunk[];

const FLOATS: readonly DType[] = ['float32', 'float64', 'float16'];

function unary(type: string, rule?: UnaryRule, traits: Traits = {}, accepts: readonly DType[] = FLOATS) {
  const op = defineOp<NoAttributes>(type, {
    elementwise: true,
    ...traits,
    infer: ([x]) => {
      if (!accepts.includes(x.dtype)) throw new Error(`expected one of ${accepts.join(', ')}`);
      return [x];
    },
    vjp: rule && (([dy], [x], [y]) => [() => rule(dy, x, y)]),
  });
  return (x: Value) => op.one([x], {});
}

function inferBinary(a: TensorType, b: TensorType, result?: DType): TensorType[] {
  if (a.dtype !== b.dtype) throw new Error('expected operands of one dtype');
  const shape = broadcastShapes(a.shape, b.shape);
  if (!shape) throw new Error('shapes do not broadcast');
  return [{ dtype: result ?? a.dtype, shape }];
}

function binary(type: string, traits: Traits, rule?: BinaryRule) {
  const op = defineOp<NoAttributes>(type, {
    elementwise: true,
    ...traits,
    infer: ([a, b]) => inferBinary(a, b),
    vjp: rule && (([dy], [a, b], [y]) => rule(dy, a, b, y)),
  });
  return (a: Operand, b: Operand) => op.one([a, b], {});
}

function comparison(type: string) {
  const op = defineOp<NoAttributes>(type, {
    elementwise: true,
    infer: ([a, b]) => inferBinary(a, b, 'bool'),
  });
  return (a: Operand, b: Operand) => op.one([a, b], {});
}

export const add = binary(
  'Add',
  { commutative: true, neutral: { first: 0, second: 0 }, half: 'follows', evaluate: (a, b) => a + b },
  (dy) => [() => dy, () => dy],
);
export const sub = binary('Sub', { neutral: { second: 0 }, evaluate: (a, b) => a - b }, (dy) => [
  () => dy,
  () => neg(dy),
]);
export const mul = binary(
  'Mul',
  { commutative: true, neutral: { first: 1, second: 1 }, evaluate: (a, b) => a * b },
  (dy, a, b) => [() => mul(dy, b), () => mul(dy, a)],
);
export const div = binary(
  'Div',
  { heavy: true, neutral: { second: 1 }, evaluate: (a, b) => a / b },
  (dy, _a, b, y) => [() => div(dy, b), () => neg(div(mul(dy, y), b))],
);
/** a^b for a > 0 where the gradient to b is asked for. */
export const pow = binary('Pow', { heavy: true }, (dy, a, b, y) => [
  () => mul(dy, mul(b, pow(a, sub(b, 1)))),
  () => mul(dy, mul(y, log(a))),
]);
/** Where both operands are equal, the first gets the gradient. */
export const maximum = binary('Max', {}, (dy, a, b) => [
  () => mul(dy, cast(greaterOrEqual(a, b), dy.dtype)),
  () => mul(dy, cast(less(a, b), dy.dtype)),
]);
export const minimum = binary('Min', {}, (dy, a, b) => [
  () => mul(dy, cast(lessOrEqual(a, b), dy.dtype)),
  () => mul(dy, cast(greater(a, b), dy.dtype)),
]);

const SIGNED: readonly DType[] = [...FLOATS, 'int64', 'int32'];
export const neg = unary('Neg', (dy) => neg(dy), { evaluate: (a) => -a }, SIGNED);
export const exp = unary('Exp', (dy, _x, y) => mul(dy, y), { heavy: true });
export const log = unary('Log', (dy, x) => div(dy, x), { heavy: true });
/** d sqrt(x) = dy / (2 sqrt(x)) */
export const sqrt = unary('Sqrt', (dy, _x, y) => div(dy, mul(y, 2)), { heavy: true, evaluate: Math.sqrt });
export const reciprocal = unary('Reciprocal', (dy, _x, y) => neg(mul(dy, mul(y, y))), {
  heavy: true,
  evaluate: (a) => 1 / a,
});
export const tanh = unary('Tanh', (dy, _x, y) => mul(dy, sub(1, mul(y, y))), { heavy: true });
export const sigmoid = unary('Sigmoid', (dy, _x, y) => mul(dy, mul(y, sub(1, y))), { heavy: true });
export const abs = unary('Abs', (dy, x) => mul(dy, sign(x)));
export const sign = unary('Sign', (dy) => mul(dy, 0));
export const floor = unary('Floor', (dy) => mul(dy, 0), { evaluate: Math.floor });
/** d erf(x) = 2 / sqrt(pi) exp(-x^2) dy */
export const erf = unary('Erf', (dy, x) => mul(dy, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI))), {
  heavy: true,
});

export const greater = comparison('Greater');
export const greaterOrEqual = comparison('GreaterOrEqual');
export const less = comparison('Less');
export const lessOrEqual = comparison('LessOrEqual');
export const equal = comparison('Equal');

const logical = (type: string) => {
  const op = defineOp<NoAttributes>(type, {
    elementwise: true,
    commutative: true,
    infer: ([a, b]) => {
      if (a.dtype !== 'bool') throw new Error('expected bool');
      return inferBinary(a, b);
    },
  });
  return (a: Value, b: Value) => op.one([a, b], {});
};
export const and = logical('And');
export const or = logical('Or');

const integers = (type: string, traits: Traits = {}) => {
  const op = defineOp<NoAttributes>(type, {
    elementwise: true,
    ...traits,
    infer: ([a, b]) => {
      if (!['int32', 'int64', 'uint32', 'uint64', 'uint8'].includes(a.dtype)) {
        throw new Error('expected integers');
      }
      return inferBinary(a, b);
    },
  });
  return (a: Operand, b: Operand) => op.one([a, b], {});
};
export const bitwiseAnd = integers('BitwiseAnd', { commutative: true });
export const bitwiseXor = integers('BitwiseXor', { commutative: true });
/** Integer remainder with the sign of the divisor. */
export const mod = integers('Mod');

const whereOp = defineOp<NoAttributes>('Where', {
  elementwise: true,
  infer: ([condition, a, b]) => {
    if (condition.dtype !== 'bool') throw new Error('expected a bool condition');
    const [both] = inferBinary(a, b);
    const shape = broadcastShapes(condition.shape, both.shape);
    if (!shape) throw new Error('shapes do not broadcast');
    return [{ dtype: a.dtype, shape }];
  },
  vjp: ([dy], [condition]) => [null, () => where(condition, dy, 0), () => where(condition, mul(dy, 0), dy)],
});
/** Elements of `a` where the condition holds, else of `b`. */
export function where(condition: Value, a: Operand, b: Operand): Value {
  const model = [a, b].find((o): o is Value => typeof o !== 'number');
  if (!model) throw new Error('where: needs one operand that is a Value');
  const promote = (o: Operand) => (typeof o === 'number' ? model.graph.scalar(o, model.dtype) : o);
  return whereOp.one([condition, promote(a), promote(b)], {});
}

const castOp = defineOp<{ to: DType }>('Cast', {
  elementwise: true,
  evaluate: (a) => a,
  attributes: { to: 'dtype' },
  infer: ([x], { to }) => [{ dtype: to, shape: x.shape }],
  vjp: ([dy], [x]) => [FLOATS.includes(x.dtype) ? () => cast(dy, x.dtype) : null],
});
export const cast = (x: Value, to: DType): Value => (x.dtype === to ? x : castOp.one([x], { to }));
