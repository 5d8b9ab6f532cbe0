/** The page in a real browser, where Chromium is installed: it trains on dropped images, and `selfie train` goes on from there. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { readCheckpoint } from '../../../src/run/checkpoints';
import { readMetrics } from '../../../src/run/metricsLog';
import { CHROMIUM, CHROMIUM_ARGS } from '../../../tools/verify/portable/browser';
import { differences } from '../../../tools/verify/portable/differences';
import { serve, type StaticServer } from '../../../tools/verify/portable/server';
import { writeImageFolder } from '../../support/imageFolder';
import { repositoryRoot } from '../../support/paths';
import { selfie } from '../../support/selfie';

const there = existsSync(CHROMIUM);
// jest says nothing of a suite that is skipped as a whole
if (!there) process.stderr.write(`skipped: no ${CHROMIUM}; install chromium or set CHROMIUM\n`);

const TINY = ['--set', 'network.width=4', '--set', 'batch=8', '--set', 'schedule.warmupSteps=2'];
const PATIENCE = 20 * 60_000;

let folder: string;
let images: string;
let server: StaticServer;
let browser: Browser;
let page: Page;
let errors: string[];
let requests: string[];

const bundleOf = (name: string) => path.join(folder, name);

beforeAll(async () => {
  if (!there) return;
  folder = mkdtempSync(path.join(tmpdir(), 'selfie-page-'));
  images = path.join(folder, 'images');
  await writeImageFolder(images, 24, 3);
  for (const [name, recipe] of [
    ['pre', 'embedded-pretrain'],
    ['fine', 'embedded-finetune'],
  ])
    expect(selfie(['build-graph', recipe, '--out', bundleOf(name), ...TINY])).toMatchObject({ code: 0 });
  server = await serve({ web: path.join(repositoryRoot, 'dist', 'web'), bundles: folder });
  browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_ARGS });
  page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  errors = [];
  requests = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => errors.push(message.text()));
  page.on('request', (request) => requests.push(request.url()));
});
afterAll(async () => {
  if (!there) return;
  await browser.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const open = (name: string) => page.goto(`${server.address}/web/index.html?bundle=/bundles/${name}/graph/`);
const status = (text: string | RegExp) => page.locator('#status', { hasText: text }).waitFor();
const note = () => page.locator('#note').innerText();

/** Drops the images as loose files, as from a file manager. */
async function dropImages(): Promise<void> {
  const files = readdirSync(images).flatMap((name) =>
    readdirSync(path.join(images, name)).map((file) => ({
      name: file,
      base64: readFileSync(path.join(images, name, file)).toString('base64'),
    })),
  );
  await page.evaluate(`{
    const transfer = new DataTransfer();
    for (const { name, base64 } of ${JSON.stringify(files)})
      transfer.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name));
    document.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }`);
}

async function saveCheckpoint(): Promise<string> {
  const download = page.waitForEvent('download');
  await page.locator('#save').click();
  const saved = await download;
  const file = path.join(folder, saved.suggestedFilename());
  await saved.saveAs(file);
  return file;
}

(there ? test : test.skip)(
  'pretrains on dropped images, keeps it over a reload, and selfie train goes on',
  async () => {
    await open('pre');
    await status('Ready.');
    await dropImages();
    await page.locator('#data option', { hasText: 'your 24 images' }).waitFor({ state: 'attached' });
    await page.selectOption('#data', 'photos');
    await page.fill('#steps', '60');
    await page.click('#train');
    await status(/Step (2[6-9]|[3-4]\d) of 60/);
    await page.click('#pause');
    await status(/Stopped after step \d+\./);
    const before = Number(/\d+/.exec(await page.locator('#status').innerText())?.[0]);
    expect(before).toBeLessThan(50);
    expect(await page.locator('#pictures svg').count()).toBe(2);

    await page.reload();
    await page.locator('#continue', { hasText: `Continue after step ${before} of 60` }).click();
    await status(/Step 5[0-9] of 60/);
    await page.click('#pause');
    await status(/Stopped after step 5\d\./);
    expect(await page.locator('#curves svg').count()).toBe(4);
    const file = await saveCheckpoint();
    expect(errors).toEqual([]);
    expect(requests.filter((url) => !url.startsWith(server.address) && !/^(data|blob):/.test(url))).toEqual(
      [],
    );

    const { step, run } = readCheckpoint(file);
    expect(file).toBe(path.join(folder, `step-${step}.safetensors`));
    expect(JSON.parse(run)).toMatchObject({ data: 'browser:24 images', steps: 60, seed: 0, initFrom: null });
    mkdirSync(path.join(bundleOf('pre'), 'checkpoints'));
    copyFileSync(file, path.join(bundleOf('pre'), 'checkpoints', path.basename(file)));
    // loose images in the browser: unlabelled, so that their order here does not matter
    const lost = selfie(['train', bundleOf('pre'), '--resume']);
    expect(lost).toMatchObject({ code: 1 });
    expect(lost.stderr).toContain('--data is missing');
    const resumed = selfie(['train', bundleOf('pre'), '--resume', '--data', `folder:${images}`]);
    expect(resumed).toMatchObject({ code: 0 });
    expect(resumed.stdout).toContain('finished 60 steps');
    const lines = readMetrics(path.join(bundleOf('pre'), 'metrics.jsonl'));
    expect(lines.map((line) => line.step)).toEqual(Array.from({ length: 60 - step }, (_, i) => step + 1 + i));
  },
);

