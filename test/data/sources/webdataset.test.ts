import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { ByteReader } from '../../../src/data/sources/byteReader';
import { expandBraces, findShards, splitShards } from '../../../src/data/sources/shards';
import { readTar } from '../../../src/data/sources/tar';
import { groupByKey, openWebdataset } from '../../../src/data/sources/webdataset';
import { inTemporaryFolder } from '../../support/temporary';
import { userErrorOf } from '../../support/userError';
import { writeTar } from '../samples';

function entriesOf(file: string): [string, string][] {
  const reader = new ByteReader(file);
  try {
    return [...readTar(reader)].map(({ name, offset, length }) => [
      name,
      reader.at(offset, length).toString(),
    ]);
  } finally {
    reader.close();
  }
}

describe('tar', () => {
  it('finds what tar-stream packs, with names of any length and alphabet', () =>
    inTemporaryFolder(async (folder) => {
      const file = path.join(folder, 'x.tar');
      const name = fc
        .array(
          fc.string({
            unit: fc.constantFrom('a', 'b', 'c', 'ä', '猫', ' ', '.', '-', '_'),
            minLength: 1,
            maxLength: 90,
          }),
          {
            minLength: 1,
            maxLength: 4,
          },
        )
        .map((parts) => `n${parts.join('/')}x`);
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(name, fc.string({ maxLength: 1500 })), { maxLength: 8 }),
          async (entries) => {
            await writeTar(file, entries);
            expect(entriesOf(file)).toEqual(entries);
          },
        ),
        { numRuns: 60 },
      );
    }));

  it('groups by what comes before the first dot, whatever the order', () => {
    const key = fc.constantFrom('a', 'b/c', 'dir.v1/7', 'ä', '00001');
    const extension = fc.constantFrom('jpg', 'cls', 'json', 'seg.png');
    const files = fc.uniqueArray(fc.tuple(key, extension), { selector: (file) => file.join('.') });
    fc.assert(
      fc.property(files, (members) => {
        const entries = members.map(([k, e], i) => ({ name: `${k}.${e}`, offset: i, length: 1 }));
        const groups = groupByKey('x.tar', entries);
        expect(groups.map((group) => group.key)).toEqual([...new Set(members.map(([k]) => k))]);
        for (const { key: own, members: found } of groups) {
          const expected = members.flatMap(([k, e], i) => (k === own ? [[e, i]] : []));
          expect([...found].map(([e, { offset }]) => [e, offset])).toEqual(expected);
        }
      }),
    );
    const twice = [1, 2].map((offset) => ({ name: 'a.jpg', offset, length: 1 }));
    expect(userErrorOf(() => groupByKey('x.tar', twice))).toBe('x.tar has a.jpg more than once');
  });

  it('refuses what is cut off, damaged or compressed', () =>
    inTemporaryFolder(async (folder) => {
      const file = path.join(folder, 'x.tar');
      await writeTar(file, [['a.jpg', 'x'.repeat(2000)]]);
      const whole = readFileSync(file);
      truncateSync(file, 1500);
      expect(userErrorOf(() => entriesOf(file))).toContain('it is cut off or damaged');
      truncateSync(file, 512);
      expect(userErrorOf(() => entriesOf(file))).toContain('cut off');
      writeFileSync(file, gzipSync(whole));
      expect(userErrorOf(() => entriesOf(file))).toMatch(/cut off|must be unpacked first/);
      const broken = Buffer.from(whole);
      broken[3] ^= 1;
      writeFileSync(file, broken);
      expect(userErrorOf(() => entriesOf(file))).toContain('no tar header at byte 0');
    }));
});

