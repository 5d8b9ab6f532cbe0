/** The page that trains in a Chromium that refuses: storage, threads, files; it says so and trains. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { readCheckpoint } from '../../../src/run/checkpoints';
import { CHROMIUM, CHROMIUM_ARGS, testIn } from '../../support/browsers';
import { repositoryRoot } from '../../support/paths';
import { type TrainingSite, trainingSite } from '../../support/webPage';

const inChromium = testIn(CHROMIUM, 'CHROMIUM');
const LAUNCH = { executablePath: CHROMIUM, args: CHROMIUM_ARGS };
const PATIENCE = 10 * 60_000;

let site: TrainingSite;
let browser: Browser;
beforeAll(async () => {
  if (inChromium !== test) return;
  site = await trainingSite();
  browser = await chromium.launch(LAUNCH);
});
afterAll(async () => {
  if (inChromium !== test) return;
  await browser.close();
  await site.close();
});

/** Opens the page; `inWorker` runs in its worker before everything else. */
async function open(context: BrowserContext | Browser, inWorker = ''): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  if (inWorker !== '') {
    const worker = readFileSync(path.join(repositoryRoot, 'dist', 'web', 'worker.js'), 'utf8');
    await page.route('**/worker.js*', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: `${inWorker};\n${worker}` });
    });
  }
  await page.goto(site.address);
  await page.locator('#status', { hasText: 'Ready.' }).waitFor();
  return page;
}

const storage = (page: Page) => page.locator('#storage').textContent();

/** Three steps, and their checkpoint as a download. */
async function trainAndSave(page: Page): Promise<void> {
  await page.fill('#steps', '3');
  await page.click('#train');
  await page.locator('#status', { hasText: 'Stopped after step 3.' }).waitFor();
  const download = page.waitForEvent('download');
  await page.click('#save');
  const file = path.join(site.folder, 'saved.safetensors');
  await (await download).saveAs(file);
  expect(readCheckpoint(file).step).toBe(3);
}

inChromium('site data that are blocked', async () => {
  const profile = path.join(site.folder, 'profile');
  mkdirSync(path.join(profile, 'Default'), { recursive: true });
  const blocked = { profile: { default_content_setting_values: { cookies: 2 } } };
  writeFileSync(path.join(profile, 'Default', 'Preferences'), JSON.stringify(blocked));
  const context = await chromium.launchPersistentContext(profile, LAUNCH);
  try {
    const page = await open(context);
    expect(await storage(page)).toContain('This browser keeps nothing for this page: ');
    await trainAndSave(page);
    expect(await storage(page)).toContain('does not keep the checkpoint: ');
  } finally {
    await context.close();
  }
});

inChromium('storage that is too small: what does not fit is named', async () => {
  const page = await browser.newPage();
  const session = await page.context().newCDPSession(page);
  await session.send('Storage.overrideQuotaForOrigin', { origin: site.server.address, quotaSize: 20_000 });
  page.setDefaultTimeout(PATIENCE);
  await page.goto(site.address);
  await page.locator('#status', { hasText: 'Ready.' }).waitFor();
  expect(await storage(page)).toBe('');
  await trainAndSave(page);
  expect(await storage(page)).toContain('does not keep the checkpoint: its storage is full');
  await page.close();
});

inChromium.each([
  ['absent', 'Object.defineProperty(self, "indexedDB", { value: undefined })', 'it has no IndexedDB'],
  [
    'that never answers',
    'const wait = self.setTimeout; self.setTimeout = (f, ms, ...a) => wait(f, ms === 10_000 ? 50 : ms, ...a); IDBFactory.prototype.open = () => ({})',
    'its storage does not answer',
  ],
])('storage %s', async (_what, inWorker, reason) => {
  const page = await open(browser, inWorker);
  expect(await storage(page)).toContain(reason);
  await trainAndSave(page);
  await page.close();
});

inChromium('a kept run that is damaged is named and left out', async () => {
  const context = await browser.newContext();
  const page = await open(context);
  await trainAndSave(page);
  await page.evaluate(`new Promise((resolve, reject) => {
    indexedDB.open('selfie-onnx', 1).onsuccess = ({ target: { result } }) => {
      const store = result.transaction('kept', 'readwrite').objectStore('kept');
      store.get('run:finetune').onsuccess = ({ target: { result: run } }) => {
        run.checkpoint[run.checkpoint.length - 1] ^= 1;
        store.put(run, 'run:finetune');
        store.put({ images: 'none' }, 'photos');
      };
      store.transaction.oncomplete = resolve;
      store.transaction.onabort = reject;
    };
  })`);
  await page.reload();
  await page.locator('#status', { hasText: 'Ready.' }).waitFor();
  expect(await page.locator('#note').textContent()).toMatch(/left out: the checkpoint \(.*damaged/);
  expect(await page.locator('#continue').textContent()).toBe('Continue');
  await trainAndSave(page);
  await context.close();
});

inChromium.each([
  [
    'that never answer',
    'const wait = self.setTimeout; self.setTimeout = (f, ms, ...a) => wait(f, ms === 60_000 ? 500 : ms, ...a); self.Worker = class { postMessage() {} terminate() {} }',
    'timeout',
  ],
  [
    'workers',
    'self.Worker = class { constructor() { throw new Error("no more workers"); } }',
    'no more workers',
  ],
])('threads that the device refuses (%s)', async (_what, inWorker, reason) => {
  const lie = 'Object.defineProperty(navigator, "hardwareConcurrency", { value: 4 })';
  const page = await open(browser, `${lie}; ${inWorker}`);
  const line = await page.locator('#runtime').textContent();
  expect(line).toMatch(/^Computes on 1 thread: this device refused more \(/);
  expect(line).toContain(reason);
  await trainAndSave(page);
  await page.close();
});

inChromium('broken files cost themselves alone, and names are text', async () => {
  const page = await open(browser);
  const folder = path.join(site.folder, 'mixed');
  const evil = '<img src=x onerror=document.title=1>';
  for (const [name, from] of [
    ['cat', 'class0'],
    [evil, 'class1'],
  ]) {
    mkdirSync(path.join(folder, name), { recursive: true });
    for (let i = 0; i < 8; i++) {
      const source = path.join(
        site.images,
        from,
        `${String(3 * i + Number(from.slice(-1))).padStart(4, '0')}.png`,
      );
      writeFileSync(path.join(folder, name, `${i}.png`), readFileSync(source));
    }
  }
  writeFileSync(path.join(folder, 'cat', 'empty.jpg'), '');
  writeFileSync(path.join(folder, evil, `${evil}.heic`), 'no image');
  writeFileSync(path.join(folder, 'notes.txt'), 'no image');
  await page.locator('#folder').setInputFiles(folder);
  await page
    .locator('#data option', { hasText: 'your 16 images of 2 classes' })
    .waitFor({ state: 'attached' });
  const lines = (await page.locator('#left-out').textContent())?.split('\n').sort();
  expect(lines).toEqual([
    '1 file is left out (it is empty): mixed/cat/empty.jpg',
    '1 file is left out (no image by its name): mixed/notes.txt',
    expect.stringMatching(/^1 file is left out \(this browser cannot decode it\): mixed\/<img src=x .*heic$/),
  ]);
  await page.selectOption('#data', 'photos');
  await trainAndSave(page);
  expect(await page.title()).toBe('selfie-onnx: training in this browser');
  await page.close();
});
