import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { inTemporaryFolder } from '../../support/temporary';

it('reads structs and bytes, with and without an index of pages, labels named by the metadata or not', () =>
  inTemporaryFolder((folder) => {
    const child = spawnSync(process.execPath, [path.join(__dirname, 'parquetChild.js'), folder], {
      encoding: 'utf8',
    });
    expect(child.stderr).toBe('');
    const found = JSON.parse(child.stdout) as Record<string, unknown>;
    const all = new Array(8).fill(true);
    const file = (name: string) => path.join(folder, name);
    const named = { split: 'train', classes: ['cat', 'dog'], same: all, labels: [0, 1, 0, 1, 0, 1, 0, 1] };
    expect(found).toEqual({
      'indexed-*': { ...named, where: `${file('indexed-train-00000-of-00001.parquet')}, row 4` },
      'plain-*': { ...named, where: `${file('plain-train-00000-of-00001.parquet')}, row 4` },
      bytes: {
        split: 'all',
        classes: ['0', '1', '2', '3'],
        same: all,
        labels: [0, 1, 2, 3, 0, 1, 2, 3],
        where: `${file('bytes.parquet')}, row 4`,
      },
      words: `UserError: ${file('words.parquet')} has the columns text, none of them image or img`,
    });
  }));
