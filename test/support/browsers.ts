/** Real browsers for the tests of pages: Chromium (Playwright) and stock Firefox (Puppeteer, by WebDriver BiDi). */
import { existsSync } from 'node:fs';
import { type Browser, launch } from 'puppeteer-core';
import { CHROMIUM, CHROMIUM_ARGS } from '../../tools/verify/portable/browser';

export { CHROMIUM, CHROMIUM_ARGS };
export const FIREFOX = process.env.FIREFOX ?? '/usr/bin/firefox-esr';

/** `test` where the browser is installed; elsewhere a skipped one, and a line that says why: jest says nothing of it. */
export function testIn(executable: string, variable: 'CHROMIUM' | 'FIREFOX'): jest.It {
  if (existsSync(executable)) return test;
  process.stderr.write(`skipped: no ${executable}; install it or set ${variable}\n`);
  return test.skip;
}

/** Firefox without a window; it saves downloads into `downloads` and asks nobody. */
export const launchFirefox = (
  downloads: string,
  preferences: Readonly<Record<string, boolean | number | string>> = {},
): Promise<Browser> =>
  launch({
    browser: 'firefox',
    executablePath: FIREFOX,
    headless: true,
    extraPrefsFirefox: {
      'browser.download.folderList': 2,
      'browser.download.dir': downloads,
      'browser.download.useDownloadDir': true,
      'browser.download.alwaysOpenPanel': false,
      'browser.helperApps.neverAsk.saveToDisk': 'application/octet-stream',
      ...preferences,
    },
  });
