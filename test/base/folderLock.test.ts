/** One process at a time in a folder, and what a killed one leaves is no obstacle. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { LOCK_FILE, lockFolder, requireUnlocked, waitUnlocked } from '../../src/base/folderLock';
import { inTemporaryFolder } from '../support/temporary';

const LOCKER = `
  const { lockFolder } = require(${JSON.stringify(path.resolve(__dirname, '../../src/base/folderLock'))});
  lockFolder(process.argv[1], 'selfie train').then(() => process.stdout.write('locked'));
  setInterval(() => {}, 1000);
`;

/** Another process that has the folder. */
async function locker(folder: string) {
  const child = spawn(process.execPath, ['-e', LOCKER, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return {
    pid: child.pid,
    async end(signal: NodeJS.Signals) {
      const closed = once(child, 'close');
      child.kill(signal);
      await closed;
    },
  };
}

const MARK = { host: '', space: '', pid: 1, started: '', action: 'one', nonce: 'other' };

const read = (folder: string) =>
  JSON.parse(readFileSync(path.join(folder, LOCK_FILE), 'utf8')) as Record<string, unknown>;
const write = (folder: string, change: Record<string, unknown>) =>
  writeFileSync(path.join(folder, LOCK_FILE), JSON.stringify({ ...read(folder), ...change }));

describe('a folder that another process has', () => {
  test('is refused with who has it, until that process is killed', () =>
    inTemporaryFolder(async (folder) => {
      const other = await locker(folder);
      const refusal = new RegExp(`in use by process ${other.pid} on .* \\(selfie train\\)`);
      await expect(lockFolder(folder, 'selfie train')).rejects.toThrow(refusal);
      await expect(requireUnlocked(folder)).rejects.toThrow(refusal);
      await other.end('SIGKILL');
      expect(readdirSync(folder)).toEqual([LOCK_FILE]);
      await requireUnlocked(folder);
      (await lockFolder(folder, 'selfie train')).release();
      expect(readdirSync(folder)).toEqual([]);
    }));

  test('is waited for', () =>
    inTemporaryFolder(async (folder) => {
      const other = await locker(folder);
      await expect(waitUnlocked(folder, 0.01)).rejects.toThrow('in use by process');
      const waiting = waitUnlocked(folder, 60);
      await other.end('SIGKILL');
      await waiting;
    }));

  test('of a process whose number was given again, it is nobody’s', () =>
    inTemporaryFolder(async (folder) => {
      const lock = await lockFolder(folder, 'one');
      write(folder, { started: '1', nonce: 'other' });
      (await lockFolder(folder, 'two')).release();
      lock.release();
      expect(readdirSync(folder)).toEqual([]);
    }));

  test('of another host, it is in use while that gives signs of life', () =>
    inTemporaryFolder(async (folder) => {
      const lock = await lockFolder(folder, 'one');
      write(folder, { host: 'elsewhere', nonce: 'other' });
      const file = path.join(folder, LOCK_FILE);
      const beats = setInterval(() => utimesSync(file, new Date(), new Date()), 50);
      await expect(lockFolder(folder, 'two')).rejects.toThrow('on elsewhere');
      clearInterval(beats);
      lock.release();
      rmSync(file);
    }));

  test(
    'of another host that is silent, it is nobody’s, whatever that host’s clock says',
    () =>
      inTemporaryFolder(async (folder) => {
        writeFileSync(path.join(folder, LOCK_FILE), JSON.stringify({ ...MARK, host: 'elsewhere' }));
        const ahead = new Date(Date.now() + 3_600_000);
        utimesSync(path.join(folder, LOCK_FILE), ahead, ahead);
        (await lockFolder(folder, 'two')).release();
        expect(readdirSync(folder)).toEqual([]);
      }),
    60_000,
  );

  test('with a damaged lock, it is nobody’s', () =>
    inTemporaryFolder(async (folder) => {
      writeFileSync(path.join(folder, LOCK_FILE), '{');
      (await lockFolder(folder, 'one')).release();
      expect(readdirSync(folder)).toEqual([]);
    }));
});

describe('whoever has a folder hears when', () => {
  test('the folder is moved, or removed and made anew', () =>
    inTemporaryFolder(async (folder) => {
      const [inside, moved] = [path.join(folder, 'run'), path.join(folder, 'moved')];
      mkdirSync(inside);
      const lock = await lockFolder(inside, 'selfie train');
      expect(() => lock.check()).not.toThrow();
      renameSync(inside, moved);
      expect(() => lock.check()).toThrow(`${inside} was moved or removed while selfie train worked in it`);
      mkdirSync(inside);
      expect(() => lock.check()).toThrow('was moved or removed');
      lock.release();
      rmSync(moved, { recursive: true });
    }));

  test('its lock is gone', () =>
    inTemporaryFolder(async (folder) => {
      const lock = await lockFolder(folder, 'selfie train');
      rmSync(path.join(folder, LOCK_FILE));
      expect(() => lock.check()).toThrow('was removed or replaced');
      lock.release();
    }));
});
