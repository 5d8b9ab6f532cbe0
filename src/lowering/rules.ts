/** The rule table: for each composite its spellings, the first that applies and is preferred is taken. */
import * as activation from './activation';
import type { Condition, LoweringOptions, Spelling } from './context';
import * as conv from './conv';
import * as convPlain from './convPlain';
import { denseForward, denseInputGradient, denseWeightGradient, prefersDense } from './dense';
import * as gram from './gram';
import * as norm from './norm';
import type { Optimization } from './optimizations';
import * as pool from './pool';
import * as poolPlain from './poolPlain';
import { evenPads, onCpu } from './provider';
import { prefersWinograd, winograd2, winograd4 } from './winograd';

/** A spelling and, beyond what it can compute, where it is the best choice. */
export interface Rule {
  readonly spelling: Spelling;
  readonly where: Condition;
}

const always = (spelling: Spelling): Rule => ({ spelling, where: () => true });
const where = (condition: Condition, spelling: Spelling): Rule => ({ spelling, where: condition });
const uses = (optimization: Optimization, options: LoweringOptions) =>
  !options.without?.includes(optimization);

/** Batch norm by moments loses digits where |mean| >> deviation; `exact` recipes do not take it. */
const moments: Condition = (_inputs, _attrs, options) =>
  options.provider === 'cpu' && options.precision === 'fast' && uses('moments', options);

const hardSigmoid: Condition = (_inputs, _attrs, options) =>
  options.provider === 'cpu' && uses('hardSigmoid', options);

export const RULES: Readonly<Record<string, readonly Rule[]>> = {
  Conv2d: [
    where(prefersDense, denseForward),
    where(prefersWinograd(4), winograd4.forward),
    where(prefersWinograd(2), winograd2.forward),
    where(onCpu, conv.convRows),
    always(conv.convPlain),
  ],
  Conv2dInputGradient: [
    where(prefersDense, denseInputGradient),
    where(prefersWinograd(4), winograd4.inputGradient),
    where(prefersWinograd(2), winograd2.inputGradient),
    where(onCpu, conv.convInputGradientRows),
    where(evenPads, convPlain.convInputGradientPlain),
    always(convPlain.convInputGradientFlipped),
  ],
  Conv2dWeightGradient: [
    where(prefersDense, denseWeightGradient),
    where(prefersWinograd(4), winograd4.weightGradient),
    where(prefersWinograd(2), winograd2.weightGradient),
    where(onCpu, conv.convWeightGradientRows),
    always(convPlain.convWeightGradientTaps),
    always(convPlain.convWeightGradientPlain),
  ],
  BatchNorm: [
    where(moments, norm.batchNormMoments),
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
    where(hardSigmoid, activation.reluGradientHardSigmoid),
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
