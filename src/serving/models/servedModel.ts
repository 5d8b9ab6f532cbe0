/** One version of a model that answers requests: what all have, and those that are an ONNX file. */
import { namesIn } from '../../inference/imageForm';
import { ModelThread, type Tensors } from '../../inference/modelThread';
import type { ModelInfo } from '../../inference/modelWorker';
import type { OnnxValueInfo } from '../../onnx/model';
import type { SessionSettings } from '../../runtime/providers';
import { Batcher, type BatchRun, type BatchSettings } from './batcher';
import { checkInputs, noOutput, selectOutputs } from '../protocol/checkInputs';
import type { EnsembleStep } from '../../repository/ensembleConfig';
import type { ModelConfig } from '../../repository/modelConfig';
import type { VersionFolder } from '../../repository/layout';
import { ModelStatistics } from './statistics';

export interface ModelSettings extends BatchSettings {
  readonly session: SessionSettings;
  readonly observe: (model: ServedModel, run: BatchRun) => void;
}

export interface ServedModel {
  readonly name: string;
  readonly version: string;
  readonly fingerprint: string;
  /** by the protocol's names */
  readonly platform: 'onnxruntime_onnx' | 'ensemble';
  readonly info: ModelInfo;
  /** of its file; null: it has none */
  readonly filename: string | null;
  /** class names; null: it says none */
  readonly classes: readonly string[] | null;
  /** rows at once; 0: requests are not put together */
  readonly maxBatch: number;
  /** Whether it answers nothing any more. */
  readonly isBroken: boolean;
  /** requests in its own queue */
  readonly waiting: number;
  /** milliseconds that a request may wait for others to share a batch */
  readonly delay: number;
  readonly statistics: ModelStatistics;
  /** the models that an ensemble chains; null: it is none */
  readonly steps: readonly EnsembleStep[] | null;
  /** Runs `body` while the model stays loaded, whatever is loaded in its place meanwhile. */
  hold<T>(body: () => Promise<T>): Promise<T>;
  /** The outputs of that name, all for null. RequestError for tensors that it does not take and where too many requests wait. */
  infer(inputs: Tensors, wanted: readonly string[] | null): Promise<Tensors>;
  /** Waits for whoever holds it and lets go of what it has. */
  retire(): Promise<void>;
}

/** Where models are found; they may be replaced while who looks stays. */
export interface ModelFinder {
  /** The version, the newest where none is given. RequestError where it is not served. */
  find(name: string, version?: string): ServedModel;
  /** Runs `body` with it, and keeps it loaded meanwhile. */
  use<T>(name: string, version: string | undefined, body: (model: ServedModel) => Promise<T>): Promise<T>;
}

export class OnnxModel implements ServedModel {
  readonly platform = 'onnxruntime_onnx';
  readonly steps = null;
  /** requests that hold it */
  private users = 0;
  private retiring: (() => void) | undefined;
  private readonly batcher: Batcher;
  readonly statistics = new ModelStatistics();

  private constructor(
    readonly name: string,
    readonly version: string,
    readonly fingerprint: string,
    readonly info: ModelInfo,
    readonly filename: string,
    readonly classes: readonly string[] | null,
    readonly maxBatch: number,
    private readonly thread: ModelThread,
    settings: ModelSettings,
    readonly delay: number,
  ) {
    this.batcher = new Batcher(
      (inputs) => thread.run(inputs),
      { ...settings, maxBatch, delay },
      (run) => {
        this.statistics.observeBatch(run);
        settings.observe(this, run);
      },
    );
  }

  /** Loads it in a thread of its own. UserError where it does not load. */
  static async load(
    name: string,
    { version, file, fingerprint }: VersionFolder,
    config: ModelConfig,
    settings: ModelSettings,
  ): Promise<OnnxModel> {
    const { thread, info } = await ModelThread.open(file, settings.session);
    const classes = namesIn(info.metadata.classes) ?? config.labels;
    const maxBatch = isBatched(info) ? (config.maxBatch ?? settings.maxBatch) : 0;
    const delay = config.delay ?? settings.delay;
    const { filename } = config;
    return new OnnxModel(
      name,
      version,
      fingerprint,
      info,
      filename,
      classes,
      maxBatch,
      thread,
      settings,
      delay,
    );
  }

  /** Whether its thread ended by itself: it answers nothing any more. */
  get isBroken(): boolean {
    return this.thread.hasEnded && this.retiring === undefined;
  }

  get waiting(): number {
    return this.batcher.waiting;
  }

  async hold<T>(body: () => Promise<T>): Promise<T> {
    this.users++;
    try {
      return await body();
    } finally {
      this.users--;
      if (this.users === 0) this.retiring?.();
    }
  }

  async infer(inputs: Tensors, wanted: readonly string[] | null): Promise<Tensors> {
    const { name, info } = this;
    checkRequest(this, inputs, wanted);
    const ordered = new Map(info.inputs.flatMap((input) => entry(inputs, input)));
    return selectOutputs(name, await this.batcher.infer(ordered), wanted);
  }

  async retire(): Promise<void> {
    if (this.users > 0) await new Promise<void>((resolve) => (this.retiring = resolve));
    this.retiring ??= () => {};
    await this.thread.close();
  }
}

/** RequestError for tensors that the model does not take, and for outputs that it does not give. */
export function checkRequest(
  { name, info, maxBatch }: Pick<ServedModel, 'name' | 'info' | 'maxBatch'>,
  inputs: Tensors,
  wanted: readonly string[] | null,
): void {
  checkInputs(name, info.inputs, maxBatch, inputs);
  const there = info.outputs.map((output) => output.name);
  const missing = wanted?.find((output) => !there.includes(output));
  if (missing !== undefined) throw noOutput(name, missing, there);
}

function entry(inputs: Tensors, { name }: OnnxValueInfo) {
  const tensor = inputs.get(name);
  return tensor ? [[name, tensor] as const] : [];
}

/** Whether rows may be added along the first axis of whatever it takes and gives. */
const isBatched = ({ inputs, outputs }: ModelInfo) =>
  inputs.length > 0 && [...inputs, ...outputs].every(({ shape }) => typeof shape[0] === 'string');
