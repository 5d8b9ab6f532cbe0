/** ONNX Runtime Web in headless Chromium, by WebAssembly or WebGPU. Everything is served from disk; nothing is fetched. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { readSafetensors } from '../../src/tensors/safetensors';
import type { HostTensor } from '../../src/tensors/dtype';
import { CHROMIUM, CHROMIUM_ARGS } from '../verify/portable/browser';
import type { Consumer } from './consumer';

/** By provider. WebGPU: the machine's own adapter is tried first, then Chromium's driver in software. */
const ARGS: Readonly<Record<'wasm' | 'webgpu', readonly string[][]>> = (() => {
  const gpu = CHROMIUM_ARGS.filter((flag) => flag !== '--disable-gpu');
  return {
    wasm: [CHROMIUM_ARGS],
    webgpu: [gpu, [...gpu, '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']],
  };
})();
/** WebGPU is only for pages that count as secure, which localhost's do. */
const ORIGIN = 'http://localhost';
const TYPES: Readonly<Record<string, string>> = {
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.html': 'text/html',
  '.onnx': 'application/octet-stream',
};

interface Answer {
  readonly outputs: readonly { readonly name: string; readonly dims: number[]; readonly data: number[] }[];
}

/** What runs in the page: the runtime's build of that provider, by whose name the file goes. */
const pageOf = (provider: 'wasm' | 'webgpu') => `<!doctype html><script type="module">
import * as ort from '/ort/ort.${provider}.min.mjs';
ort.env.wasm.wasmPaths = '/ort/';
ort.env.wasm.numThreads = 1;
window.version = ort.env.versions.web;
window.run = async ({ model, provider, dtype, dims, data, names }) => {
  const session = await ort.InferenceSession.create(model, { executionProviders: [provider] });
  const values = dtype === 'uint8' ? Uint8Array.from(data) : Float32Array.from(data);
  const results = await session.run({ image: new ort.Tensor(dtype, values, dims) }, names);
  await session.release();
  return { outputs: names.map((name) => ({ name, dims: results[name].dims, data: [...results[name].data] })) };
};
window.ready = true;
</script>`;

export async function startWeb(
  provider: 'wasm' | 'webgpu',
): Promise<Consumer | { readonly missing: string }> {
  if (!existsSync(CHROMIUM)) return { missing: `no ${CHROMIUM}; install chromium or set CHROMIUM` };
  for (const args of ARGS[provider]) {
    const browser = await chromium.launch({ executablePath: CHROMIUM, args });
    const models = new Map<string, string>();
    const page = await openPage(browser, models, provider);
    const adapter = provider === 'wasm' ? undefined : await adapterOf(page);
    if (adapter !== null) return consumer(browser, page, models, provider, adapter);
    await browser.close();
  }
  return { missing: 'this browser has no WebGPU adapter' };
}

/** The page, once the runtime is loaded. `models`: files by address, which may be added later. */
async function openPage(
  browser: Browser,
  models: ReadonlyMap<string, string>,
  provider: 'wasm' | 'webgpu',
): Promise<Page> {
  const runtime = path.dirname(require.resolve('onnxruntime-web'));
  const page = await browser.newPage();
  await page.route('**/*', (route) => {
    const { pathname } = new URL(route.request().url());
    const file = pathname.startsWith('/ort/')
      ? path.join(runtime, path.basename(pathname))
      : models.get(pathname);
    if (pathname === '/') return route.fulfill({ contentType: 'text/html', body: pageOf(provider) });
    if (!file) return route.abort();
    return route.fulfill({ contentType: TYPES[path.extname(file)], body: readFileSync(file) });
  });
  await page.goto(`${ORIGIN}/`);
  await page.waitForFunction('window.ready');
  return page;
}

interface Adapter {
  readonly name: string;
  readonly half: boolean;
}

/** null: there is none. */
const adapterOf = (page: Page) =>
  page.evaluate<Adapter | null>(`(async () => {
    const adapter = await navigator.gpu?.requestAdapter();
    if (!adapter) return null;
    const { architecture, vendor } = adapter.info;
    return { name: architecture || vendor, half: adapter.features.has('shader-f16') };
  })()`);

async function consumer(
  browser: Browser,
  page: Page,
  models: Map<string, string>,
  provider: 'wasm' | 'webgpu',
  adapter: Adapter | undefined,
): Promise<Consumer> {
  const version = await page.evaluate<string>('window.version');
  return {
    version: adapter ? `${version} (${adapter.name})` : version,
    limits: adapter?.half === false ? [[/-float16/, 'this adapter computes in float32 alone']] : [],
    async run({ name, model, inputs, outputs }) {
      models.set(`/${name}`, model);
      const image = readSafetensors(inputs).tensors.get('image');
      if (!image) throw new Error(`${inputs} has no image`);
      const { dtype, shape, data } = image;
      const request = {
        model: `/${name}`,
        provider,
        dtype,
        dims: shape,
        data: Array.from(data, Number),
        names: outputs,
      };
      const answer = await page.evaluate<Answer>(`window.run(${JSON.stringify(request)})`);
      return new Map(
        answer.outputs.map((output): [string, HostTensor] => [
          output.name,
          { dtype: 'float32', shape: output.dims, data: Float32Array.from(output.data) },
        ]),
      );
    },
    close: () => browser.close(),
  };
}
