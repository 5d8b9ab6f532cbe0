/** The rule table: for each composite its implementations; the first that is allowed, can compute and is preferred is taken. */
import * as activation from './rows/activation';
import type { Node, Value } from '../graph/graph';
import type { Condition, LoweringOptions, Implementation } from './context';
import * as conv from './rows/conv';
import * as convPlain from './nchw/conv';
import { denseForward, denseInputGradient, denseWeightGradient, prefersDense } from './rows/dense';
import * as gram from './rows/gram';
import * as norm from './rows/norm';
import type { Optimization } from './optimizations';
import * as pool from './rows/pool';
import * as poolPlain from './nchw/pool';
import { evenPads, onCpu } from './provider';
import { prefersWinograd, winograd2, winograd4 } from './winograd/winograd';

export interface Rule {
  readonly implementation: Implementation;
  /** the switch (`without`) that turns it off */
  readonly optimization?: Optimization;
  /** loses digits, so that `exact` recipes do not take it */
  readonly inexact?: boolean;
  /** where it is the best choice, of those that can compute the node, unless a tuned table says otherwise */
  readonly where: Condition;
}

const always = (implementation: Implementation): Rule => ({ implementation, where: () => true });
const where = (condition: Condition, implementation: Implementation): Rule => ({
  implementation,
  where: condition,
});

const dense = (implementation: Implementation): Rule => ({
  implementation,
  where: prefersDense,
  optimization: 'dense',
});
const winograd = (
  kind: 'forward' | 'inputGradient' | 'weightGradient',
): readonly [large: Rule, small: Rule] => [
  { implementation: winograd4[kind], where: prefersWinograd(4), optimization: 'winograd', inexact: true },
  { implementation: winograd2[kind], where: prefersWinograd(2), optimization: 'winograd' },
];

export const RULES: Readonly<Record<string, readonly Rule[]>> = {
  Conv2d: [dense(denseForward), ...winograd('forward'), where(onCpu, conv.convRows), always(conv.convPlain)],
  Conv2dInputGradient: [
    dense(denseInputGradient),
    ...winograd('inputGradient'),
    where(onCpu, conv.convInputGradientRows),
    where(evenPads, convPlain.convInputGradientPlain),
    always(convPlain.convInputGradientFlipped),
  ],
  Conv2dWeightGradient: [
    dense(denseWeightGradient),
    ...winograd('weightGradient'),
    where(onCpu, conv.convWeightGradientRows),
    always(convPlain.convWeightGradientTaps),
    always(convPlain.convWeightGradientPlain),
  ],
  BatchNorm: [
    // digits are lost where |mean| >> deviation
    { implementation: norm.batchNormMoments, where: onCpu, optimization: 'moments', inexact: true },
    where(onCpu, norm.batchNormCentered),
    always(norm.batchNormPlain),
  ],
  BatchNormGradient: [where(onCpu, norm.batchNormGradientRows), always(norm.batchNormGradientPlain)],
  PointwiseBatchNorm: [always(gram.pointwiseBatchNormGram)],
  PointwiseBatchNormGradient: [always(gram.pointwiseBatchNormGradientGram)],
  BatchNormInference: [where(onCpu, norm.batchNormInferenceRows), always(norm.batchNormInferencePlain)],
  LayerNorm: [always(norm.layerNormPlain), always(norm.layerNormFormula)],
  LayerNormGradient: [always(norm.layerNormGradientPlain)],
  ReluGradient: [
    { implementation: activation.reluGradientHardSigmoid, where: onCpu, optimization: 'hardSigmoid' },
    always(activation.reluGradientPlain),
  ],
  Gelu: [always(activation.geluPlain)],
  GeluGradient: [always(activation.geluGradientPlain)],
  MaxPool2d: [always(pool.maxPoolPlain)],
  MaxPool2dGradient: [where(onCpu, pool.maxPoolGradientRows), always(poolPlain.maxPoolGradientPlain)],
  AveragePool2d: [where(onCpu, pool.averagePoolRows), always(pool.averagePoolPlain)],
  AveragePool2dGradient: [
    where(onCpu, pool.averagePoolGradientRows),
    always(poolPlain.averagePoolGradientPlain),
  ],
  GlobalAveragePool2d: [where(onCpu, pool.globalAveragePoolRows), always(pool.globalAveragePoolPlain)],
  GlobalAveragePool2dGradient: [
    where(onCpu, pool.globalAveragePoolGradientRows),
    always(poolPlain.globalAveragePoolGradientPlain),
  ],
};

/** The rules that may lower a node and can, in the table's order. */
export function candidates(node: Node, options: LoweringOptions): Rule[] {
  return (RULES[node.op.type] ?? []).filter(
    ({ implementation, optimization, inexact }) =>
      implementation.when(node.inputs as Value[], node.attrs, options) &&
      !(optimization && options.without?.includes(optimization)) &&
      !(inexact && options.precision === 'exact'),
  );
}

/**
 * The implementation of a node: the one asked for by name where it can compute the node, else the tuned table's, else the first
 * preferred one. Throws where none fits, or where there is none of that name.
 */
export function choose(node: Node, options: LoweringOptions): Implementation {
  const { type } = node.op;
  const inputs = node.inputs as Value[];
  const rules = RULES[type] ?? [];
  const wanted = options.implementations?.[type];
  const forced = rules.find(({ implementation }) => implementation.name === wanted);
  if (forced?.implementation.when(inputs, node.attrs, options)) return forced.implementation;
  const possible = candidates(node, options);
  const tuned = options.tuned?.get(signature(node));
  const rule =
    possible.find(({ implementation }) => implementation.name === tuned) ??
    possible.find((one) => one.where(inputs, node.attrs, options));
  if (!rule || (wanted !== undefined && !forced)) {
    const names = rules.map(({ implementation }) => implementation.name).join(', ') || 'none';
    throw new Error(
      `no implementation ${wanted ?? ''} of ${type} fits at ${node.scope} (there are: ${names})`,
    );
  }
  return rule.implementation;
}

/** What a tuned table knows a node by: operator, type and shapes of its operands, attributes. */
export function signature({ op, inputs, attrs }: Node): string {
  const operands = (inputs as Value[]).map(({ shape }) => shape.join('x') || 'scalar');
  const settings = Object.entries(attrs as Readonly<Record<string, number | readonly number[]>>).map(
    ([name, value]) => `${name}=${[value].flat().join()}`,
  );
  return [op.type, inputs[0]?.dtype, ...operands, ...settings.sort()].join(' ');
}
