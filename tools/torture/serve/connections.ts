/** Connections that do not behave: they say what they like, as slowly as they like, and see what comes back. */
import { connect, type Socket } from 'node:net';

export const sleep = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** An open connection; errors of it are nobody's. */
export function open(port: number): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.once('connect', () => resolve(socket));
    socket.once('close', () => resolve(socket));
  });
}

export const openMany = (port: number, count: number): Promise<Socket[]> =>
  Promise.all(Array.from({ length: count }, () => open(port)));

/** Sends bytes and returns what comes until the other side closes, or until `milliseconds` are over. */
export async function converse(
  port: number,
  bytes: Uint8Array | string,
  milliseconds: number,
): Promise<string> {
  const socket = await open(port);
  let got = '';
  socket.on('data', (part: Buffer) => (got += part.toString('latin1')));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(bytes);
  await Promise.race([closed, sleep(milliseconds)]);
  socket.destroy();
  return got;
}

/** The head of a POST, with the headers as they are given. */
export const head = (target: string, headers: Readonly<Record<string, string | number>>): string =>
  `POST ${target} HTTP/1.1\r\nHost: localhost\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`;
