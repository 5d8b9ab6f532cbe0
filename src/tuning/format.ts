/** A tuned table for people. */
import { formatTable } from '../profiling/table';
import type { TunedTable } from '../compile/tunedTable';

const COLUMNS = [
  { title: 'operator', right: false },
  { title: 'operands', right: false },
  { title: 'fastest', right: false },
  { title: 'ms', right: true },
  { title: 'gain', right: true },
  { title: 'the others, ms', right: false },
];

/** A row a family: the chosen implementation, its gain over the rule table's, and the times of the others. */
export function formatTuned({ provider, runtime, processor, threads, entries }: TunedTable): string[] {
  const rows = entries.map(({ fastest, implementations, milliseconds }) => {
    const [operator, , ...rest] = Object.keys(implementations)[0].split(' ');
    const times = Object.entries(milliseconds);
    const best = milliseconds[fastest];
    const gain = times[0][1] / best;
    return [
      operator,
      rest.filter((part) => !part.includes('=') || /^strides=.*[^1,]/.test(part)).join(' '),
      fastest,
      best.toFixed(2),
      gain === 1 ? '' : `${gain.toFixed(2)}x`,
      times
        .filter(([name]) => name !== fastest)
        .map(([name, ms]) => `${name} ${ms.toFixed(2)}`)
        .join(', '),
    ];
  });
  return [
    `${provider}, ONNX Runtime ${runtime}, ${processor}, ${threads} threads; forward and gradients together`,
    '',
    ...formatTable(COLUMNS, rows),
  ];
}
