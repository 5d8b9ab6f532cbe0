/** One graph in ONNX Runtime: session options, tensors in and out, errors that name the file and the node's scope. */
import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import { UserError } from '../base/errors';
import { DTYPES, unshared } from '../tensors/dtype';
import type { DType, HostTensor, TypedArray } from '../tensors/dtype';
import type { OnnxValueInfo } from '../onnx/model';
import { DeviceTensor, readingModel, type AnyTensor } from './device';
import type { SessionSettings } from './providers';

export type Tensors = ReadonlyMap<string, AnyTensor>;

export interface GraphSession {
  /**
   * Feeds every input by name and returns every output, those that stay on the device in `kept`; blocks the thread. Throws a
   * UserError that names the file.
   */
  run(feeds: Tensors, kept?: Map<string, DeviceTensor>): Promise<Map<string, HostTensor>>;
  /** What it takes and gives; a size that is known only when it runs is a name. UserError where one is no tensor of numbers. */
  describe(): { readonly inputs: OnnxValueInfo[]; readonly outputs: OnnxValueInfo[] };
  /** Writes the trace of a session that was made with a `profilePrefix`. */
  endProfiling(): void;
  release(): Promise<void>;
}

// Errors come as exceptions with a clear message; the runtime's own copy on stderr would be a second one.
env.logLevel = 'fatal';

export interface SessionExtras {
  /** outputs that stay in buffers of the device (WebGPU only) */
  readonly onDevice?: readonly string[];
  /** the runtime times every kernel, and `endProfiling` writes its JSON trace to `<profilePrefix>_<time>.json` */
  readonly profilePrefix?: string;
}

/** Loads the graph of `file`. Throws a UserError where the file or the provider does not work. */
export const createSession = (
  file: string,
  settings: SessionSettings,
  extras: SessionExtras = {},
): Promise<GraphSession> => open(file, file, settings, extras);

/** Loads a model in memory; `name` stands for it in messages. */
export const createModelSession = (
  name: string,
  model: Uint8Array,
  settings: SessionSettings,
): Promise<GraphSession> => open(name, model, settings, {});

/** Copies tensors from the device, by name. */
export async function readDevice(
  tensors: ReadonlyMap<string, DeviceTensor>,
  settings: SessionSettings,
): Promise<Map<string, HostTensor>> {
  if (tensors.size === 0) return new Map();
  const session = await open('the state', readingModel(tensors), settings, {});
  try {
    const outputs = await session.run(tensors);
    return new Map([...outputs].map(([name, tensor]) => [name.slice('host/'.length), tensor]));
  } finally {
    await session.release();
  }
}

async function open(
  file: string,
  model: string | Uint8Array,
  settings: SessionSettings,
  { onDevice = [], profilePrefix }: SessionExtras,
): Promise<GraphSession> {
  let session: InferenceSession;
  try {
    const options: InferenceSession.SessionOptions = {
      executionProviders: [settings.provider],
      intraOpNumThreads: settings.threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      // A pattern reserves every buffer of the step at once: a third more memory and a slow second step.
      enableMemPattern: false,
      extra: { session: { intra_op: { allow_spinning: '1' } } },
      logSeverityLevel: 4,
      ...(profilePrefix !== undefined && { enableProfiling: true, profileFilePrefix: profilePrefix }),
      ...(onDevice.length > 0 && {
        preferredOutputLocation: Object.fromEntries(onDevice.map((name) => [name, 'gpu-buffer' as const])),
      }),
    };
    // The two overloads take a path or bytes, not their union.
    session = await (typeof model === 'string'
      ? InferenceSession.create(model, options)
      : InferenceSession.create(model, options));
  } catch (error) {
    throw runtimeError(`cannot load ${file} on ${settings.provider}`, error);
  }
  return {
    run: async (feeds, kept) => {
      const inputs: Record<string, Tensor> = {};
      for (const input of session.inputMetadata) {
        const tensor = feeds.get(input.name);
        if (!tensor) throw new Error(`${file}: input ${input.name} was not fed`);
        // The runtime's own message for this does not say which input it is.
        if (input.isTensor && input.type !== tensor.dtype) {
          throw new UserError(
            `${file}: input ${input.name} is ${input.type}, but was fed with ${tensor.dtype}`,
          );
        }
        inputs[input.name] = toRuntime(tensor);
      }
      try {
        const outputs = await session.run(inputs);
        const results = new Map<string, HostTensor>();
        for (const name of session.outputNames) {
          const tensor = outputs[name];
          if (tensor.location === 'gpu-buffer') kept?.set(name, new DeviceTensor(tensor));
          else results.set(name, toHost(tensor));
        }
        return results;
      } catch (error) {
        throw runtimeError(file, error);
      }
    },
    describe: () => ({
      inputs: session.inputMetadata.map((value) => describeValue(file, value)),
      outputs: session.outputMetadata.map((value) => describeValue(file, value)),
    }),
    endProfiling: () => session.endProfiling(),
    release: () => session.release(),
  };
}

function describeValue(file: string, value: InferenceSession.ValueMetadata): OnnxValueInfo {
  const { name } = value;
  if (!value.isTensor) throw new UserError(`${file}: ${name} is no tensor`);
  if (!(value.type in DTYPES))
    throw new UserError(`${file}: ${name} is a tensor of ${value.type}, not of numbers`);
  // The runtime has -1 for a size that is neither fixed nor named.
  const shape = value.shape.map((size) => (typeof size === 'number' && size < 0 ? '' : size));
  return { name, dtype: value.type as DType, shape };
}

function toRuntime(tensor: AnyTensor): Tensor {
  if (tensor instanceof DeviceTensor) return tensor.tensor;
  const { dtype, data, shape } = tensor;
  // The constructor is typed by one overload a dtype; HostTensor keeps dtype and data in agreement.
  // The binding refuses shared memory ("Invalid argument"), so a batch is copied here, once.
  return new Tensor(dtype as 'float32', unshared(data) as Float32Array, shape);
}

function toHost(tensor: Tensor): HostTensor {
  return { dtype: tensor.type as DType, shape: tensor.dims, data: tensor.data as TypedArray };
}

/** What the runtime itself refuses: a graph, its input, or the provider for it. */
export class RuntimeError extends UserError {}

/**
 * The runtime's message in one line. `Non-zero status code returned while running Add node. Name:'/layer1/0/Add' Status
 * Message: /src/x.cc:91 f(a, b) reason` becomes `/layer1/0/Add (Add): reason`.
 */
export function runtimeError(what: string, error: unknown): RuntimeError {
  const message = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim();
  const node = /running (\w+) node\. Name:'([^']*)' Status Message: (.*)$/.exec(message);
  const text = node ? `${node[2]} (${node[1]}): ${withoutSource(node[3])}` : withoutSource(message);
  return new RuntimeError(`${what}: ${text}`, { cause: error });
}

/** Drops the C++ file and signature that a message may start with. */
function withoutSource(message: string): string {
  return message.replace(/^\/\S+\.(?:cc|h):\d+ .*?\)(?: const)? (?=\S)/, '');
}
