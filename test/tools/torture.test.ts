/** The harness sees what it is to see: the hook acts at the call that is named, trees differ where folders do. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { eventsOf } from '../../tools/torture/commands/events';
import type { HookSettings } from '../../tools/torture/commands/hook';
import { differences, leftIn, nearest, part, readTree } from '../../tools/torture/commands/tree';
import { errorProblems } from '../../tools/torture/commands/trial';
import { damage, drawMutations } from '../../tools/torture/damage/mutations';
import { Report } from '../../tools/torture/report';
import { encodeEvent, frameRecord } from '../../src/training/tensorboard';
import { repositoryRoot } from '../support/paths';
import { inTemporaryFolder } from '../support/temporary';

const HOOK = path.join(repositoryRoot, 'dist', 'tools', 'torture', 'commands', 'hook.js');

/** In a folder `work`: a file is written and renamed, another is written by promises, a thread writes a third. */
const PROGRAM = `
const fs = require('node:fs');
const { Worker } = require('node:worker_threads');
const fd = fs.openSync('work/a.tmp', 'w');
fs.writeSync(fd, 'abcdefgh');
fs.closeSync(fd);
fs.renameSync('work/a.tmp', 'work/a');
fs.writeFileSync('elsewhere', 'not counted');
fs.promises.writeFile('work/b', 'b').then(() => {
  new Worker("require('node:fs').mkdirSync('work/c')", { eval: true });
}).catch((error) => { console.error(error.code, error.syscall, error.path); process.exit(1); });
`;

function run(folder: string, settings: Partial<HookSettings>) {
  mkdirSync(path.join(folder, 'work'));
  const whole: HookSettings = {
    roots: [path.join(folder, 'work')],
    counter: path.join(folder, 'count'),
    note: path.join(folder, 'note'),
    at: 0,
    act: 'kill before',
    ...settings,
  };
  const env = { ...process.env, TORTURE_HOOK: JSON.stringify(whole) };
  const how = { cwd: folder, env, encoding: 'utf8' } as const;
  const { status, signal, stderr } = spawnSync(process.execPath, ['--require', HOOK, '-e', PROGRAM], how);
  const note = existsSync(whole.note) ? readFileSync(whole.note, 'utf8') : '';
  return { status, signal, stderr, note, calls: statSync(whole.counter).size };
}

describe('the hook', () => {
  it('counts the calls of all threads that change files in the folders', () =>
    inTemporaryFolder((folder) => {
      // open, write, close, rename; the file of the promise; the folder of the thread
      expect(run(folder, {})).toMatchObject({ status: 0, calls: 6, note: '' });
    }));

  it.each([
    ['kill before', 4, 'rename', { 'a.tmp': 'abcdefgh' }],
    ['kill after', 4, 'rename', { a: 'abcdefgh' }],
    ['kill within', 2, 'write', { 'a.tmp': 'abcd' }],
    ['kill after', 6, 'mkdir', { a: 'abcdefgh', b: 'b', c: null }],
  ] as const)('%s call %i', (act, at, call, files) =>
    inTemporaryFolder((folder) => {
      const ended = run(folder, { act, at });
      expect(ended).toMatchObject({ signal: 'SIGKILL', note: expect.stringMatching(`^${call} `) as string });
      const found = [...readTree(path.join(folder, 'work')).keys()];
      expect(found).toEqual(Object.keys(files));
      for (const [name, text] of Object.entries(files))
        if (text !== null) expect(readFileSync(path.join(folder, 'work', name), 'utf8')).toBe(text);
    }),
  );

  it('a full disk takes a half, and then nothing; a broken one fails once', () =>
    inTemporaryFolder((folder) => {
      const { status, stderr } = run(folder, { act: 'ENOSPC', at: 2 });
      expect(status).toBe(1);
      expect(stderr).toContain('ENOSPC: no space left on device, write');
      expect(readFileSync(path.join(folder, 'work', 'a.tmp'), 'utf8')).toBe('abcd');
    }));

  it('errors are as the system makes them', () =>
    inTemporaryFolder((folder) => {
      const { status, stderr } = run(folder, { act: 'EIO', at: 5 });
      expect([status, stderr]).toEqual([1, `EIO writeFile ${path.join(folder, 'work', 'b')}\n`]);
    }));
});

