/**
 * A bundle that trains in milliseconds: softmax regression on 4 x 4-pooled pixels, with momentum, a running mean, and a
 * loss that depends on the dropout seed. All six graphs, written by hand.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { GraphContract, GraphName, Manifest, Port, Role } from '../../src/bundle/manifest';
import { GRAPH_NAMES } from '../../src/bundle/manifest';
import { recipeSchema } from '../../src/bundle/recipe';
import type { RecipeInput } from '../../src/bundle/recipe';
import { writeSafetensors } from '../../src/tensors/safetensors';
import type { HostTensor } from '../../src/tensors/dtype';
import { writeModel } from '../../src/onnx/files';
import type { OnnxGraph } from '../../src/onnx/model';
import { OnnxEmitter, toModel } from './onnxEmitter';

const SIZE = 32;
const FEATURES = 192; // 8 x 8 cells of 4 x 4 pixels, 3 channels
const MOMENTUM = 0.9;
const WEIGHTS = ['fc.weight', 'fc.bias'] as const;
const MEAN = 'norm.running_mean';

export interface TinyOptions {
  readonly batch?: number;
  readonly classes?: number;
  readonly schedule?: RecipeInput['schedule'];
  readonly labelSubset?: RecipeInput['labelSubset'];
  /** part that the running mean belongs to */
  readonly normPart?: string;
  /** names of more parameters, [2], which no graph uses */
  readonly extra?: readonly string[];
}

/** Writes the bundle into `directory` and returns its manifest. */
export function writeTinyBundle(directory: string, options: TinyOptions = {}): Manifest {
  mkdirSync(directory, { recursive: true });
  const {
    batch = 16,
    classes = 10,
    normPart = 'norm-after-pixels',
    extra = [],
    schedule,
    labelSubset,
  } = options;
  const recipe = recipeSchema.parse({
    task: 'finetune',
    batch,
    network: { classes },
    schedule: { kind: 'cosine', peak: 0.5, warmupSteps: 2, steps: 20, ...schedule },
    augment: { pad: 2, flip: true, cropScale: 0 },
    labelSubset,
  });
  const tiny = new TinyGraphs(batch, classes);
  const built = Object.fromEntries(GRAPH_NAMES.map((name) => [name, tiny.build(name)])) as Record<
    GraphName,
    { graph: OnnxGraph; contract: GraphContract }
  >;
  for (const name of GRAPH_NAMES) {
    const { graph, contract } = built[name];
    writeModel(path.join(directory, contract.file), toModel(graph));
  }
  const state: Manifest['state'] = [
    ...WEIGHTS.map((name) => ({ ...tiny.state(name), kind: 'parameter' as const, part: 'fc' })),
    { ...tiny.state(MEAN), kind: 'buffer', part: normPart },
    ...WEIGHTS.map((name) => ({
      ...tiny.state(`optim.momentum.${name}`),
      kind: 'optimizer' as const,
      part: 'fc',
    })),
    ...extra.map((name) => ({
      name,
      dtype: 'float32' as const,
      shape: [2],
      kind: 'parameter' as const,
      part: 'extra',
    })),
  ];
  const initial = state.map(({ name, shape }): [string, HostTensor] => {
    const length = shape.reduce((product, size) => product * size, 1);
    const zero = name !== 'fc.weight';
    const data = Float32Array.from({ length }, (_, i) => (zero ? 0 : 0.01 * Math.sin(i + 1)));
    return [name, { dtype: 'float32', shape, data }];
  });
  writeSafetensors(path.join(directory, 'init.safetensors'), initial);
  const manifest: Manifest = {
    formatVersion: 1,
    producer: 'tinyBundle',
    recipeName: 'tiny',
    recipe,
    provider: 'cpu',
    opset: 17,
    initialState: 'init.safetensors',
    state,
    parameters: classes * (FEATURES + 1),
    multiplyAdds: 2 * batch * classes * FEATURES,
    graphs: Object.fromEntries(GRAPH_NAMES.map((name) => [name, built[name].contract])) as Manifest['graphs'],
  };
  writeFileSync(path.join(directory, 'manifest.json'), JSON.stringify(manifest));
  return manifest;
}

