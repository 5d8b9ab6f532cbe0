/** The page of `export --to web` in Chromium: dropped images, and the trainer's numbers for them. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { Nearest } from '../../../src/web/model/neighbours';
import { PHOTOS, trainerNumbers, writePhoto } from '../../../tools/consumers/cardPrograms';
import { CHROMIUM, CHROMIUM_ARGS } from '../../../tools/verify/portable/browser';
import { serve, type StaticServer } from '../../../tools/verify/portable/server';
import { selfie } from '../../support/selfie';
import { writeImageFolder } from '../../support/imageFolder';

const there = existsSync(CHROMIUM);
// jest says nothing of a suite that is skipped as a whole
if (!there) process.stderr.write(`skipped: no ${CHROMIUM}; install chromium or set CHROMIUM\n`);
const inBrowser = there ? test : test.skip;

/** WebGPU on SwiftShader, where this Chromium brings it. */
const SOFTWARE_GPU = CHROMIUM_ARGS.filter((flag) => flag !== '--disable-gpu').concat(
  ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
  ['--enable-features=Vulkan,WebGPU'],
);

interface ClassScore {
  readonly label: string;
  readonly probability: number;
}

let folder: string;
let server: StaticServer;
let browser: Browser;
let requests: string[];
const inside = (...names: string[]) => path.join(folder, ...names);

