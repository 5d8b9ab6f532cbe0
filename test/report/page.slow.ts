/** The report in a real browser, where Chromium is installed: it asks for nothing, says nothing, and shows its pictures. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { buildAndTrain, reportOf } from '../support/reportRuns';
import { inTemporaryFolder } from '../support/temporary';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'].concat([
  '--disable-component-update',
  '--disable-sync',
]);
const there = existsSync(executablePath);
// jest says nothing of a suite that is skipped as a whole
if (!there) process.stderr.write(`skipped: no ${executablePath}; install chromium or set CHROMIUM\n`);

(there ? test : test.skip).each(['light', 'dark'] as const)(
  `the %s report in ${executablePath}`,
  (colorScheme) =>
    inTemporaryFolder(async (folder) => {
      const runs = [path.join(folder, 'pre'), path.join(folder, 'fine')] as const;
      buildAndTrain(...runs);
      const file = path.join(folder, 'report.html');
      reportOf(runs, file);
      const browser = await chromium.launch({ executablePath, args });
      try {
        for (const width of [1300, 400]) {
          const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
          const requests: string[] = [];
          const errors: string[] = [];
          page.on('request', (request) => requests.push(request.url()));
          page.on('pageerror', (error) => errors.push(error.message));
          page.on('console', (message) => errors.push(message.text()));
          await page.goto(`file://${file}`);
          expect(await page.locator('h1').textContent()).toBe('Selfie: 2 runs');
          expect(await page.locator('section h2').allTextContents()).toEqual([
            ...['Results', 'Curves', 'Hidden patches', 'Nearest neighbours', 'Map of embeddings'],
            ...['Confusion matrix', 'Recipe and load report'],
          ]);
          // 14 curves, 6 patch tasks, and of both runs neighbours and map, and one confusion matrix
          expect(await page.locator('figure svg').count()).toBe(25);
          for (const picture of await page.locator('figure svg').all()) {
            const box = await picture.boundingBox();
            expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThan(100);
          }
          // the page scrolls down only
          expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
          await page.getByText('Resolved recipe').first().click();
          expect(await page.locator('details[open] pre').textContent()).toContain('"task": "pretrain"');
          const ink = await page.evaluate('getComputedStyle(document.body).color');
          expect(ink).toBe(colorScheme === 'dark' ? 'rgb(232, 234, 237)' : 'rgb(27, 31, 36)');
          expect(errors).toEqual([]);
          expect(requests.filter((url) => !url.startsWith('data:'))).toEqual([`file://${file}`]);
          await page.close();
        }
      } finally {
        await browser.close();
      }
    }),
);
