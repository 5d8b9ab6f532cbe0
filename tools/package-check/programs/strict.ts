/** A consumer's TypeScript, compiled but not run: what it exports has types of the package that it never names. */
import {
  buildBundle,
  createLoader,
  embed,
  evaluate,
  evaluateKnn,
  evaluateLinearProbe,
  exportHub,
  exportModel,
  exportRun,
  gradients,
  Graph,
  loadRecipe,
  lower,
  nn,
  openSource,
  ops,
  optim,
  optimize,
  predict,
  readModel,
  StateSession,
  StepSession,
  toModel,
  train,
  trainStep,
  UserError,
  type Batch,
  type ExportRequest,
  type LoaderOptions,
  type RecipeInput,
  type Reporter,
  type Source,
  type TrainHooks,
} from 'selfie-onnx';
import { graphPath, manifestSchema, readBundle, readSafetensors } from 'selfie-onnx/bundle';
import { load } from 'selfie-onnx/web';

export const recipe: RecipeInput = { task: 'pretrain', network: { stages: [1, 1], width: 8 }, batch: 16 };

export const reporter: Reporter = {
  line: () => undefined,
  step: ({ loss }, total) => void (loss + total),
  stop: () => undefined,
};

export const run = async (directory: string, hooks: TrainHooks) => ({
  summary: buildBundle('mine', loadRecipe('embedded-pretrain').recipe, directory),
  trained: await train({ directory, data: 'embedded', steps: 2 }, { ...hooks, reporter }),
  evaluation: await evaluate({ directory, data: 'embedded' }),
  knn: await evaluateKnn({ directory, data: 'embedded' }),
  probe: await evaluateLinearProbe({ directory, data: 'embedded' }),
  exported: await exportRun({ directory, out: 'model.onnx' }),
  hub: await exportHub({ directory, out: 'hub' }),
  model: await exportModel({} as ExportRequest),
  predictions: await predict({ model: directory, images: ['a.jpg'] }),
  embedded: await embed({ source: 'embedded', model: directory, to: 'rows.parquet' }),
});

export const data = async (options: LoaderOptions) => {
  const source: Source = await openSource('embedded', 'train');
  const loader = await createLoader(options);
  return { source, loader, first: await loader.next() };
};

export const graph = () => {
  const built = new Graph('mine');
  const x = built.input('x', 'float32', [2, 3]);
  const loss = ops.reduceMean(ops.relu(x));
  const all = gradients(loss, [x]);
  return { built, all, model: toModel, lowered: lower, optimized: optimize, read: readModel, optim, nn };
};

export const step = async (batch: Batch) => {
  const context = new nn.Context(new Graph('own'), { training: true });
  const layer = new nn.Linear(3, 1);
  context.bind([layer]);
  const images = context.graph.input('images', 'float32', [2, 3]);
  const session = await StepSession.open(trainStep(context, ops.reduceMean(layer.apply(context, images))));
  const { loss } = await session.run({ images: batch.images, labels: batch.labels, learning_rate: 0.1 });
  return { loss, state: session.state };
};

export const bundle = (directory: string) => {
  const found = readBundle(directory);
  return { found, train: graphPath(found, 'train'), state: readSafetensors, schema: manifestSchema };
};

export const inBrowser = async () => (await load('model.onnx', { provider: 'wasm' })).classify(new Blob());
export const session = StateSession;
export const failure = new UserError('too bad');