class TinyGraphs {
  constructor(
    private readonly batch: number,
    private readonly classes: number,
  ) {}

  state(name: string): { name: string; dtype: 'float32'; shape: number[] } {
    const shape = name.endsWith('fc.weight')
      ? [this.classes, FEATURES]
      : name === MEAN
        ? [FEATURES]
        : [this.classes];
    return { name, dtype: 'float32', shape };
  }

  build(name: GraphName): { graph: OnnxGraph; contract: GraphContract } {
    switch (name) {
      case 'train':
        return this.train();
      case 'train-loop':
        return this.loop();
      case 'grad':
        return this.grad();
      case 'apply':
        return this.apply();
      case 'eval':
        return this.evaluate();
      case 'encoder':
        return this.encoder();
    }
  }

  private batchPorts(lead: (number | string)[] = []): Port[] {
    return [
      { name: 'images', dtype: 'uint8', shape: [...lead, this.batch, SIZE, SIZE, 3], role: 'batch' },
      { name: 'labels', dtype: 'int64', shape: [...lead, this.batch], role: 'batch' },
    ];
  }

  private statePorts(names: readonly string[]): Port[] {
    return names.map((name) => ({ ...this.state(name), role: 'state' }));
  }

  private nextPorts(names: readonly string[]): Port[] {
    return names.map((name) => ({
      ...this.state(name),
      name: `next.${name}`,
      role: 'state',
      replaces: name,
    }));
  }

  private readonly moments = WEIGHTS.map((name) => `optim.momentum.${name}`);
  private readonly trained = [...WEIGHTS, MEAN, ...this.moments];

  private train() {
    const e = new OnnxEmitter();
    const { loss, accuracy, gradients, mean } = this.gradients(e, 'images', 'labels', 'dropout_seed', named);
    e.as('loss', loss);
    e.as('accuracy', accuracy);
    e.as(`next.${MEAN}`, mean);
    this.update(e, gradients, 'learning_rate', named, (name, value) => e.as(`next.${name}`, value));
    return this.finish(
      e,
      'train',
      [...this.batchPorts(), SEED, RATE, ...this.statePorts(this.trained)],
      [...METRICS, ...this.nextPorts(this.trained)],
    );
  }

  private grad() {
    const e = new OnnxEmitter();
    const { loss, accuracy, gradients, mean } = this.gradients(e, 'images', 'labels', 'dropout_seed', named);
    e.as('loss', loss);
    e.as('accuracy', accuracy);
    e.as(`next.${MEAN}`, mean);
    WEIGHTS.forEach((name, i) => e.as(`grad.${name}`, gradients[i]));
    const inputs = [...this.batchPorts(), SEED, ...this.statePorts([...WEIGHTS, MEAN])];
    return this.finish(e, 'grad', inputs, [...METRICS, ...this.gradientPorts(), ...this.nextPorts([MEAN])]);
  }

  private apply() {
    const e = new OnnxEmitter();
    const gradients = WEIGHTS.map((name) => `grad.${name}`);
    this.update(e, gradients, 'learning_rate', named, (name, value) => e.as(`next.${name}`, value));
    const names = [...WEIGHTS, ...this.moments];
    const inputs = [...this.gradientPorts(), RATE, ...this.statePorts(names)];
    return this.finish(e, 'apply', inputs, this.nextPorts(names));
  }

  private gradientPorts(): Port[] {
    return WEIGHTS.map((name) => ({ ...this.state(name), name: `grad.${name}`, role: 'gradient' }));
  }

