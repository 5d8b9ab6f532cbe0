/** Bodies are read a bounded number of bytes a turn of the event loop, none while connections come, all and in order. */
import { createServer } from 'node:net';
import { BodyTurns, CONNECTING_TURNS, TURN_BYTES } from '../../../src/serving/http/bodyTurns';

const turn = () => new Promise(setImmediate);

/** Asks for chunks of 64 KiB: the numbers of those that are read by now. */
function asked(turns: BodyTurns, count: number): number[] {
  const read: number[] = [];
  for (let i = 0; i < count; i++) turns.take(2 ** 16, () => read.push(i));
  return read;
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
const CHUNKS = TURN_BYTES / 2 ** 16;

test('as many as a turn has room for are read at once, the others in the next turns, in their order', async () => {
  const read = asked(new BodyTurns(createServer()), 2 * CHUNKS + 1);
  expect(read).toEqual(numbers(CHUNKS));
  await turn();
  expect(read).toEqual(numbers(2 * CHUNKS));
  await turn();
  expect(read).toEqual(numbers(2 * CHUNKS + 1));
});

test('one that asks later does not pass those that wait, and a turn in which nobody asked has its whole room', async () => {
  const turns = new BodyTurns(createServer());
  const read = asked(turns, CHUNKS + 1);
  turns.take(1, () => read.push(-1));
  expect(read).toHaveLength(CHUNKS);
  await turn();
  expect(read.slice(CHUNKS)).toEqual([CHUNKS, -1]);
  await turn();
  expect(asked(turns, 2 * CHUNKS)).toHaveLength(CHUNKS);
});

test('while connections come, bodies wait, but not for ever', async () => {
  const server = createServer();
  const turns = new BodyTurns(server);
  server.emit('connection');
  const read = asked(turns, 3 * CHUNKS);
  for (let turnsSince = 0; turnsSince < CONNECTING_TURNS; turnsSince++) {
    expect(read).toEqual([]);
    await turn();
    server.emit('connection');
  }
  await turn();
  expect(read).toEqual(numbers(CHUNKS));
  server.emit('connection');
  await turn();
  expect(read).toEqual(numbers(CHUNKS));
  await turn();
  expect(read).toEqual(numbers(2 * CHUNKS));
});

test('a chunk of more than a turn has room for is read by itself', async () => {
  const turns = new BodyTurns(createServer());
  const read: string[] = [];
  turns.take(3 * TURN_BYTES, () => read.push('large'));
  turns.take(1, () => read.push('small'));
  expect(read).toEqual(['large']);
  await turn();
  expect(read).toEqual(['large', 'small']);
});
