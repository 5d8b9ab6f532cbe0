/** What is in a tar file and where, by its headers alone: ustar, GNU long names and pax paths and sizes. */
import { UserError } from '../../base/errors';
import type { ByteReader } from './byteReader';

export interface TarEntry {
  readonly name: string;
  /** of the content in the archive */
  readonly offset: number;
  readonly length: number;
}

const BLOCK = 512;
const LIMIT = 1 << 20;

/** Text up to the first NUL. */
function field(header: Buffer, from: number, length: number): string {
  const bytes = header.subarray(from, from + length);
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? length : end);
}

/** Octal digits, or with the first bit set a number to the base 256. */
function readNumber(header: Buffer, from: number, length: number): number {
  if ((header[from] & 0x80) !== 0) {
    return header.subarray(from + 1, from + length).reduce((value, byte) => 256 * value + byte, 0);
  }
  const digits = field(header, from, length).trim();
  return digits === '' ? 0 : /^[0-7]+$/.test(digits) ? parseInt(digits, 8) : NaN;
}

/** Records `length key=value\n` of a pax header. */
export function parsePax(bytes: Buffer): Map<string, string> {
  const values = new Map<string, string>();
  for (let at = 0; at < bytes.length;) {
    const digits = /^(\d+) /.exec(bytes.toString('latin1', at, at + 12))?.[1];
    const length = Number(digits);
    const record = bytes.toString('utf8', at + String(digits).length + 1, at + length - 1);
    const equals = record.indexOf('=');
    if (digits === undefined || equals < 0 || at + length > bytes.length) break;
    values.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return values;
}

/**
 * The ordinary files of an archive, in its order.
 * @throws UserError for a damaged header and an archive that is cut off or compressed
 */
export function* readTar(reader: ByteReader): Generator<TarEntry> {
  const { file } = reader;
  let longName: string | undefined;
  let pax = new Map<string, string>();
  for (;;) {
    const at = reader.position;
    // Some writers leave the two empty blocks at the end out.
    if (at === reader.size && at > 0) return;
    if (at + BLOCK > reader.size) {
      throw new UserError(`${file} is cut off: no end of the archive after byte ${at}`);
    }
    const header = Buffer.from(reader.take(BLOCK));
    if (header.every((byte) => byte === 0)) return;
    const written = readNumber(header, 148, 8);
    const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
    const stored = Number(pax.get('size') ?? readNumber(header, 124, 12));
    if (sum !== written || !Number.isSafeInteger(stored)) {
      const packed = at === 0 ? '; a compressed archive must be unpacked first' : '';
      throw new UserError(`${file} has no tar header at byte ${at}; it is damaged or no tar file${packed}`);
    }
    const offset = reader.position;
    const content = () => {
      if (stored > LIMIT)
        throw new UserError(`${file} has an extended header of ${stored} bytes at byte ${at}`);
      return reader.at(offset, stored);
    };
    const type = String.fromCharCode(header[156]);
    const prefix = field(header, 257, 5) === 'ustar' && header[262] === 0 ? field(header, 345, 155) : '';
    if (type === 'L') longName = field(content(), 0, stored);
    else if (type === 'x') pax = parsePax(content());
    else if (type !== 'g' && type !== 'K') {
      const short = (prefix === '' ? '' : `${prefix}/`) + field(header, 0, 100);
      const name = pax.get('path') ?? longName ?? short;
      if (type === '0' || type === '\0' || type === '7') yield { name, offset, length: stored };
      longName = undefined;
      pax = new Map();
    }
    reader.skip(Math.ceil(stored / BLOCK) * BLOCK);
  }
}
