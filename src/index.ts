/** The public API of selfie-onnx. */

// Build: networks, gradients, lowering, bundles.
export { buildBundle, type BundleSummary } from '../graphs/bundle';
export { gradients } from './autodiff/gradients';
export { loadRecipe } from './bundle/loadRecipe';
export { recipeSchema, type Recipe, type RecipeInput } from './bundle/recipe';
export { emitGraph, toModel } from './graph/emit';
export { Graph } from './graph/graph';
export { defineOp, type OpDefinition } from './graph/op';
export { Value } from './graph/value';
export type { LoweringOptions } from './lowering/context';
export { lower } from './lowering/lower';
export { optimize } from './passes';
export * as nn from './nn';
export * as ops from './ops';
export * as optim from './optim';

// The bundle and the files around it.
export { UserError } from './errors';
export type { Manifest, Port, StateEntry } from './bundle/manifest';
export { readBundle, type Bundle } from './bundle/read';
export type { DType, HostTensor } from './onnx/dtype';
export { encodeModel } from './onnx/encode';
export { readModel, writeModel } from './onnx/files';
export { formatModel } from './onnx/text';
export { readSafetensors, writeSafetensors } from './export/safetensors';

// Run: data, training, evaluation, export.
export { EMBEDDED_CLASSES, EMBEDDED_SIZES, embeddedImage } from './data/embedded';
export { createLoader, type Batch, type Loader, type LoaderOptions } from './data/loader';
export { openSource, type Source, type Split } from './data/source';
export {
  evaluateKnn,
  evaluateLinearProbe,
  type KnnOptions,
  type KnnResult,
  type LinearProbeResult,
} from './evaluation/evaluateRun';
export { createProbe, type ProbeOptions } from './evaluation/periodic';
export { exportModel, type ExportReport, type ExportRequest } from './export/exportModel';
export { exportRun, type ExportRunOptions } from './export/exportRun';
export { exportHub, type HubReport } from './export/hub/exportHub';
export { exportWeb } from './export/web/exportWeb';
export { embed, type EmbedHooks, type EmbedOptions, type EmbedReport } from './inference/embed';
export { predict, type Prediction, type PredictOptions, type Predictions } from './inference/predict';
export { availableProviders, type Provider } from './runtime/providers';
export { StateSession } from './runtime/stateSession';
export { evaluate, type Evaluation, type EvaluateOptions } from './training/evaluate';
export { train, type TrainHooks, type TrainOptions, type TrainResult } from './training/trainer';
