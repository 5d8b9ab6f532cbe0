/** What was tried and what failed: each failure as it comes, with the command line that repeats it, and a table at the end. */
import { type Column, formatTable } from '../bench/table';

export interface Tried {
  readonly section: string;
  /** `export hub`, and which trial of it: `export hub#17` */
  readonly name: string;
  readonly trial: number;
  /** what was done to it, for people */
  readonly what: string;
  /** empty: all well */
  readonly problems: readonly string[];
}

interface Row {
  readonly section: string;
  readonly name: string;
  tried: number;
  failed: number;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'section', cell: ({ section }) => section, align: 'left' },
  { title: 'case', cell: ({ name }) => name, align: 'left' },
  { title: 'tried', cell: ({ tried }) => String(tried) },
  { title: 'failed', cell: ({ failed }) => String(failed) },
];

/** Characters of one problem that are shown. */
const SHOWN = 400;

export class Report {
  private readonly rows = new Map<string, Row>();
  private readonly figures: string[] = [];
  failed = 0;

  constructor(
    private readonly seed: number,
    private readonly say: (line: string) => void,
  ) {}

  /** Counts `count` trials of which this is the one to tell of. */
  add({ section, name, trial, what, problems }: Tried, count = 1): void {
    const key = `${section} ${name}`;
    const row = this.rows.get(key) ?? { section, name, tried: 0, failed: 0 };
    this.rows.set(key, row);
    row.tried += count;
    if (problems.length === 0) return;
    row.failed++;
    this.failed++;
    this.say(`FAIL ${section} ${name}#${trial}: ${what}`);
    for (const problem of new Set(problems)) this.say(`     ${shown(problem)}`);
    this.say(
      `     again: npm run torture -- --only ${section} --case '${name}#${trial}' --seed ${this.seed}`,
    );
  }

  /** A measured figure, for the end. */
  figure(line: string): void {
    this.figures.push(line);
  }

  /** Something is left out, and why. */
  skip(line: string): void {
    this.say(`skipped: ${line}`);
    this.figures.push(`skipped: ${line}`);
  }

  /** The end of a run. */
  lines(): string[] {
    const rows = [...this.rows.values()];
    const sections = [...new Set(rows.map(({ section }) => section))].map((section): Row => {
      const own = rows.filter((row) => row.section === section);
      const sum = (count: (row: Row) => number) => own.reduce((total, row) => total + count(row), 0);
      return { section, name: 'all', tried: sum(({ tried }) => tried), failed: sum(({ failed }) => failed) };
    });
    return ['', formatTable(COLUMNS, [...rows, ...sections]), ...this.figures];
  }
}

const shown = (text: string) => {
  const line = text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
  return line.length > SHOWN ? `${line.slice(0, SHOWN)} ...` : line;
};
