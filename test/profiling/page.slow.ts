/** The page in a real browser, where Chromium is installed: it draws, zooms, searches, and asks for nothing else. */
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import type { Frame } from '../../src/profiling/flame';
import { profilePage } from '../../src/profiling/profilePage';
import { inTemporaryFolder } from '../support/temporary';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'].concat([
  '--disable-component-update',
  '--disable-sync',
]);

const frame = (name: string, value: number, phase: Frame['phase'], children: Frame[] = []): Frame => ({
  name,
  value,
  gflop: 0.5,
  phase,
  product: children.length === 0,
  children,
});
const tree = frame('step', 5, null, [
  frame('forward', 2, 'forward', [frame('conv</script>1', 2, 'forward')]),
  frame('backward', 3, 'backward', [frame('fc', 3, 'backward')]),
]);

(existsSync(executablePath) ? test : test.skip)(`the page in ${executablePath}`, () =>
  inTemporaryFolder(async (folder) => {
    const file = path.join(folder, 'profile.html');
    writeFileSync(file, profilePage('a <step>', { byPhase: tree, byScope: tree }, ['a < b']));
    const browser = await chromium.launch({ executablePath, args });
    try {
      const page = await browser.newPage();
      const requests: string[] = [];
      const errors: string[] = [];
      page.on('request', (request) => requests.push(request.url()));
      page.on('pageerror', (error) => errors.push(error.message));
      page.on('console', (message) => errors.push(message.text()));
      await page.goto(`file://${file}`);
      await page.locator('#chart g.frame').nth(4).waitFor();
      expect(await page.locator('h1').textContent()).toBe('a <step>');
      expect(await page.locator('pre').textContent()).toBe('a < b');
      await page.locator('#chart g.frame', { hasText: 'backward' }).first().hover();
      expect(await page.locator('#details').textContent()).toBe(
        'backward: 3.000 ms, 60.0 %, 0.500 GFLOP, 166.7 GFLOP/s',
      );
      await page.fill('#search', 'conv');
      expect(await page.locator('#details').textContent()).toBe('1 found: 2.000 ms, 40.0 %');
      expect(errors).toEqual([]);
      expect(requests).toEqual([`file://${file}`]);
    } finally {
      await browser.close();
    }
  }),
);
