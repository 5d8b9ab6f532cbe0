/** The table that `npm run test:consumers` ends with. */
import { maxOf } from '../../src/base/lists';
import type { Row } from './main';

const HEAD = ['consumer', 'version', 'file', 'largest difference, of the largest value', 'good'];

export function printTable(rows: readonly Row[]): void {
  const lines = rows.map(([consumer, version, file, result, good]) => {
    const [first, ...rest] = result.split('\n');
    return { cells: [consumer, version, file, first, good === null ? '-' : good ? 'yes' : 'NO'], rest };
  });
  const all = [{ cells: HEAD, rest: [] }, ...lines];
  const widths = HEAD.map((_, column) => maxOf(all.map(({ cells }) => cells[column].length)));
  for (const { cells, rest } of all) {
    const row = cells.map((cell, column) => cell.padEnd(widths[column])).join('  ');
    for (const line of [row, ...rest.map((text) => `    ${text}`)])
      process.stdout.write(`${line.trimEnd()}\n`);
  }
}