(there ? test : test.skip)('goes on with the images that it began with, and with no others', async () => {
  await open('pre');
  await page.locator('#folder').setInputFiles(images);
  await page.locator('#data option', { hasText: 'of 3 classes' }).waitFor({ state: 'attached' });
  await page.locator('#continue', { hasText: /Continue after step 5\d of 60/ }).click();
  await page
    .locator('#note', {
      hasText: 'these are not the images of the run: images of other names or sizes, or in another order',
    })
    .waitFor();
});

(there ? test : test.skip)('finetunes from that encoder on a folder of classes', async () => {
  await open('fine');
  await status('Ready.');
  await page.locator('#folder').setInputFiles(images);
  await page
    .locator('#data option', { hasText: 'your 24 images of 3 classes' })
    .waitFor({ state: 'attached' });
  await page.selectOption('#data', 'photos');
  await page.selectOption('#start', 'pretrained');
  await page.fill('#steps', '4');
  await page.click('#train');
  await status('Stopped after step 4.');
  expect(await note()).toMatch(/weights from the pretraining of 5\d steps/);
  expect(await note()).toMatch(/layer3 +\d+ +0 +0 +0/);
  expect(readCheckpoint(await saveCheckpoint()).step).toBe(4);
  expect(errors).toEqual([]);
});

(there ? test : test.skip)('the first steps on generated images are those of selfie train', async () => {
  await open('fine');
  await status('Ready.');
  await page.selectOption('#data', 'embedded');
  await page.selectOption('#start', 'fresh');
  await page.fill('#steps', '3');
  await page.click('#train');
  await status('Stopped after step 3.');
  const here = readCheckpoint(await saveCheckpoint());
  expect(selfie(['train', bundleOf('fine'), '--data', 'embedded', '--steps', '3'])).toMatchObject({
    code: 0,
  });
  const node = readCheckpoint(path.join(bundleOf('fine'), 'checkpoints', 'step-3.safetensors'));
  expect([here.recipe, here.run]).toEqual([node.recipe, node.run]);
  const found = differences({ metrics: [], state: here.state }, { metrics: [], state: node.state });
  expect(found.largest).toBeLessThan(1e-3);
});

(there ? test : test.skip)('a bundle and weights given as files; everything can be forgotten', async () => {
  const address = `${server.address}/web/index.html`;
  await page.goto(address);
  await status('Give the address of a bundle');
  await page.locator('#files').setInputFiles(path.join(repositoryRoot, 'README.md'));
  await page
    .locator('#note', {
      hasText:
        'Error: no image that this browser reads among the files; 1 file is left out (no image by its name): README.md',
    })
    .waitFor();
  await page.locator('#folder').setInputFiles(path.join(bundleOf('fine'), 'graph'));
  await status('Ready.');
  await page.locator('#files').setInputFiles(path.join(bundleOf('fine'), 'graph', 'init.safetensors'));
  await page.locator('#start option', { hasText: 'init.safetensors' }).waitFor({ state: 'attached' });

  await page.goto(address);
  await status('Ready.');
  expect(await page.locator('#bundle').innerText()).toMatch(/^embedded-finetune: a classifier, /);
  await page.locator('#continue', { hasText: 'Continue after step 3 of 3' }).waitFor();
  await page.click('#forget');
  await page.locator('#continue', { hasText: /^Continue$/ }).waitFor();
  expect(await page.locator('#data option').allTextContents()).toEqual(['generated images']);
  await page.goto(address);
  await status('Give the address of a bundle');
  expect(errors).toEqual([]);
});
