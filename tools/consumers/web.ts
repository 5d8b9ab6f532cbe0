/** ONNX Runtime Web in headless Chromium, by WebAssembly or WebGPU. Everything is served from disk; nothing is fetched. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { readSafetensors } from '../../src/export/safetensors';
import type { HostTensor } from '../../src/onnx/dtype';
import { CHROMIUM, CHROMIUM_ARGS } from '../verify/portable/browser';
import type { Consumer } from './consumer';

// Without the flag that turns the GPU off: WebGPU is to be found where it is.
const ARGS = CHROMIUM_ARGS.filter((flag) => flag !== '--disable-gpu');
const ORIGIN = 'http://selfie.invalid';
const TYPES: Readonly<Record<string, string>> = {
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.html': 'text/html',
  '.onnx': 'application/octet-stream',
};

interface Answer {
  readonly outputs: readonly { readonly name: string; readonly dims: number[]; readonly data: number[] }[];
}

/** What runs in the page. */
const PAGE = `<!doctype html><script type="module">
import * as ort from '/ort/ort.all.min.mjs';
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
  const runtime = path.dirname(require.resolve('onnxruntime-web'));
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS });
  const page = await browser.newPage();
  const models = new Map<string, string>();
  await page.route('**/*', (route) => {
    const { pathname } = new URL(route.request().url());
    const file = pathname.startsWith('/ort/')
      ? path.join(runtime, path.basename(pathname))
      : models.get(pathname);
    if (pathname === '/') return route.fulfill({ contentType: 'text/html', body: PAGE });
    if (!file) return route.abort();
    return route.fulfill({ contentType: TYPES[path.extname(file)], body: readFileSync(file) });
  });
  await page.goto(`${ORIGIN}/`);
  await page.waitForFunction('window.ready');
  const version = await page.evaluate<string>('window.version');
  const close = () => browser.close();
  if (provider === 'webgpu' && !(await hasAdapter(page))) {
    await close();
    return { missing: 'this browser has no WebGPU adapter' };
  }
  return {
    version,
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
    close,
  };
}

const hasAdapter = (page: Page) =>
  page.evaluate<boolean>(
    '!!navigator.gpu && navigator.gpu.requestAdapter().then((adapter) => adapter !== null)',
  );
