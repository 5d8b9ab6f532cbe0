/**
 * A model that `selfie export --to web` wrote, for any page on any server:
 *
 *     import { load } from './model.js';
 *     const model = await load('model.onnx');
 *     const classes = await model.classify(image); // or model.embed(image)
 */
import { imageShape } from '../../bundle/imageShape';
import type { WebModel } from '../../export/web/webModel';
import { threadsOf } from '../common/threads';
import { messageOf } from '../common/words';
import { decodePhoto } from '../train/pictures';
import { toInput } from './input';
import type { Provider } from './provider';
import { openFirst, runOn, waysOf } from './runtimes';

export type { Provider, WebModel };

export interface ClassScore {
  readonly label: string;
  readonly probability: number;
}

export interface Model extends WebModel {
  /** what computes */
  readonly provider: Provider;
  /** what could not compute, and why: lines for a person */
  readonly notes: readonly string[];
  /** The likeliest classes, likeliest first. Rejects for a model that has no classes, and for what is no image. */
  classify(image: ImageBitmapSource, top?: number): Promise<ClassScore[]>;
  /** Rejects for what is no image. */
  embed(image: ImageBitmapSource): Promise<Float32Array>;
  /** Gives the memory back. */
  release(): Promise<void>;
}

/** Photographs are reduced to this shorter side by the browser first; the rest is done as the trainer does it. */
const SHORTER = 1024;

/**
 * Opens the model at `url`, which is relative to this module; `model.json` lies beside it. WebGPU computes where there is an
 * adapter that runs it, else WebAssembly, or what `options` says. WebAssembly also takes over where the GPU is lost later, and
 * one thread where the device refuses more.
 */
export async function load(
  url: string | URL = 'model.onnx',
  options: { readonly provider?: Provider } = {},
): Promise<Model> {
  const address = new URL(url, import.meta.url);
  const about = await readJson(new URL('model.json', address));
  const bytes = await readBytes(address);
  const notes: string[] = [];
  const left = waysOf(options.provider, await hasAdapter(), threadsOf(globalThis).count);
  let opened = await openFirst(left, bytes, about, notes);

  /** Where the GPU fails, the next way takes its place and answers; it is the image's fault nowhere. */
  const compute = async (data: Float32Array, output: string): Promise<Float32Array> => {
    try {
      return await runOn(opened, data, about, output);
    } catch (error) {
      if (opened.way.provider !== 'webgpu' || left.length === 0) throw error;
      notes.push(`WebGPU failed (${messageOf(error)})`);
      opened = await openFirst(left, bytes, about, notes);
      return runOn(opened, data, about, output);
    }
  };
  // One run at a time: the WebGPU provider takes no more.
  let last: Promise<unknown> = Promise.resolve();
  const run = async (image: ImageBitmapSource, output: string): Promise<Float32Array> => {
    const { width, height } = imageShape(about.image);
    const photo = await decodePhoto(image, Math.max(SHORTER, 4 * Math.max(width, height)));
    const answer = last.then(() => compute(toInput(photo, about.image), output));
    last = answer.catch(() => undefined);
    return answer;
  };
  return {
    ...about,
    notes,
    get provider() {
      return opened.way.provider;
    },
    async classify(image, top = 5) {
      const { labels } = about;
      if (!labels) throw new Error('this model has no classes; use embed()');
      const probabilities = await run(image, 'probabilities');
      const scores = Array.from(probabilities, (probability, i) => ({ label: labels[i], probability }));
      return scores.sort((a, b) => b.probability - a.probability).slice(0, top);
    },
    embed: (image) => run(image, 'embedding'),
    release: () => opened.session.release(),
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

async function read(url: URL): Promise<Response> {
  const response = await fetch(url).catch((error: unknown) => {
    throw new Error(`${url.href}: ${messageOf(error)}`, { cause: error });
  });
  if (!response.ok) throw new Error(`${url.href}: the server says ${response.status}`);
  return response;
}

async function readJson(url: URL): Promise<WebModel> {
  const text = await (await read(url)).text();
  try {
    return JSON.parse(text) as WebModel;
  } catch (error) {
    throw new Error(`${url.href}: the server sends no JSON there`, { cause: error });
  }
}
const readBytes = async (url: URL) => new Uint8Array(await (await read(url)).arrayBuffer());
