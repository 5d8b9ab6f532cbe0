/** The end of a run: killed and surviving mutants by room. */
import { type Column, formatTable } from '../bench/table';
import { ACCEPTED } from './accepted';
import type { Fault } from './plan';
import type { Result } from './results';

export interface Tried {
  readonly fault: Fault;
  readonly result: Pick<Result, 'outcome'>;
}

interface Row {
  readonly room: string;
  readonly tried: number;
  readonly killed: number;
  readonly timeouts: number;
  readonly accepted: number;
  readonly survived: number;
}

/** At least so much of the sample is to be killed. */
export const LEAST = 0.9;

const isAccepted = ({ title }: Fault) =>
  ACCEPTED.some(({ file, mutant }) => title.startsWith(`${file}:`) && title.endsWith(` ${mutant}`));

function rowOf(room: string, all: readonly Tried[]): Row {
  const count = (which: (tried: Tried) => boolean) => all.filter(which).length;
  const survives = ({ result }: Tried) => result.outcome === 'survived';
  return {
    room,
    tried: all.length,
    killed: count(({ result }) => result.outcome === 'killed'),
    timeouts: count(({ result }) => result.outcome === 'timeout'),
    accepted: count((tried) => survives(tried) && isAccepted(tried.fault)),
    survived: count((tried) => survives(tried) && !isAccepted(tried.fault)),
  };
}

/** Of what a test could have killed. */
const share = ({ tried, survived, accepted }: Row) => 1 - survived / Math.max(1, tried - accepted);

const COLUMNS: readonly Column<Row>[] = [
  { title: 'room', cell: ({ room }) => room, align: 'left' },
  { title: 'mutants', cell: ({ tried }) => String(tried) },
  { title: 'killed', cell: ({ killed }) => String(killed) },
  { title: 'no end', cell: ({ timeouts }) => String(timeouts) },
  { title: 'accepted', cell: ({ accepted }) => String(accepted) },
  { title: 'survived', cell: ({ survived }) => String(survived) },
  { title: '% killed', cell: (row) => (100 * share(row)).toFixed(1) },
];

const roomOf = ({ file }: Fault, rooms: readonly string[]) =>
  rooms.find((room) => file.startsWith(`${room}/`)) ?? file;

/** The report's lines, and whether enough was killed. */
export function summary(
  all: readonly Tried[],
  rooms: readonly string[],
): { lines: string[]; passed: boolean } {
  const [named, sample] = [true, false].map((kind) => all.filter(({ fault }) => fault.named === kind));
  const rows = [
    ...rooms.map((room) =>
      rowOf(
        room,
        sample.filter(({ fault }) => roomOf(fault, rooms) === room),
      ),
    ),
    rowOf('all of the sample', sample),
    rowOf('named', named),
  ].filter(({ tried }) => tried > 0);
  const survivors = all.filter(({ fault, result }) => result.outcome === 'survived' && !isAccepted(fault));
  const isEnough =
    named.every(({ result }) => result.outcome !== 'survived') && share(rowOf('', sample)) >= LEAST;
  return {
    lines: [...survivors.map(({ fault }) => `survived: ${fault.title}`), '', formatTable(COLUMNS, rows)],
    passed: isEnough,
  };
}
