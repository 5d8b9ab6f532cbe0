/** Writes src/web/train/page.png: the page in headless Chromium, after it pretrained on generated images. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { buildBundle } from '../../graphs/tasks';
import { loadRecipe } from '../../graphs/recipes/load';
import { CHROMIUM, CHROMIUM_ARGS } from '../verify/portable/browser';
import { serve } from '../verify/portable/server';

const RECIPE = 'embedded-pretrain';
const STEPS = 400;
/** milliseconds */
const PATIENCE = 60 * 60_000;

async function main(file: string): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'selfie-picture-'));
  buildBundle(RECIPE, loadRecipe(RECIPE).recipe, path.join(folder, 'bundle'));
  const web = path.resolve(__dirname, '..', '..', 'web');
  const server = await serve({ web, bundle: path.join(folder, 'bundle', 'graph') });
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_ARGS });
  try {
    const page = await browser.newPage({ viewport: { width: 980, height: 800 }, deviceScaleFactor: 1.5 });
    page.setDefaultTimeout(PATIENCE);
    await page.goto(`${server.address}/web/index.html?bundle=/bundle/`);
    await page.locator('#status', { hasText: 'Ready.' }).waitFor();
    await page.selectOption('#data', 'embedded');
    await page.fill('#steps', String(STEPS));
    await page.click('#train');
    await page.locator('#status', { hasText: `Stopped after step ${STEPS}.` }).waitFor();
    await page.screenshot({ path: file, fullPage: true });
  } finally {
    await browser.close();
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

void main(process.argv[2] ?? path.join('src', 'web', 'train', 'page.png'));
