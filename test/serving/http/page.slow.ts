/** The page of `selfie serve` in a real browser, where Chromium is installed: an image is chosen, and everything is shown. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import sharp from 'sharp';
import { CHROMIUM, CHROMIUM_ARGS } from '../../../tools/verify/portable/browser';
import type { ServeOptions } from '../../../src/serving/server';
import { addVersion, scaleModel } from '../../../tools/bench/servingModel';
import { writeImageFolder } from '../../support/imageFolder';
import { CLASSES, writeSmallRun } from '../../support/smallRun';
import { withServer, type TestServer } from '../../support/serving';
import { inTemporaryFolder } from '../../support/temporary';

const there = existsSync(CHROMIUM);
// jest says nothing of a suite that is skipped as a whole
if (!there) process.stderr.write(`skipped: no ${CHROMIUM}; install chromium or set CHROMIUM\n`);

let browser: Browser;
beforeAll(async () => {
  if (there) browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_ARGS });
});
afterAll(async () => {
  if (there) await browser.close();
});

const photo = (colour: string) =>
  sharp({ create: { width: 90, height: 60, channels: 3, background: colour } })
    .png()
    .toBuffer();

/** Runs `body` on the page of a server; nothing may go wrong in the page, and nothing is fetched from elsewhere. */
async function onPage(
  directory: string,
  options: Partial<ServeOptions>,
  body: (page: Page, server: TestServer) => Promise<void>,
): Promise<void> {
  await withServer(directory, options, async (server) => {
    const page = await browser.newPage();
    page.setDefaultTimeout(120_000);
    const wrong: string[] = [];
    page.on('pageerror', (error) => wrong.push(error.message));
    // The console repeats refusals that the page shows.
    page.on('console', (message) => {
      if (!message.text().startsWith('Failed to load resource')) wrong.push(message.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(server.url) && !/^(data|blob):/.test(request.url()))
        wrong.push(request.url());
    });
    await page.goto(server.url);
    await body(page, server);
    expect(wrong).toEqual([]);
    await page.close();
  });
}

const choose = async (page: Page, name: string, buffer: Buffer) =>
  page.locator('input').setInputFiles({ name, mimeType: 'image/png', buffer });

const run = there ? test : test.skip;

run('classes and nearest images of a classifier; another image; what is no image', () =>
  inTemporaryFolder(async (folder) => {
    const directory = path.join(folder, 'pets');
    writeSmallRun(directory, 'finetune');
    const images = path.join(folder, 'images');
    for (const split of ['train', 'test']) await writeImageFolder(path.join(images, split), 12, 3);
    const neighbours = { source: `folder:${images}`, images: 12 };
    await onPage(directory, { neighbours }, async (page) => {
      expect(await page.locator('.models').innerText()).toMatch(/pets version 10/);
      expect(await page.locator('section:visible').count()).toBe(0);
      await choose(page, 'red.png', await photo('#c02020'));
      await page.locator('#classes .bars b').nth(2).waitFor();
      expect((await page.locator('#classes .bars b').allInnerTexts()).sort()).toEqual(CLASSES);
      const shares = (await page.locator('#classes .bars span').allInnerTexts()).map(parseFloat);
      expect(shares.reduce((a, b) => a + b)).toBeCloseTo(100, 0);
      // While they are embedded it says so, and asks again.
      await page.locator('#neighbours figure').nth(7).waitFor();
      expect(await page.locator('#neighbours figure').count()).toBe(8);
      for (const text of await page.locator('#neighbours figcaption').allInnerTexts())
        expect(text).toMatch(/^class\d\s+-?\d\.\d{3}$/);
      const widths = await page
        .locator('#neighbours img')
        .evaluateAll((found) =>
          found.map((image) => (image as unknown as { naturalWidth: number }).naturalWidth),
        );
      expect(widths).toEqual(Array(8).fill(32));
      expect(await page.locator('#neighbours .note').innerText()).toContain(
        'Of 12 training images of folder:',
      );
      expect(await page.locator('#drop img').getAttribute('alt')).toBe('red.png');
      expect(await page.locator('#patches').count()).toBe(0);

      await choose(page, 'blue.png', await photo('#2030c0'));
      await page.locator('#drop img[alt="blue.png"]').waitFor();
      await page.locator('body:not(.busy)').waitFor();
      expect(await page.locator('#classes .bars b').count()).toBe(3);

      await choose(page, 'no.png', Buffer.from('no image'));
      await page.locator('#error:not(:empty)').waitFor();
      expect(await page.locator('#error').innerText()).toBe('the body is no JPEG, PNG or WebP image');
      expect(await page.locator('section:visible').count()).toBe(0);
    });
  }),
);

run("a pretraining run's patch picture, in the page's colours; other places", () =>
  inTemporaryFolder(async (folder) => {
    const directory = path.join(folder, 'mini');
    writeSmallRun(directory, 'pretrain');
    await onPage(directory, {}, async (page) => {
      await choose(page, 'red.png', await photo('#c02020'));
      const picture = page.locator('#patches svg');
      await picture.waitFor();
      const first = await picture.innerHTML();
      expect(first).toContain('hidden places of seed 0');
      expect(first).toContain('var(--');
      expect((await picture.boundingBox())?.width).toBeGreaterThan(100);
      await page.locator('#patches button').click();
      await picture.filter({ hasText: 'hidden places of seed 1' }).waitFor();
      expect(await page.locator('#classes, #neighbours').count()).toBe(0);
    });
  }),
);

run('a repository whose models take no image', () =>
  inTemporaryFolder(async (folder) => {
    addVersion(folder, 'scale', 1, scaleModel(2));
    await onPage(folder, {}, async (page) => {
      expect(await page.locator('#drop').innerText()).toContain('No model here takes an image');
      expect(await page.locator('input').isDisabled()).toBe(true);
    });
  }),
);
