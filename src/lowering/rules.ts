/** The rule table: for each composite its spellings, the first whose condition holds is taken. */
import * as activation from './activation';
import type { LoweringOptions, Spelling } from './context';
import * as conv from './conv';
import * as norm from './norm';
import * as pool from './pool';

/** Batch norm by moments loses digits where |mean| >> deviation; `exact` recipes do not take it. */
const batchNormMomentsWhenFast: Spelling = {
  ...norm.batchNormMoments,
  when: (inputs, attrs, options: LoweringOptions) =>
    options.precision === 'fast' && norm.batchNormMoments.when(inputs, attrs, options),
};

export const RULES: Readonly<Record<string, readonly Spelling[]>> = {
  Conv2d: [conv.convRows, conv.convPlain],
  Conv2dInputGradient: [conv.convInputGradientRows],
  Conv2dWeightGradient: [conv.convWeightGradientRows],
  BatchNorm: [batchNormMomentsWhenFast, norm.batchNormCentered, norm.batchNormPlain],
  BatchNormGradient: [norm.batchNormGradientRows, norm.batchNormGradientPlain],
  BatchNormInference: [norm.batchNormInferenceRows, norm.batchNormInferencePlain],
  LayerNorm: [norm.layerNormPlain, norm.layerNormFormula],
  LayerNormGradient: [norm.layerNormGradientPlain],
  ReluGradient: [activation.reluGradientHardSigmoid, activation.reluGradientPlain],
  Gelu: [activation.geluPlain],
  GeluGradient: [activation.geluGradientPlain],
  MaxPool2d: [pool.maxPoolPlain],
  MaxPool2dGradient: [pool.maxPoolGradientRows],
  AveragePool2d: [pool.averagePoolRows, pool.averagePoolPlain],
  AveragePool2dGradient: [pool.averagePoolGradientRows],
  GlobalAveragePool2d: [pool.globalAveragePoolRows, pool.globalAveragePoolPlain],
  GlobalAveragePool2dGradient: [pool.globalAveragePoolGradientRows],
};