describe('webdataset reader', () => {
  it('reads images and labels of every shard of a split', () =>
    inTemporaryFolder(async (folder) => {
      await writeTar(path.join(folder, 'd-train-000.tar'), [
        ['000.cls', '2\n'],
        ['000.jpg', 'first'],
        ['001.json', '{"label": 0, "caption": "x"}'],
        ['001.png', 'second'],
      ]);
      await writeTar(path.join(folder, 'd-train-001.tar'), [
        ['a/b.webp', 'third'],
        ['a/b.cls', '1'],
      ]);
      await writeTar(path.join(folder, 'd-val-000.tar'), [
        ['v.jpg', 'fourth'],
        ['v.cls', '1'],
      ]);
      for (const spec of [folder, path.join(folder, '*.tar'), path.join(folder, 'd-{train,val}-000.tar')]) {
        const [train, test] = [await openWebdataset(spec, 'train'), await openWebdataset(spec, 'test')];
        const count = spec.includes('{') ? 2 : 3;
        expect([train.split, train.length, test.length]).toEqual(['train', count, 1]);
        expect(Array.from({ length: count }, (_, i) => train.label(i))).toEqual([2, 0, 1].slice(0, count));
        expect(String(await train.bytes(1))).toBe('second');
        expect(String(await test.bytes(0))).toBe('fourth');
        expect(train.classes).toEqual(['0', '1', '2']);
        expect(train.where(1)).toBe(`${path.join(folder, 'd-train-000.tar')}, 001.png`);
      }
    }));

  it.each<[string, [string, string][], RegExp]>([
    [
      'a label of words beside numbers',
      [
        ['a.jpg', ''],
        ['a.cls', 'cat'],
        ['b.jpg', ''],
        ['b.cls', '3'],
      ],
      /x\.tar, a\.jpg: label 'cat', and .*x\.tar, b\.jpg has '3'; either all are whole numbers or all are names/,
    ],
    [
      'a label that is no class',
      [
        ['a.jpg', ''],
        ['a.cls', '4000000000'],
      ],
      /label 4000000000, expected one below 1000000/,
    ],
    [
      'a broken json',
      [
        ['a.jpg', ''],
        ['a.json', '{'],
      ],
      /a\.json is not JSON/,
    ],
    [
      'labels for some',
      [
        ['a.jpg', ''],
        ['b.jpg', ''],
        ['b.cls', '1'],
      ],
      /a\.jpg has no label/,
    ],
    [
      'two images',
      [
        ['a.jpg', ''],
        ['a.png', ''],
      ],
      /a has 2 images/,
    ],
    ['no image', [['a.cls', '1']], /has no image/],
  ])('refuses %s', (_name, entries, message) =>
    inTemporaryFolder(async (folder) => {
      await writeTar(path.join(folder, 'x.tar'), entries);
      return expect(openWebdataset(folder, 'train')).rejects.toThrow(message);
    }),
  );

  it('gives either split everything where names say nothing, and no labels where there are none', () =>
    inTemporaryFolder(async (folder) => {
      await writeTar(path.join(folder, 'x.tar'), [['a.jpg', '']]);
      const source = await openWebdataset(path.join(folder, 'x.tar'), 'test');
      expect([source.split, source.classes, source.label(0)]).toEqual(['all', null, null]);
    }));
});

describe('shards', () => {
  it('writes braces out', () => {
    expect(expandBraces('a-{008..011}.tar')).toEqual(['a-008.tar', 'a-009.tar', 'a-010.tar', 'a-011.tar']);
    expect(expandBraces('{x,y}{1..2}')).toEqual(['x1', 'x2', 'y1', 'y2']);
    fc.assert(
      fc.property(fc.nat(500), fc.nat(60), (first, more) => {
        const names = expandBraces(`s{${first}..${first + more}}`);
        expect(names).toHaveLength(more + 1);
        expect(Number(names[more].slice(1))).toBe(first + more);
      }),
    );
  });

  it('names a shard that is missing, and a split without any', () =>
    inTemporaryFolder((folder) => {
      writeFileSync(path.join(folder, 'train-0.tar'), '');
      const spec = path.join(folder, 'train-{0..1}.tar');
      expect(userErrorOf(() => findShards(spec, ['.tar']))).toBe(
        `${path.join(folder, 'train-1.tar')} is not there`,
      );
      expect(userErrorOf(() => findShards(path.join(folder, 'x*.tar'), ['.tar']))).toContain(
        'has no .tar file',
      );
      const files = findShards(folder, ['.tar']);
      expect(userErrorOf(() => splitShards(folder, files, 'test'))).toContain(
        'training only, none for its test',
      );
      const root = path.join(folder, 'train');
      mkdirSync(root);
      // "train" in a word or above the root says nothing.
      expect(splitShards(root, [path.join(root, 'trained-0.tar')], 'test').split).toBe('all');
    }));
});
