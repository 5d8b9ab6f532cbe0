import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { isAlive, thisProcess, type ProcessMark } from '../../src/base/processes';

const ownFile = require.resolve('../../src/base/processes');
const SAY_MARK = `
  process.stdout.write(JSON.stringify(require(${JSON.stringify(ownFile)}).thisProcess()));
  setInterval(() => {}, 1000);`;

async function startChild() {
  const child = spawn(process.execPath, ['-e', SAY_MARK], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, mark: JSON.parse(text.toString()) as ProcessMark };
}

describe('isAlive', () => {
  test('this process, and another one until it is killed', async () => {
    expect(isAlive(thisProcess())).toBe(true);
    const { child, mark } = await startChild();
    expect(mark.pid).toBe(child.pid);
    expect(isAlive(mark)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isAlive(mark)).toBe(false);
  });

  (existsSync('/proc/self/stat') ? test : test.skip)(
    'not one that has the same number, started later',
    () => {
      const own = thisProcess();
      expect(own.started).toMatch(/^\d+$/);
      expect(isAlive({ ...own, started: `${own.started}1` })).toBe(false);
      expect(isAlive({ ...own, started: '' })).toBe(true);
    },
  );

  test('of another machine or another space of numbers is unknown', () => {
    expect(isAlive({ ...thisProcess(), host: 'elsewhere' })).toBeUndefined();
    expect(isAlive({ ...thisProcess(), space: 'pid:[1]' })).toBeUndefined();
  });

  (existsSync('/proc/self/stat') ? test : test.skip)(
    'a killed one that its parent has not waited for is dead',
    async () => {
      // sh, replaced by a sleep, never asks for its child: that stays a zombie.
      const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      try {
        const [text] = (await once(parent.stdout, 'data')) as [Buffer];
        const mark = { ...thisProcess(), pid: Number(text.toString()), started: '' };
        while (isAlive(mark)) await new Promise((resolve) => setTimeout(resolve, 5));
        expect(existsSync(`/proc/${mark.pid}/stat`)).toBe(true);
      } finally {
        parent.kill('SIGKILL');
      }
    },
  );
});
