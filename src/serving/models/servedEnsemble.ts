/** An ensemble that answers requests: served models one after another, each with its own batches. */
import { UserError } from '../../base/errors';
import type { Tensors } from '../../inference/modelThread';
import type { ModelInfo } from '../../inference/modelWorker';
import type { OnnxValueInfo } from '../../onnx/model';
import { protocolShape, selectOutputs } from '../protocol/checkInputs';
import { dataTypeName } from '../../repository/dataTypeNames';
import type { EnsembleConfig, EnsembleStep } from '../../repository/ensembleConfig';
import type { ModelConfig } from '../../repository/modelConfig';
import type { VersionFolder } from '../../repository/layout';
import { checkRequest, type ModelFinder, type ServedModel } from './servedModel';
import { ModelStatistics } from './statistics';

export class ServedEnsemble implements ServedModel {
  readonly platform = 'ensemble';
  readonly filename = null;
  readonly waiting = 0;
  readonly delay = 0;
  readonly statistics = new ModelStatistics();

  private constructor(
    readonly name: string,
    readonly version: string,
    readonly fingerprint: string,
    readonly maxBatch: number,
    private readonly labels: readonly string[] | null,
    private readonly config: EnsembleConfig,
    private readonly models: ModelFinder,
  ) {}

  /** UserError where a step's model is not served or does not fit to what it is given. */
  static load(
    name: string,
    { version, fingerprint }: VersionFolder,
    { maxBatch, labels }: ModelConfig,
    config: EnsembleConfig,
    models: ModelFinder,
  ): ServedEnsemble {
    const tensors = new Map(config.inputs.map((port) => [port.name, port]));
    for (const step of config.steps) addOutputs(step, models, tensors);
    for (const output of config.outputs)
      requireFit(output, tensors.get(output.name), `output ${output.name}`);
    return new ServedEnsemble(name, version, fingerprint, maxBatch ?? 0, labels, config, models);
  }

  get steps(): readonly EnsembleStep[] {
    return this.config.steps;
  }

  /** Its own inputs and outputs; the metadata of the models, where two say the same, the last one's. */
  get info(): ModelInfo {
    const { inputs, outputs } = this.config;
    const metadata = this.chained.map((model) => model.info.metadata);
    return { inputs, outputs, metadata: Object.assign({}, ...metadata) as ModelInfo['metadata'] };
  }

  get classes(): readonly string[] | null {
    const known = this.chained.map(({ classes }) => classes).filter((classes) => classes !== null);
    return this.labels ?? known.at(-1) ?? null;
  }

  get isBroken(): boolean {
    return this.chained.length < this.config.steps.length;
  }

  /** The models that are there. */
  private get chained(): ServedModel[] {
    return this.config.steps.flatMap(({ model, version }) => {
      try {
        return [this.models.find(model, version ?? undefined)];
      } catch (error) {
        if (error instanceof UserError) return [];
        throw error;
      }
    });
  }

  /** It has nothing of its own that could go away. */
  hold<T>(body: () => Promise<T>): Promise<T> {
    return body();
  }

  async infer(inputs: Tensors, wanted: readonly string[] | null): Promise<Tensors> {
    checkRequest(this, inputs, wanted);
    const tensors = new Map(inputs);
    const outputs = this.config.outputs.map(({ name }) => name);
    for (const step of this.config.steps) {
      const needed = neededLater(this.config, step, wanted ?? outputs);
      if (needed.length === 0) continue;
      const made = await this.models.use(step.model, step.version ?? undefined, (model) =>
        model.statistics.measure(() => model.infer(mapped(step.inputs, tensors), needed)),
      );
      for (const name of needed) {
        const [tensor, value] = [step.outputs.get(name), made.get(name)];
        if (tensor !== undefined && value) tensors.set(tensor, value);
      }
    }
    this.statistics.observeAnswer(this.maxBatch > 0 ? rowsOf(inputs) : 1);
    const own = new Map([...tensors].filter(([name]) => outputs.includes(name)));
    return selectOutputs(this.name, own, wanted ?? outputs);
  }

  retire(): Promise<void> {
    return Promise.resolve();
  }
}

const rowsOf = (tensors: Tensors) => [...tensors.values()][0]?.shape[0] ?? 1;

/** The step's inputs by the model's names. */
function mapped(names: ReadonlyMap<string, string>, tensors: Tensors): Tensors {
  return new Map(
    [...names].map(([input, tensor]) => {
      const value = tensors.get(tensor);
      if (!value) throw new Error(`no step made ${tensor}`);
      return [input, value];
    }),
  );
}

/** The model's outputs that another step or the answer takes. */
function neededLater({ steps }: EnsembleConfig, step: EnsembleStep, wanted: readonly string[]): string[] {
  const taken = new Set([...wanted, ...steps.flatMap(({ inputs }) => [...inputs.values()])]);
  return [...step.outputs].filter(([, tensor]) => taken.has(tensor)).map(([output]) => output);
}

/** Checks what the step's model takes and adds what it gives. */
function addOutputs(
  { model: name, version, inputs, outputs }: EnsembleStep,
  models: ModelFinder,
  tensors: Map<string, OnnxValueInfo>,
): void {
  const { info, platform } = models.find(name, version ?? undefined);
  const where = `step ${name}`;
  if (platform === 'ensemble')
    throw new UserError(
      `${where} is an ensemble itself, which is not served; name the models that it chains`,
    );
  for (const port of info.inputs) {
    const tensor = inputs.get(port.name);
    if (tensor === undefined)
      throw new UserError(`${where}: input_map has nothing for its input ${port.name}`);
    requireFit(port, tensors.get(tensor), `${where}: input ${port.name}`);
  }
  for (const input of inputs.keys())
    if (!info.inputs.some((port) => port.name === input))
      throw new UserError(`${where}: input_map names ${input}, which is no input of it`);
  for (const [output, tensor] of outputs) {
    const port = info.outputs.find((each) => each.name === output);
    if (!port) throw new UserError(`${where}: output_map names ${output}, which is no output of it`);
    tensors.set(tensor, { ...port, name: tensor });
  }
}

/** UserError where a tensor cannot be what is wanted, as far as types and known sizes tell. */
function requireFit(wanted: OnnxValueInfo, given: OnnxValueInfo | undefined, where: string): void {
  if (!given) throw new UserError(`${where}: nothing gives it`);
  const [want, have] = [protocolShape(wanted), protocolShape(given)];
  const fits =
    wanted.dtype === given.dtype &&
    want.length === have.length &&
    want.every((size, axis) => size === have[axis] || size === -1 || have[axis] === -1);
  if (!fits)
    throw new UserError(
      `${where} must be ${dataTypeName(wanted.dtype)} [${want.join(', ')}], but ${given.name} is ${dataTypeName(given.dtype)} [${have.join(', ')}]`,
    );
}