describe('trees', () => {
  it('are the same but for clocks, and name what is missing, differs and is left over', () =>
    inTemporaryFolder((folder) => {
      const make = (name: string, seconds: number, loss: number) => {
        mkdirSync(path.join(folder, name, 'run'), { recursive: true });
        const line = JSON.stringify({ step: 1, loss, elapsed_seconds: seconds });
        writeFileSync(path.join(folder, name, 'run', 'metrics.jsonl'), `${line}\n`);
        writeFileSync(path.join(folder, name, name), '');
        return readTree(path.join(folder, name));
      };
      const [a, b, c] = [make('a', 1, 1), make('b', 2, 1), make('c', 1, 2)];
      expect(differences(part(a, ['run']), part(b, ['run']))).toEqual([]);
      expect(differences(c, a)).toEqual(['a is missing', 'run/metrics.jsonl differs', 'c is left over']);
      expect(nearest(c, [a, b, c])).toEqual([]);
      mkdirSync(path.join(folder, 'a', 'half', 'made'), { recursive: true });
      symlinkSync('nowhere', path.join(folder, 'a', 'link'));
      expect(differences(readTree(path.join(folder, 'a')), a)).toEqual([
        'half is left over',
        'link is left over',
      ]);
    }));

  it('knows what the runtime leaves in the folder of temporary files', () =>
    inTemporaryFolder((folder) => {
      for (const name of ['mat-debug-17.log', '.ses', 'selfie-x']) writeFileSync(path.join(folder, name), '');
      expect(leftIn(folder)).toEqual(['$TMPDIR/selfie-x is left over']);
    }));

  it('reads event files as TensorBoard does: a later file that starts at a step drops it and what follows', () => {
    const scalars = (step: number, loss: number, clock: number) =>
      frameRecord(
        encodeEvent({
          wall_time: clock,
          step,
          summary: {
            value: [
              { tag: 'loss', simple_value: loss },
              { tag: 'elapsed_seconds', simple_value: clock },
            ],
          },
        }),
      );
    const start = frameRecord(encodeEvent({ wall_time: 9, step: 2, session_log: { status: 1 } }));
    const whole = eventsOf([Buffer.concat([scalars(1, 0.5, 1), scalars(2, 0.25, 2)])]);
    const cut = Buffer.concat([scalars(1, 0.5, 3), scalars(2, 7, 4), scalars(3, 7, 5)]).subarray(0, -3);
    expect(eventsOf([cut, Buffer.concat([start, scalars(2, 0.25, 6)])])).toBe(whole);
    expect(whole).toBe('1: loss 0.5\n2: loss 0.25');
  });
});

test('an error is one line without the inside', () => {
  expect(errorProblems({ stderr: 'warning: x\nerror: cannot write a: ENOSPC\n' })).toEqual([]);
  expect(errorProblems({ stderr: '' })).toHaveLength(1);
  expect(errorProblems({ stderr: 'error: a (unexpected; set SELFIE_DEBUG=1 to see where)\n' })).toHaveLength(
    1,
  );
  expect(errorProblems({ stderr: 'Error: a\n    at b (c.js:1:2)\n' })).toHaveLength(2);
});

test('damage is drawn from its seed, and takes files of any length', () => {
  const bytes = Buffer.from('{"a": 12, "b": "text"}\n'.repeat(20));
  const damaged = Array.from({ length: 400 }, (_, seed) => damage(bytes, drawMutations(seed)));
  expect(damaged.filter((each) => each.equals(bytes)).length).toBeLessThan(40);
  expect(damage(bytes, drawMutations(7))).toEqual(damaged[7]);
  for (const length of [0, 1, 3])
    for (let seed = 0; seed < 200; seed++) damage(Buffer.alloc(length), drawMutations(seed));
  expect(bytes.toString()).toBe('{"a": 12, "b": "text"}\n'.repeat(20));
});

test('a failure is told with the command that repeats it, and counted', () => {
  const lines: string[] = [];
  const report = new Report(3, (line) => lines.push(line));
  const tried = { section: 'kills', name: 'export hub', what: 'SIGKILL' };
  report.add({ ...tried, trial: 16, problems: [] });
  report.add({ ...tried, trial: 17, problems: ['hub\nis missing'] });
  expect(lines).toEqual([
    'FAIL kills export hub#17: SIGKILL',
    '     hub is missing',
    "     again: npm run torture -- --only kills --case 'export hub#17' --seed 3",
  ]);
  expect(report.failed).toBe(1);
  expect(report.lines().join('\n')).toMatch(/kills +\| export hub +\| +2 +\| +1 /);
});
