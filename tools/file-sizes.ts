/**
 * Lines of every source file, longest first, and files of every folder, fullest first; fails where a file is over the limit and
 * not excused. `--all` shows all.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOMS = ['src', 'graphs', 'tools', 'test'];
const LIMIT = 250;
/** Files that may be longer, with the reason. */
const EXCUSED: Readonly<Record<string, string>> = {
  'test/ops/table.ts': 'one table of operators',
  'test/lowering/implementations.test.ts': 'one table of implementations',
  'test/passes/passes.test.ts': 'one test file for three small passes',
};
const SHOWN = 15;

interface SourceFile {
  readonly file: string;
  readonly lines: number;
}

function sourceFiles(directory: string): SourceFile[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const file = path.posix.join(directory, entry.name);
    if (entry.isDirectory()) return sourceFiles(file);
    if (!entry.name.endsWith('.ts')) return [];
    return [{ file, lines: readFileSync(file, 'utf8').split('\n').length - 1 }];
  });
}

const files = ROOMS.flatMap((room) => sourceFiles(room)).sort((a, b) => b.lines - a.lines);
const shown = process.argv.includes('--all') ? files : files.slice(0, SHOWN);
const total = files.reduce((sum, { lines }) => sum + lines, 0);
for (const { file, lines } of shown) {
  const reason = file in EXCUSED ? `  (${EXCUSED[file]})` : '';
  console.log(`${String(lines).padStart(5)}  ${file}${reason}`);
}
/** of the folder itself, not of those in it */
const folders = new Map<string, number>();
for (const { file } of files) {
  const folder = path.posix.dirname(file);
  folders.set(folder, (folders.get(folder) ?? 0) + 1);
}
const fullest = [...folders].sort(([, a], [, b]) => b - a);
for (const [folder, count] of process.argv.includes('--all') ? fullest : fullest.slice(0, SHOWN))
  console.log(`${String(count).padStart(5)}  files in ${folder}/`);
console.log(`${String(total).padStart(5)}  lines in ${files.length} files; at most ${LIMIT} a file`);

const problems = [
  ...files
    .filter(({ file, lines }) => lines > LIMIT && !(file in EXCUSED))
    .map(({ file, lines }) => `${file} has ${lines} lines: split it, or excuse it in tools/file-sizes.ts`),
  ...Object.keys(EXCUSED)
    .filter((excused) => !files.some(({ file, lines }) => file === excused && lines > LIMIT))
    .map((excused) => `${excused} is excused in tools/file-sizes.ts without need`),
];
for (const problem of problems) console.error(`error: ${problem}`);
if (problems.length > 0) process.exitCode = 1;