  /** One Loop over the leading axis; the state is carried, metrics are scan outputs. */
  private loop() {
    const body = new OnnxEmitter('body/');
    const pick = (name: string) => body.node('Gather', [name, 'iteration'], { axis: 0 });
    const carried = (name: string) => `carried.${name}`;
    const { loss, accuracy, gradients, mean } = this.gradients(
      body,
      pick('images'),
      pick('labels'),
      pick('dropout_seed'),
      carried,
    );
    body.as('going_on', 'condition');
    body.as(`after.${MEAN}`, mean);
    body.as('step_loss', loss);
    body.as('step_accuracy', accuracy);
    this.update(body, gradients, pick('learning_rate'), carried, (name, value) =>
      body.as(`after.${name}`, value),
    );
    const states = this.trained.map((name) => this.state(name));
    const graph = body.graph(
      'step',
      [
        { name: 'iteration', dtype: 'int64', shape: [] },
        { name: 'condition', dtype: 'bool', shape: [] },
        ...states.map((port) => ({ ...port, name: carried(port.name) })),
      ],
      [
        { name: 'going_on', dtype: 'bool', shape: [] },
        ...states.map((port) => ({ ...port, name: `after.${port.name}` })),
        { name: 'step_loss', dtype: 'float32', shape: [] },
        { name: 'step_accuracy', dtype: 'float32', shape: [] },
      ],
    );
    const e = new OnnxEmitter();
    const k = e.node('Gather', [e.node('Shape', ['images']), e.ints([0], [])], { axis: 0 });
    const outputs = [...this.trained.map((name) => `next.${name}`), 'loss', 'accuracy'];
    e.node('Loop', [k, e.bool(true), ...this.trained], { body: graph }, outputs);
    const stacked = (port: Port): Port => ({ ...port, shape: ['K', ...port.shape] });
    const inputs = [
      ...this.batchPorts(['K']),
      stacked(SEED),
      stacked(RATE),
      ...this.statePorts(this.trained),
    ];
    return this.finish(e, 'train-loop', inputs, [...METRICS.map(stacked), ...this.nextPorts(this.trained)]);
  }

  private evaluate() {
    const e = new OnnxEmitter();
    const centred = e.node('Sub', [this.features(e, 'images'), MEAN]);
    const { each, right, logits } = this.classify(e, centred, 'labels', named);
    e.as('loss', each);
    e.as('accuracy', right);
    e.as('logits', logits);
    const inputs = [...this.batchPorts(), ...this.statePorts([...WEIGHTS, MEAN])];
    return this.finish(e, 'eval', inputs, [
      ...METRICS.map((port) => ({ ...port, shape: [this.batch] })),
      { name: 'logits', dtype: 'float32', shape: [this.batch, this.classes], role: 'prediction' },
    ]);
  }

  private encoder() {
    const e = new OnnxEmitter();
    const embedding = e.node('Sub', [this.features(e, 'images'), MEAN], {}, ['embedding']);
    e.as('logits', this.logits(e, embedding, named));
    const images: Port = { name: 'images', dtype: 'uint8', shape: ['batch', SIZE, SIZE, 3], role: 'batch' };
    return this.finish(
      e,
      'encoder',
      [images, ...this.statePorts([...WEIGHTS, MEAN])],
      [
        { name: 'embedding', dtype: 'float32', shape: ['batch', FEATURES], role: 'prediction' },
        { name: 'logits', dtype: 'float32', shape: ['batch', this.classes], role: 'prediction' },
      ],
    );
  }

  /** uint8 [B, 32, 32, 3] -> float32 [B, 192]: means over 4 x 4 cells of the values scaled to [0, 1]. */
  private features(e: OnnxEmitter, images: string): string {
    const scaled = e.node('Div', [e.node('Cast', [images], { to: 1 }), e.floats([255])]);
    const cells = e.node('Reshape', [scaled, e.ints([-1, 8, 4, 8, 4, 3])]);
    const means = e.node('ReduceMean', [cells], { axes: [2, 4], keepdims: 0 });
    return e.node('Reshape', [means, e.ints([-1, FEATURES])]);
  }

