/** Temporary folders of processes: gone at their end, after a kill with the next one. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { inTemporaryFolder } from '../support/temporary';

const moduleFile = require.resolve('../../src/base/temporary');

test.each([
  ['at the end', 'process.exit(3)', 0],
  ['where it is killed', "process.kill(process.pid, 'SIGKILL')", 1],
])('%s', (_, end, left) =>
  inTemporaryFolder((folder) => {
    const run = (then: string) => {
      const body = `require('node:fs').writeFileSync(require(${JSON.stringify(moduleFile)}).makeTemporary('test') + '/a', ''); ${then};`;
      return spawnSync(process.execPath, ['-e', body], { env: { ...process.env, TMPDIR: folder } });
    };
    run(end);
    expect(readdirSync(folder)).toHaveLength(left);
    run('');
    expect(readdirSync(folder)).toEqual([]);
  }),
);
