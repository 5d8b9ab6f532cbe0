/** The public API of selfie-onnx. */

// Build: networks, gradients, lowering, bundles.
export { type BundleSummary } from './compile/writeBundle';
export { buildBundle } from '../graphs/tasks';
export { gradients } from './autodiff/gradients';
export { loadRecipe } from '../graphs/recipes/load';
export { recipeSchema, type Recipe, type RecipeInput } from './bundle/recipe';
export { emitGraph, toModel } from './graph/emit';
export { Graph, Value, type OpDefinition } from './graph/graph';
export { defineOp } from './graph/op';
export type { LoweringOptions } from './lowering/context';
export { lower } from './lowering/lower';
export { optimize } from './passes';
export * as nn from './nn';
export * as ops from './ops';
export * as optim from './optim';

// The bundle and the files around it.
export { UserError } from './base/errors';
export type { Manifest, Port, StateEntry } from './bundle/manifest';
export { readBundle, type Bundle } from './bundle/read';
export type { DType, HostTensor } from './tensors/dtype';
export { encodeModel } from './onnx/encode';
export { readModel, writeModel } from './onnx/files';
export { formatModel } from './onnx/text';
export { readSafetensors, writeSafetensors } from './tensors/safetensors';

// Run: data, training, evaluation, export.
export { EMBEDDED_CLASSES, EMBEDDED_SIZES, embeddedImage } from './data/sources/embedded/embedded';
export { createLoader, type Loader, type LoaderOptions } from './data/batches/loader';
export type { Batch } from './data/batches/options';
export { type Source, type Split } from './data/sources/source';
export { openSource } from './data/sources/readers';
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
export { availableProviders } from './runtime/providers';
export type { Provider } from './base/providers';
export { StateSession } from './runtime/stateSession';
export { evaluate, type Evaluation, type EvaluateOptions } from './evaluation/evaluate';
export { train, type TrainHooks, type TrainOptions, type TrainResult } from './training/trainer';
