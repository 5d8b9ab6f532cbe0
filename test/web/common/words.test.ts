/** What pages say: bounded, one line, counted by reason; and how many threads a runtime is started with. */
import { threadsOf } from '../../../src/web/common/threads';
import { leftOutLines, messageOf, shownName } from '../../../src/web/common/words';

describe('words', () => {
  test('names from files are one line of bounded length', () => {
    expect(shownName('cat/a\n\u0000b.jpg')).toBe('cat/a??b.jpg');
    const long = shownName(`${'a'.repeat(5000)}\u001b.jpg`);
    expect(long).toHaveLength(80);
    expect(long).toMatch(/^a+…a+\?\.jpg$/);
  });

  test('errors of every kind have words', () => {
    expect(messageOf(new Error('a\nb'))).toBe('a?b');
    expect(messageOf(Object.assign(new Error(''), { name: 'AbortError' }))).toBe('AbortError');
    expect(messageOf(123456)).toBe('out of memory');
    expect(messageOf('text')).toBe('text');
    expect(messageOf(new Error('x'.repeat(9999)))).toHaveLength(400);
  });

  test('files that are left out are counted by reason, and the first are named', () => {
    const many = Array.from({ length: 7 }, (_, i) => ({ name: `${i}.jpg`, reason: 'it is empty' }));
    expect(leftOutLines([...many, { name: 'n.txt', reason: 'no image by its name' }])).toEqual([
      '7 files are left out (it is empty): 0.jpg, 1.jpg, 2.jpg, 3.jpg, 4.jpg and 2 more',
      '1 file is left out (no image by its name): n.txt',
    ]);
  });
});

describe('threads', () => {
  const scope = (hardwareConcurrency?: number) => ({
    ...{ crossOriginIsolated: true, SharedArrayBuffer, Worker: () => null },
    navigator: { hardwareConcurrency },
  });

  test.each([
    [8, 8],
    [undefined, 1],
    [0, 1],
    [NaN, 1],
    [2.5, 1],
    [100_000, 16],
  ])('a device that says %s: %d', (said, count) => {
    expect(threadsOf(scope(said))).toEqual({ count, reason: null });
  });

  test('one, and why, where memory is not shared', () => {
    expect(threadsOf({ ...scope(8), crossOriginIsolated: false })).toMatchObject({ count: 1 });
    expect(threadsOf({ ...scope(8), SharedArrayBuffer: undefined }).reason).toContain('not isolated');
    expect(threadsOf({ ...scope(8), Worker: undefined }).reason).toContain('no workers');
    expect(threadsOf(scope(8), 2)).toEqual({ count: 2, reason: null });
  });
});
