/** For jest: a line a suite in the file that `MUTATE_REPORT` names, at once: `--bail` ends the process before a report is made. */
import { appendFileSync } from 'node:fs';
import path from 'node:path';

export interface SuiteResult {
  readonly suite: string;
  readonly passed: boolean;
  readonly seconds: number;
}

interface TestResult {
  readonly testFilePath: string;
  readonly numFailingTests: number;
  readonly testExecError?: unknown;
  readonly perfStats: { readonly start: number; readonly end: number };
}

export default class LineReporter {
  onTestResult(
    _test: unknown,
    { testFilePath, numFailingTests, testExecError, perfStats }: TestResult,
  ): void {
    const line: SuiteResult = {
      suite: path.relative(process.cwd(), testFilePath),
      passed: numFailingTests === 0 && !testExecError,
      seconds: (perfStats.end - perfStats.start) / 1000,
    };
    appendFileSync(process.env.MUTATE_REPORT ?? '', `${JSON.stringify(line)}\n`);
  }

  getLastError(): void {
    // a fault is what failing suites are run for
  }
}
