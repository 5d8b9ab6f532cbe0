/**
 * A model that `selfie export --to web` wrote, for any page on any server:
 *
 *     import { load } from './model.js';
 *     const model = await load('model.onnx');
 *     const classes = await model.classify(image); // or model.embed(image)
 */
import type * as Ort from 'onnxruntime-web';
import { imageShape } from '../../bundle/imageShape';
import type { WebModel } from '../../export/web/webModel';
import { decodePhoto } from '../train/pictures';
import { toInput } from './input';

export type { WebModel };
export type Provider = 'webgpu' | 'wasm';

export interface ClassScore {
  readonly label: string;
  readonly probability: number;
}

export interface Model extends WebModel {
  /** what computes */
  readonly provider: Provider;
  /** The likeliest classes, likeliest first. Rejects for a model that has no classes, and for what is no image. */
  classify(image: ImageBitmapSource, top?: number): Promise<ClassScore[]>;
  /** Rejects for what is no image. */
  embed(image: ImageBitmapSource): Promise<Float32Array>;
  /** Gives the memory back. */
  release(): Promise<void>;
}

/** Photographs are reduced to this shorter side by the browser first; the rest is done as the trainer does it. */
const SHORTER = 1024;

const RUNTIMES: Readonly<Record<Provider, () => Promise<typeof Ort>>> = {
  webgpu: () => import('onnxruntime-web/webgpu'),
  wasm: () => import('onnxruntime-web/wasm'),
};

/**
 * Opens the model at `url`, which is relative to this module; `model.json` lies beside it. WebGPU computes where there is an
 * adapter that runs it, else WebAssembly, or what `options` says.
 */
export async function load(
  url: string | URL = 'model.onnx',
  options: { readonly provider?: Provider } = {},
): Promise<Model> {
  const address = new URL(url, import.meta.url);
  const about = await readJson(new URL('model.json', address));
  const bytes = await readBytes(address);
  const wanted = options.provider ?? ((await hasAdapter()) ? 'webgpu' : 'wasm');
  const { ort, session, provider } = await open(bytes, about, wanted, options.provider === undefined);
  // One run at a time: the WebGPU provider takes no more.
  let last: Promise<unknown> = Promise.resolve();
  const run = async (image: ImageBitmapSource, output: string): Promise<Float32Array> => {
    const { width, height, channels } = imageShape(about.image);
    const photo = await decodePhoto('the image', image, Math.max(SHORTER, 4 * Math.max(width, height)));
    const tensor = new ort.Tensor('float32', toInput(photo, about.image), [1, channels, height, width]);
    const answer = last.then(() => session.run({ image: tensor }, [output]));
    last = answer.catch(() => undefined);
    return (await answer)[output].data as Float32Array;
  };
  return {
    ...about,
    provider,
    async classify(image, top = 5) {
      const { labels } = about;
      if (!labels) throw new Error('this model has no classes; use embed()');
      const probabilities = await run(image, 'probabilities');
      const scores = Array.from(probabilities, (probability, i) => ({ label: labels[i], probability }));
      return scores.sort((a, b) => b.probability - a.probability).slice(0, top);
    },
    embed: (image) => run(image, 'embedding'),
    release: () => session.release(),
  };
}

async function hasAdapter(): Promise<boolean> {
  const { gpu } = navigator as { readonly gpu?: { requestAdapter(): Promise<unknown> } };
  try {
    return gpu !== undefined && (await gpu.requestAdapter()) !== null;
  } catch {
    return false;
  }
}

/** A session by `provider`, or where that cannot run the model and `mayFall`, by WebAssembly. */
async function open(bytes: Uint8Array, about: WebModel, provider: Provider, mayFall: boolean) {
  const ort = await RUNTIMES[provider]();
  ort.env.wasm.wasmPaths = new URL('.', import.meta.url).href;
  ort.env.logLevel = 'error';
  try {
    const settings = { executionProviders: [provider], logSeverityLevel: 3 } as const;
    const session = await ort.InferenceSession.create(bytes, settings);
    // a kernel that is missing shows only when it runs
    const { width, height, channels } = imageShape(about.image);
    const black = new ort.Tensor('float32', new Float32Array(channels * height * width), [
      1,
      channels,
      height,
      width,
    ]);
    await session.run({ image: black }, ['embedding']);
    return { ort, session, provider };
  } catch (error) {
    if (provider === 'wasm' || !mayFall) throw error;
    return open(bytes, about, 'wasm', false);
  }
}

async function read(url: URL): Promise<Response> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.href}: the server says ${response.status}`);
  return response;
}

const readJson = async (url: URL) => (await (await read(url)).json()) as WebModel;
const readBytes = async (url: URL) => new Uint8Array(await (await read(url)).arrayBuffer());
