/** `selfie data download`: fetches a published archive, goes on where it was cut off, checks its sum and unpacks it. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { UserError } from '../../base/errors';
import { clearLeft } from '../../base/aside';
import { fileError } from '../../base/files';
import { stage } from '../../base/staging';

export interface Archive {
  readonly url: string;
  /** as published on https://www.cs.toronto.edu/~kriz/cifar.html */
  readonly md5: string;
  /** the one folder in it */
  readonly folder: string;
}

export const ARCHIVES = {
  cifar10: {
    url: 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
    md5: 'c32a1d4ab5d03f1284b67883e8d87530',
    folder: 'cifar-10-batches-bin',
  },
  cifar100: {
    url: 'https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz',
    md5: '03b5dce01913d631647c71ecec9e9cb8',
    folder: 'cifar-100-binary',
  },
} as const satisfies Readonly<Record<string, Archive>>;

/** Attempts in a row that may bring nothing new. */
const ATTEMPTS = 3;

const sizeOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

/** One request for what `part` does not have yet. Resolves to whether the file is complete. */
async function fetchRest(url: string, part: string): Promise<boolean> {
  const have = sizeOf(part);
  const response = await fetch(url, { headers: have > 0 ? { Range: `bytes=${have}-` } : {} });
  const total = Number(/\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1]);
  if (response.status === 416) {
    // Nothing is left to send; or what is here is not the beginning of what is there.
    if (total === have) return true;
    rmSync(part, { force: true });
    return false;
  }
  if (!response.ok || response.body === null) {
    throw new UserError(
      `${url} answers ${response.status} ${response.statusText}; --from URL takes a mirror`,
    );
  }
  const resumed =
    response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${have}-`);
  const expected = resumed ? total : Number(response.headers.get('content-length') ?? NaN);
  await pipeline(Readable.fromWeb(response.body), createWriteStream(part, { flags: resumed ? 'a' : 'w' }));
  return Number.isNaN(expected) || sizeOf(part) >= expected;
}

/** Fetches `url` into `part`, asking again for the rest while that brings anything. */
async function fetchAll(url: string, part: string, report: (line: string) => void): Promise<void> {
  for (let failed = 0; failed < ATTEMPTS;) {
    const before = sizeOf(part);
    let reason = 'the connection was closed early';
    try {
      if (await fetchRest(url, part)) return;
    } catch (error) {
      // Not the connection: this machine cannot write what comes.
      const refused = isOfDisk(error) ? fileError('write', part, error) : error;
      if (refused instanceof UserError) throw refused;
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      reason = cause instanceof Error ? cause.message : String(cause);
    }
    failed = sizeOf(part) > before ? 0 : failed + 1;
    report(`cut off after ${sizeOf(part)} bytes (${reason}); asking for the rest`);
  }
  throw new UserError(
    `${url} cannot be reached; what came is in ${part}, and the same command goes on from there`,
  );
}

const isOfDisk = (error: unknown) =>
  error instanceof Error &&
  'syscall' in error &&
  ['open', 'write', 'close', 'mkdir'].includes(String(error.syscall));

async function md5Of(file: string): Promise<string> {
  const hash = createHash('md5');
  for await (const piece of createReadStream(file)) hash.update(piece as Buffer);
  return hash.digest('hex');
}

/** Writes the files of `folder` in the archive to `directory`. UserError for a file that lies anywhere else. */
async function unpack(archive: string, folder: string, directory: string): Promise<void> {
  const tar = extract();
  const done = pipeline(createReadStream(archive), createGunzip(), tar);
  // Waited for below; an error also ends the loop.
  done.catch(() => undefined);
  for await (const entry of tar) {
    const { name, type } = entry.header;
    if (type === 'directory') {
      entry.resume();
      continue;
    }
    const inside = path.posix.relative(folder, path.posix.normalize(name));
    if (type !== 'file' || inside === '' || inside.includes('/') || inside.startsWith('..')) {
      throw new UserError(
        `${archive} holds ${name}, which is not a file directly in ${folder}; nothing was unpacked`,
      );
    }
    await pipeline(entry, createWriteStream(path.join(directory, inside)));
  }
  await done;
}

/**
 * Downloads and unpacks an archive to `directory/<its folder>`, whole or not at all; does nothing where that is there.
 * Returns the folder.
 * @throws UserError where the server refuses or cannot be reached, for a wrong sum, and for an archive that cannot be unpacked
 */
export async function download(
  { url, md5, folder }: Archive,
  directory: string,
  report: (line: string) => void = () => {},
): Promise<string> {
  const target = path.join(directory, folder);
  clearLeft(directory);
  if (existsSync(target)) {
    report(`${target} is there already`);
    return target;
  }
  mkdirSync(directory, { recursive: true });
  const part = path.join(directory, `${path.posix.basename(new URL(url).pathname)}.part`);
  const have = sizeOf(part);
  report(have > 0 ? `going on with ${url} after ${have} bytes` : `fetching ${url}`);
  await fetchAll(url, part, report);
  const sum = await md5Of(part);
  if (sum !== md5) {
    rmSync(part);
    throw new UserError(
      `${url} has the MD5 sum ${sum}, published is ${md5}; the file was removed, try again`,
    );
  }
  await stage(target, async (staging) => {
    try {
      mkdirSync(staging.inside('new'));
      await unpack(part, folder, staging.inside('new'));
    } catch (error) {
      if (error instanceof UserError || isOfDisk(error)) throw error;
      throw new UserError(`${part} cannot be unpacked: ${String(error)}`, { cause: error });
    }
    staging.commit([['new', target]]);
  });
  rmSync(part);
  return target;
}