beforeAll(async () => {
  if (!there) return;
  folder = mkdtempSync(path.join(tmpdir(), 'selfie-inference-'));
  for (const [name, recipe] of [
    ['fine', 'embedded-finetune'],
    ['pre', 'embedded-pretrain'],
  ]) {
    const sets = ['network.width=8', 'batch=16', 'schedule.warmupSteps=2'].flatMap((each) => ['--set', each]);
    expect(selfie(['build-graph', recipe, '--out', inside(name), ...sets])).toMatchObject({ code: 0 });
    expect(selfie(['train', inside(name), '--data', 'embedded', '--steps', '20'])).toMatchObject({ code: 0 });
    const made = selfie(['export', inside(name), '--to', 'web', '--out', inside(`${name}-web`)]);
    expect([made.code, made.stderr]).toEqual([0, '']);
  }
  server = await serve({ fine: inside('fine-web'), pre: inside('pre-web') });
  browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_ARGS });
});
afterAll(async () => {
  if (!there) return;
  await browser.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(from: Browser, name: string): Promise<Page> {
  const page = await from.newPage();
  requests = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('pageerror', (error) => {
    throw error;
  });
  await page.goto(`${server.address}/${name}/index.html`);
  await page.locator('#files:not([disabled])').waitFor({ state: 'attached', timeout: 300_000 });
  return page;
}

/** Drops the files as from a file manager, and waits until `sections` images are shown. */
async function drop(page: Page, files: readonly string[], sections: number): Promise<void> {
  const given = files.map((file) => ({
    name: path.basename(file),
    base64: readFileSync(file).toString('base64'),
  }));
  await page.evaluate(`{
    const transfer = new DataTransfer();
    for (const { name, base64 } of ${JSON.stringify(given)})
      transfer.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name));
    document.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }`);
  await page
    .locator('section.image')
    .nth(sections - 1)
    .waitFor({ timeout: 300_000 });
  await page.locator('#status', { hasText: /^$/ }).waitFor({ state: 'attached', timeout: 300_000 });
}

/** What model.js gives another page for a file. */
const call = <T>(page: Page, name: string, file: string, expression: string) =>
  page.evaluate<T>(`(async () => {
    const { load } = await import('/${name}/model.js');
    const model = await load();
    const bytes = Uint8Array.from(atob('${readFileSync(file).toString('base64')}'), (c) => c.charCodeAt(0));
    const result = await (${expression})(model, new Blob([bytes]));
    await model.release();
    return result;
  })()`);

async function expectTrainersClasses(page: Page, provider: string): Promise<void> {
  expect(await page.locator('#about').innerText()).toContain(`computed by ${provider}`);
  const { labels } = JSON.parse(readFileSync(inside('fine-web', 'model.json'), 'utf8')) as {
    labels: string[];
  };
  for (const [i, { width, height, allowed }] of PHOTOS.entries()) {
    const photo = inside(`photo${i}.jpg`);
    await writePhoto(photo, width, height);
    const numbers = await trainerNumbers(inside('fine'), photo, 'classifier');
    await drop(page, [photo], i + 1);
    const shown = await page.locator('section.image').first().locator('.class').allInnerTexts();
    const scores = await call<ClassScore[]>(
      page,
      'fine',
      photo,
      '(model, image) => model.classify(image, 10)',
    );
    expect(scores.map(({ label }) => label).sort()).toEqual([...labels].sort());
    const largest = Math.max(...numbers);
    for (const { label, probability } of scores)
      expect(Math.abs(probability - numbers[labels.indexOf(label)]) / largest).toBeLessThan(allowed);
    expect(shown.map((text) => text.replace(/\s+/g, ' '))).toEqual(
      scores.slice(0, 5).map(({ label, probability }) => `${label} ${(100 * probability).toFixed(1)} %`),
    );
  }
}

inBrowser("a classifier's page shows the trainer's classes, and loads nothing from elsewhere", async () => {
  const page = await open(browser, 'fine');
  await expectTrainersClasses(page, 'WebAssembly');
  expect(requests.filter((url) => !url.startsWith(server.address) && !/^(data|blob):/.test(url))).toEqual([]);
  const text = inside('notes.txt');
  writeFileSync(text, 'no image');
  await drop(page, [text], 2);
  expect(await page.locator('#problem').innerText()).toBe(
    '1 file is left out (this browser cannot decode it): notes.txt',
  );
});

inBrowser('on WebGPU too, where there is an adapter', async () => {
  const other = await chromium.launch({ executablePath: CHROMIUM, args: SOFTWARE_GPU });
  try {
    const page = await open(other, 'fine');
    const adapter = await page.evaluate<boolean>(
      '!!navigator.gpu && navigator.gpu.requestAdapter().then((adapter) => adapter !== null)',
    );
    if (!adapter) process.stderr.write('skipped: this Chromium has no WebGPU adapter\n');
    await expectTrainersClasses(page, adapter ? 'WebGPU' : 'WebAssembly');
  } finally {
    await other.close();
  }
});

inBrowser(
  "an encoder's page puts beside each image those that the trainer's embeddings say are nearest",
  async () => {
    await writeImageFolder(inside('images'), 6, 3);
    const files = readdirSync(inside('images')).flatMap((name) =>
      readdirSync(inside('images', name)).map((file) => inside('images', name, file)),
    );
    const embeddings = await Promise.all(files.map((file) => trainerNumbers(inside('pre'), file, 'encoder')));
    const page = await open(browser, 'pre');
    await drop(page, files, files.length);
    const nearest = new Nearest(5);
    embeddings.forEach((embedding) => nearest.add(embedding));
    const expected = embeddings.map((_, i) => nearest.of(i).map(({ index }) => path.basename(files[index])));
    const sections = await page.locator('section.image').all();
    // the one that was dropped last comes first
    for (const [i, section] of sections.reverse().entries()) {
      const names = await section
        .locator('.nearest img')
        .evaluateAll((images) => images.map((each) => (each as { alt?: string }).alt));
      expect(names).toEqual(expected[i]);
    }
    const found = await call<number[]>(
      page,
      'pre',
      files[0],
      '(model, image) => model.embed(image).then((e) => [...e])',
    );
    const largest = Math.max(...embeddings[0].map(Math.abs));
    found.forEach((value, i) => expect(Math.abs(value - embeddings[0][i]) / largest).toBeLessThan(1e-3));
    await expect(call(page, 'pre', files[0], '(model, image) => model.classify(image)')).rejects.toThrow(
      'has no classes',
    );
  },
);