  private logits(e: OnnxEmitter, features: string, of: Naming): string {
    return e.node('Gemm', [features, of('fc.weight'), of('fc.bias')], { transB: 1 });
  }

  /** Per example: cross-entropy and whether the largest logit is the label's. */
  private classify(e: OnnxEmitter, features: string, labels: string, of: Naming) {
    const logits = this.logits(e, features, of);
    const target = e.node('OneHot', [labels, e.ints([this.classes], []), e.floats([0, 1], [2])]);
    const product = e.node('Mul', [e.node('LogSoftmax', [logits]), target]);
    const each = e.node('Neg', [e.node('ReduceSum', [product, e.ints([1])], { keepdims: 0 })]);
    const best = e.node('ArgMax', [logits], { axis: 1, keepdims: 0 });
    const right = e.node('Cast', [e.node('Equal', [best, labels])], { to: 1 });
    return { logits, target, each, right };
  }

  private gradients(e: OnnxEmitter, images: string, labels: string, seed: string, of: Naming) {
    const pixels = this.features(e, images);
    // "Dropout": all features are scaled by 1 + sin(seed) / 10.
    const wave = e.node('Sin', [e.node('Cast', [seed], { to: 1 })]);
    const scale = e.node('Add', [e.node('Mul', [wave, e.floats([0.1])]), e.floats([1])]);
    const x = e.node('Mul', [pixels, scale]);
    const batchMean = e.node('ReduceMean', [x], { axes: [0], keepdims: 0 });
    const kept = e.node('Mul', [of(MEAN), e.floats([0.9])]);
    const mean = e.node('Add', [kept, e.node('Mul', [batchMean, e.floats([0.1])])]);
    const centred = e.node('Sub', [x, batchMean]);
    const { logits, target, each, right } = this.classify(e, centred, labels, of);
    const difference = e.node('Sub', [e.node('Softmax', [logits]), target]);
    const dLogits = e.node('Div', [difference, e.floats([this.batch])]);
    const dWeight = e.node('Gemm', [dLogits, centred], { transA: 1 });
    const dBias = e.node('ReduceSum', [dLogits, e.ints([0])], { keepdims: 0 });
    const loss = e.node('ReduceMean', [each], { keepdims: 0 });
    const accuracy = e.node('ReduceMean', [right], { keepdims: 0 });
    return { loss, accuracy, gradients: [dWeight, dBias], mean };
  }

  /** m' = 0.9 m + g, w' = w - rate m' */
  private update(
    e: OnnxEmitter,
    gradients: readonly string[],
    rate: string,
    of: Naming,
    put: (name: string, value: string) => void,
  ): void {
    WEIGHTS.forEach((name, i) => {
      const old = e.node('Mul', [of(`optim.momentum.${name}`), e.floats([MOMENTUM])]);
      const moment = e.node('Add', [old, gradients[i]]);
      put(`optim.momentum.${name}`, moment);
      put(name, e.node('Sub', [of(name), e.node('Mul', [moment, rate])]));
    });
  }

  private finish(e: OnnxEmitter, name: GraphName, inputs: Port[], outputs: Port[]) {
    return {
      graph: e.graph(name, inputs, outputs),
      contract: { file: `${name}.onnx`, inputs, outputs },
    };
  }
}

/** The value's name in a graph for a state's name. */
type Naming = (state: string) => string;
const named: Naming = (state) => state;

const scalar = (name: string, dtype: 'float32' | 'int64', role: Role): Port => ({
  name,
  dtype,
  shape: [],
  role,
});
const SEED = scalar('dropout_seed', 'int64', 'random');
const RATE = scalar('learning_rate', 'float32', 'hyper');
const METRICS = [scalar('loss', 'float32', 'metric'), scalar('accuracy', 'float32', 'metric')];
