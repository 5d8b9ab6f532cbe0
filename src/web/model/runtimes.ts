/** The ways to compute a model in a page, in their order: WebGPU, WebAssembly on the device's threads, and on one. */
import { imageShape } from '../../bundle/imageShape';
import type * as Ort from 'onnxruntime-web';
import type { WebModel } from '../../export/web/webModel';
import { messageOf } from '../common/words';
import type { Provider } from './provider';

export interface Way {
  /** The runtime's build; both compute in WebAssembly too, and each starts once, with its first number of threads. */
  readonly build: Provider;
  readonly provider: Provider;
  readonly threads: number;
}

export interface Opened {
  readonly ort: typeof Ort;
  readonly session: Ort.InferenceSession;
  readonly way: Way;
  /** resolves with the reason when the GPU is gone; never for WebAssembly */
  readonly lost: Promise<string>;
}

/** For the start of several threads; where one of them never answers it would be waited for forever. Milliseconds. */
const START_PATIENCE = 60_000;

const BUILDS: Readonly<Record<Provider, () => Promise<typeof Ort>>> = {
  webgpu: () => import('onnxruntime-web/webgpu'),
  wasm: () => import('onnxruntime-web/wasm'),
};

/** What to try, one after the other, for a page that asks for `provider` or leaves it open. */
export function waysOf(provider: Provider | undefined, hasAdapter: boolean, threads: number): Way[] {
  const gpu = provider === 'webgpu' || (provider === undefined && hasAdapter);
  return [
    // its own work on the CPU is small, and so the build stays fit for the last way
    ...(gpu ? [{ build: 'webgpu', provider: 'webgpu', threads: 1 } as const] : []),
    ...(provider === 'webgpu' ? [] : [{ build: 'wasm', provider: 'wasm', threads } as const]),
    ...(provider === 'webgpu' || threads === 1
      ? []
      : [{ build: 'webgpu', provider: 'wasm', threads: 1 } as const]),
  ];
}

const nameOf = ({ provider, threads }: Way) =>
  provider === 'webgpu' ? 'WebGPU' : `WebAssembly on ${threads === 1 ? 'one thread' : `${threads} threads`}`;

/** The first of `left` that runs the model; it and those that failed are taken out, which `notes` says. Rejects after the last. */
export async function openFirst(
  left: Way[],
  bytes: Uint8Array,
  about: WebModel,
  notes: string[],
): Promise<Opened> {
  for (;;) {
    const way = left.shift();
    if (!way) throw new Error('nothing here computes the model');
    try {
      return await open(way, bytes, about);
    } catch (error) {
      if (left.length === 0) throw error;
      notes.push(`${nameOf(way)} failed (${messageOf(error)})`);
    }
  }
}

async function open(way: Way, bytes: Uint8Array, about: WebModel): Promise<Opened> {
  const ort = await BUILDS[way.build]();
  ort.env.wasm.wasmPaths = new URL('.', import.meta.url).href;
  ort.env.wasm.numThreads = way.threads;
  ort.env.wasm.initTimeout = way.threads > 1 ? START_PATIENCE : 0;
  ort.env.logLevel = 'error';
  const settings = { executionProviders: [way.provider], logSeverityLevel: 3 } as const;
  const session = await ort.InferenceSession.create(bytes, settings);
  const opened = { ort, session, way, lost: way.provider === 'webgpu' ? whenLost(ort) : never };
  // a kernel that is missing shows only when it runs
  const { width, height, channels } = imageShape(about.image);
  await runOn(opened, new Float32Array(channels * height * width), about, 'embedding');
  return opened;
}

const never = new Promise<string>(() => undefined);

async function whenLost(ort: typeof Ort): Promise<string> {
  try {
    const device = (await ort.env.webgpu.device) as { readonly lost: Promise<{ readonly message: string }> };
    return (await device.lost).message;
  } catch {
    return never;
  }
}

/** `output` for one image, [channels, height, width]. Rejects, and does not wait forever, where the GPU is lost. */
export async function runOn(
  { ort, session, lost }: Opened,
  data: Float32Array,
  { image }: WebModel,
  output: string,
): Promise<Float32Array> {
  const { width, height, channels } = imageShape(image);
  const tensor = new ort.Tensor('float32', data, [1, channels, height, width]);
  const gone = lost.then((reason) => {
    throw new Error(`the device is lost: ${reason}`);
  });
  const results = await Promise.race([gone, session.run({ image: tensor }, [output])]);
  return results[output].data as Float32Array;
}
