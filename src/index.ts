/** The public API of selfie-onnx: what is exported, and every type that its declarations name. */

// Build: networks, gradients, lowering, bundles.
export { type BundleSummary } from './compile/writeBundle';
export { trainStep, type TrainStepOptions } from './compile/trainStep';
export type { TrainStep } from './bundle/trainStep';
export { buildBundle } from '../graphs/tasks';
export { gradients } from './autodiff/gradients';
export { loadRecipe, type LoadedRecipe } from '../graphs/recipes/load';
export { recipeSchema, type MaskShape, type Recipe, type RecipeInput } from './bundle/recipe';
export { emitGraph, toModel } from './graph/emit';
export { Graph, Value, type OpDefinition } from './graph/graph';
export type {
  Attributes,
  AttributeValue,
  GradientThunk,
  GraphOutput,
  Node,
  Operator,
  Phase,
  Source as ValueSource,
} from './graph/graph';
export type { Traits } from './graph/traits';
export { defineOp, type Op, type Operand } from './graph/op';
export type { Shape, TensorType } from './graph/shape';
export type { LoweringOptions } from './lowering/context';
export { lower } from './lowering/lower';
export type { Optimization } from './lowering/optimizations';
export { optimize } from './passes';
export * as nn from './nn';
export * as ops from './ops';
export { inline, type Give } from './ops/inline';
export * as optim from './optim';

// The bundle and the files around it.
export { UserError } from './base/errors';
export type { GraphName, Manifest, Port, StateEntry } from './bundle/manifest';
export type { Grid as PatchGrid } from './bundle/checkRecipe';
export type { ImageSettings } from './bundle/imageShape';
export { readBundle, type Bundle } from './bundle/read';
export type { DType, HostTensor, TypedArray } from './tensors/dtype';
export type { PixelBits, Pixels } from './tensors/pixels';
export { encodeModel, type EncodeOptions, type ExternalData } from './onnx/encode';
export { readModel, writeModel, type WriteOptions } from './onnx/files';
export type {
  Dim,
  OnnxAttribute,
  OnnxGraph,
  OnnxModel,
  OnnxNode,
  OnnxTensor,
  OnnxValueInfo,
} from './onnx/model';
export { formatModel, type ValueType, type ValueTypes } from './onnx/text';
export { readSafetensors, writeSafetensors } from './tensors/safetensors';
export type { Safetensors } from './tensors/safetensorsFormat';

// Run: data, training, evaluation, export.
export {
  EMBEDDED_CLASSES,
  EMBEDDED_SIZES,
  embeddedImage,
  type EmbeddedSplit,
} from './data/sources/embedded/embedded';
export { createLoader, type Loader, type LoaderOptions } from './data/batches/loader';
export type {
  Batch,
  BatchOptions,
  BrokenImage,
  SharedPixels,
  UnlabelledOptions,
} from './data/batches/options';
export type { Augment } from './data/images/transforms';
export type { EncodedSource, PixelSource, Source, SourceBase, Split } from './data/sources/source';
export type { LabelNeed } from './data/sources/labels';
export { openSource } from './data/sources/readers';
export {
  evaluateKnn,
  evaluateLinearProbe,
  type KnnOptions,
  type KnnResult,
  type LinearProbeResult,
} from './evaluation/evaluateRun';
export type { Collapse } from './evaluation/collapse';
export type { FeatureKind } from './evaluation/features';
export type { Evaluated, FrozenOptions, Score } from './evaluation/frozen';
export type { LinearProbe } from './evaluation/linearProbe';
export { createProbe, type ProbeOptions } from './evaluation/periodic';
export type { Measurement as ProbeMeasurement, Probe } from './evaluation/probe';
export { exportModel, type ExportReport, type ExportRequest } from './export/exportModel';
export { exportRun, type ExportRunOptions } from './export/exportRun';
export type { ExportForm, ExportInput, ExportKind, Precision } from './export/form';
export { exportHub, type HubReport } from './export/hub/exportHub';
export type { Measurement as ExportMeasurement } from './export/measure';
export type { ExportDetails } from './export/metadata';
export type { Samples } from './export/samples';
export type { TorchStateReport } from './export/torchState';
export { exportWeb } from './export/web/exportWeb';
export { embed, type EmbedHooks, type EmbedOptions, type EmbedReport } from './inference/embed';
export type { ImageProgress } from './inference/imageProgress';
export type { ImageModel, ModelChoice, ModelSettings, Output } from './inference/model';
export { predict, type Prediction, type PredictOptions, type Predictions } from './inference/predict';
export type { ClassProbability } from './inference/predict';
export { availableProviders, type SessionSettings } from './runtime/providers';
export type { Provider } from './base/providers';
export { StepSession, type StepFeeds } from './runtime/stepSession';
export { StateSession } from './runtime/stateSession';
export { evaluate, type Evaluation, type EvaluateOptions } from './evaluation/evaluate';
export type { ClassResult, StateEvaluation } from './evaluation/evaluateState';
export type { Broken } from './base/broken';
export type { Checkpoint } from './run/checkpointFormat';
export type { StepMetrics } from './run/metricsLog';
export type { ComputeOptions, ReadOptions, RunOptions } from './run/openRun';
export type { State, StateKinds } from './run/stateTypes';
export type { Reporter } from './training/reporter';
export type { StepResult } from './training/stepper';
export { train, type TrainHooks, type TrainOptions, type TrainResult } from './training/trainer';
