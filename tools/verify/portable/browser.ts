/** A bundle trained by a page: tools/examples/train.html, onnxruntime-web's WASM in headless Chromium. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import type { Bundle } from '../../../src/bundle/read';
import { UserError } from '../../../src/base/errors';
import { readSafetensors } from '../../../src/tensors/safetensors';
import type { Trained } from './run';
import { serve } from './server';

export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
export const CHROMIUM_ARGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'].concat([
  '--disable-component-update',
  '--disable-sync',
]);
/** For all steps, milliseconds. */
const PATIENCE = 30 * 60_000;

/** UserError where Chromium is missing or the page reports an error. */
export async function trainInBrowser(
  root: string,
  executablePath: string,
  bundle: Bundle,
  folder: string,
  steps: number,
): Promise<Trained> {
  if (!existsSync(executablePath))
    throw new UserError(`no ${executablePath}; install Chromium or give --chromium PATH`);
  const server = await serve({
    tools: path.join(root, 'tools'),
    node_modules: path.join(root, 'node_modules'),
    bundle: bundle.directory,
    inputs: folder,
  });
  const browser = await chromium.launch({ executablePath, args: CHROMIUM_ARGS });
  try {
    const page = await browser.newPage();
    const failed = new Promise<never>((_, reject) => {
      page.on('pageerror', (error) => reject(new UserError(`the page failed: ${error.message}`)));
    });
    const query = `bundle=/bundle/&batches=/inputs/batches.safetensors&steps=${steps}`;
    await page.goto(`${server.address}/tools/examples/train.html?${query}`);
    const link = page.locator('a[download]');
    await Promise.race([failed, link.waitFor({ timeout: PATIENCE })]);
    const metrics = (await page.locator('pre').innerText())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, number>);
    const download = page.waitForEvent('download');
    await link.click();
    const file = path.join(folder, `browser-${steps}.safetensors`);
    await (await download).saveAs(file);
    return { metrics, state: readSafetensors(file).tensors };
  } finally {
    await browser.close();
    await server.close();
  }
}
