/** The page that trains in stock Firefox, where it is installed: chosen files, a download, and site data that are blocked. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'puppeteer-core';
import { readCheckpoint } from '../../../src/run/checkpoints';
import { FIREFOX, launchFirefox, testIn } from '../../support/browsers';
import { until } from '../../support/until';
import { type TrainingSite, trainingSite } from '../../support/webPage';

const inFirefox = testIn(FIREFOX, 'FIREFOX');
const PATIENCE = 10 * 60_000;

let site: TrainingSite;
beforeAll(async () => {
  if (inFirefox === test) site = await trainingSite();
});
afterAll(async () => {
  if (inFirefox === test) await site.close();
});

const text = (page: Page, selector: string) =>
  page.$eval(selector, (element) => (element as unknown as { textContent: string }).textContent);
const shows = (page: Page, selector: string, pattern: RegExp) =>
  page.waitForFunction(`${String(pattern)}.test(document.querySelector('${selector}').textContent)`);

/** Opens the page in a Firefox of its own; nothing may reach its console. */
async function inPage(
  preferences: Readonly<Record<string, boolean | number>>,
  body: (page: Page, downloads: string) => Promise<void>,
): Promise<void> {
  const downloads = path.join(site.folder, 'downloads');
  mkdirSync(downloads, { recursive: true });
  const browser = await launchFirefox(downloads, preferences);
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE);
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    await page.goto(site.address);
    await shows(page, '#status', /^Ready/);
    await body(page, downloads);
    expect(errors).toEqual([]);
  } finally {
    await browser.close();
  }
}

async function choose(page: Page, files: readonly string[]): Promise<void> {
  const input = await page.$('input#files');
  await input?.uploadFile(...files);
}

async function train(page: Page, data: 'photos' | 'embedded'): Promise<void> {
  await page.select('#data', data);
  await page.$eval('#steps', (input) => {
    (input as unknown as { value: string }).value = '3';
  });
  await page.click('#train');
  await shows(page, '#status', /^Stopped after step 3/);
}

async function save(page: Page, downloads: string): Promise<void> {
  await page.click('#save');
  const file = 'step-3.safetensors';
  await until(() => readdirSync(downloads).join() === file);
  expect(readCheckpoint(path.join(downloads, file)).step).toBe(3);
}

inFirefox('trains on chosen files but the broken ones, and the checkpoint is downloaded', () =>
  inPage({}, async (page, downloads) => {
    const folder = path.join(site.images, 'class0');
    const empty = path.join(site.folder, 'empty.png');
    writeFileSync(empty, '');
    await choose(page, [...readdirSync(folder).map((name) => path.join(folder, name)), empty]);
    await shows(page, '#data', /your 8 images/);
    expect(await text(page, '#left-out')).toBe('1 file is left out (it is empty): empty.png');
    expect(await text(page, '#storage')).toBe('');
    await train(page, 'embedded');
    await save(page, downloads);
  }),
);

inFirefox('trains where site data are blocked, and says that nothing is kept', () =>
  inPage({ 'network.cookie.cookieBehavior': 2 }, async (page) => {
    expect(await text(page, '#storage')).toContain('keeps nothing for this page: it blocks site data');
    await train(page, 'embedded');
    expect(await text(page, '#storage')).toContain('does not keep the checkpoint');
    expect(await page.$eval('#save', (button) => (button as unknown as { disabled: boolean }).disabled)).toBe(
      false,
    );
  }),
);

inFirefox('images whose pixels the browser hides are refused', () =>
  inPage({ 'privacy.resistFingerprinting': true }, async (page) => {
    const folder = path.join(site.images, 'class0');
    await choose(page, [path.join(folder, readdirSync(folder)[0])]);
    await shows(page, '#note', /hides pixels from pages/);
  }),
);
