/**
 * Data out of a Python pickle, without executing it: dicts, lists, tuples, strings, numbers and arrays of NumPy, protocols
 * 2 to 4. Callables are known by their names alone; every other opcode or name is refused.
 */
import { UserError } from '../errors';
import type { ByteReader } from './byteReader';
import type { NumpyArray, StoredBytes } from './numpyArray';

/** A Python object: `bytes` and long strings stay in the file. */
export type PickleValue =
  | null
  | boolean
  | number
  | string
  | readonly PickleValue[]
  | PickleDict
  | PickleBytes
  | PickleArray
  | PickleDtype
  | PickleName;

/** Keys are strings; `b'data'` and `'data'` are the same key. */
export class PickleDict {
  readonly items = new Map<string, PickleValue>();
}

/** `bytes`; or where `text`, a long string that only `_codecs.encode` may use */
class PickleBytes {
  constructor(
    readonly data: StoredBytes,
    readonly text = false,
  ) {}
}

class PickleDtype {
  order = '|';
  constructor(readonly code: string) {}
}

/** An array of NumPy, empty until BUILD fills it. */
class PickleArray {
  content: NumpyArray | undefined;
}

class PickleName {
  constructor(readonly name: string) {}
}

/** The content of an array in a pickle, or undefined for anything else. */
export const arrayOf = (value: PickleValue | undefined): NumpyArray | undefined =>
  value instanceof PickleArray ? value.content : undefined;

const RECONSTRUCT = 'numpy.core.multiarray._reconstruct';
const SCALAR = 'numpy.core.multiarray.scalar';
const NDARRAY = 'numpy.ndarray';
const DTYPE = 'numpy.dtype';
const ENCODE = '_codecs.encode';
const NAMES: readonly string[] = [RECONSTRUCT, SCALAR, NDARRAY, DTYPE, ENCODE];

/** Longer strings and bytes stay in the file. */
const INLINE = 4096;
/** A mark on the stack. */
const MARK = Symbol('mark');
type Slot = PickleValue | typeof MARK;

/** Reads the one object of a pickle file. UserError with file, offset and opcode for whatever else the file may hold. */
export function readPickle(reader: ByteReader): PickleValue {
  return new Interpreter(reader).run();
}

class Interpreter {
  private readonly stack: Slot[] = [];
  private readonly memo = new Map<number, PickleValue>();
  private opcode = 0;
  private start = 0;

  constructor(private readonly reader: ByteReader) {}

  run(): PickleValue {
    for (;;) {
      this.start = this.reader.position;
      this.opcode = this.reader.take(1)[0];
      if (this.opcode === 0x2e) return this.pop(); // STOP
      this.step();
    }
  }

  private refuse(what: string): UserError {
    const shown = this.opcode > 32 && this.opcode < 127 ? ` '${String.fromCharCode(this.opcode)}'` : '';
    const code = `0x${this.opcode.toString(16).padStart(2, '0')}${shown}`;
    return new UserError(
      `${this.reader.file}: ${what} (opcode ${code} at byte ${this.start}); nothing in a pickle is executed, ` +
        'and only dicts, lists, tuples, strings, numbers and NumPy arrays of protocol 2 to 4 are read',
    );
  }

  private step(): void {
    const { reader, stack } = this;
    switch (this.opcode) {
      case 0x80: {
        // PROTO
        const protocol = this.uint(1);
        if (protocol < 2 || protocol > 4) throw this.refuse(`pickle protocol ${protocol}`);
        return;
      }
      case 0x95: // FRAME
        reader.skip(8);
        return;
      case 0x28: // MARK
        stack.push(MARK);
        return;
      case 0x4e: { // NONE
        this.push(null);
        return;
      }
      case 0x88: { // NEWTRUE
        this.push(true);
        return;
      }
      case 0x89: { // NEWFALSE
        this.push(false);
        return;
      }
      case 0x4b: { // BININT1
        this.push(this.uint(1));
        return;
      }
      case 0x4d: { // BININT2
        this.push(this.uint(2));
        return;
      }
      case 0x4a: { // BININT
        this.push(reader.take(4).readInt32LE(0));
        return;
      }
      case 0x8a: {
        // LONG1
        const size = this.uint(1);
        if (size > 6) throw this.refuse(`an integer of ${size} bytes`);
        this.push(size === 0 ? 0 : reader.take(size).readIntLE(0, size));
        return;
      }
      case 0x47: { // BINFLOAT
        this.push(reader.take(8).readDoubleBE(0));
        return;
      }
      case 0x58: { // BINUNICODE
        this.text(this.uint(4), true);
        return;
      }
      case 0x8c: { // SHORT_BINUNICODE
        this.text(this.uint(1), true);
        return;
      }
      case 0x8d: { // BINUNICODE8
        this.text(this.uint(8), true);
        return;
      }
      case 0x54: // BINSTRING
      case 0x42: { // BINBYTES
        this.text(this.uint(4), false);
        return;
      }
      case 0x55: // SHORT_BINSTRING
      case 0x43: { // SHORT_BINBYTES
        this.text(this.uint(1), false);
        return;
      }
      case 0x8e: { // BINBYTES8
        this.text(this.uint(8), false);
        return;
      }
      case 0x7d: { // EMPTY_DICT
        this.push(new PickleDict());
        return;
      }
      case 0x5d: // EMPTY_LIST
      case 0x29: { // EMPTY_TUPLE
        this.push([]);
        return;
      }
      case 0x74: { // TUPLE
        this.push(this.popMarked());
        return;
      }
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: { // TUPLE3
        this.push(this.popMany(this.opcode - 0x84));
        return;
      }
      case 0x61: { // APPEND
        this.append([this.pop()]);
        return;
      }
      case 0x65: { // APPENDS
        this.append(this.popMarked());
        return;
      }
      case 0x73: { // SETITEM
        this.setItems(this.popMany(2));
        return;
      }
      case 0x75: { // SETITEMS
        this.setItems(this.popMarked());
        return;
      }
      case 0x71: { // BINPUT
        this.remember(this.uint(1));
        return;
      }
      case 0x72: { // LONG_BINPUT
        this.remember(this.uint(4));
        return;
      }
      case 0x94: { // MEMOIZE
        this.remember(this.memo.size);
        return;
      }
      case 0x68: { // BINGET
        this.recall(this.uint(1));
        return;
      }
      case 0x6a: { // LONG_BINGET
        this.recall(this.uint(4));
        return;
      }
      case 0x63: { // GLOBAL
        this.name(`${reader.line(200)}.${reader.line(200)}`);
        return;
      }
      case 0x93: {
        // STACK_GLOBAL
        const [module, name] = this.popMany(2);
        if (typeof module !== 'string' || typeof name !== 'string') throw this.refuse('a damaged name');
        this.name(`${module}.${name}`);
        return;
      }
      case 0x52: { // REDUCE
        this.reduce();
        return;
      }
      case 0x62: { // BUILD
        this.build();
        return;
      }
      default:
        throw this.refuse('an opcode that image files do not need');
    }
  }

  private push(value: PickleValue): void {
    this.stack.push(value);
  }

  private pop(): PickleValue {
    const value = this.stack.pop();
    if (value === undefined || value === MARK) throw this.refuse('a damaged stack');
    return value;
  }

  private popMany(count: number): PickleValue[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  private popMarked(): PickleValue[] {
    const mark = this.stack.lastIndexOf(MARK);
    if (mark < 0) throw this.refuse('a damaged stack');
    return this.stack.splice(mark).slice(1) as PickleValue[];
  }

  private top(): PickleValue {
    const value = this.pop();
    this.push(value);
    return value;
  }

  private uint(size: 1 | 2 | 4 | 8): number {
    const bytes = this.reader.take(size);
    if (size < 8) return bytes.readUIntLE(0, size);
    const value = bytes.readBigUInt64LE(0);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.refuse(`a length of ${value}`);
    return Number(value);
  }

  /** A string or bytes of `length` bytes of the file. */
  private text(length: number, unicode: boolean): void {
    const offset = this.reader.position;
    if (length > INLINE) {
      this.reader.skip(length);
      this.push(new PickleBytes({ offset, length }, unicode));
    } else if (unicode) this.push(this.reader.take(length).toString('utf8'));
    else this.push(new PickleBytes({ bytes: Uint8Array.from(this.reader.take(length)), length }));
  }

  private append(values: readonly PickleValue[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw this.refuse('items for something that is no list');
    for (const value of values) (list as PickleValue[]).push(value);
  }

  private setItems(values: readonly PickleValue[]): void {
    const dict = this.top();
    if (!(dict instanceof PickleDict) || values.length % 2 !== 0) throw this.refuse('a damaged dict');
    for (let i = 0; i < values.length; i += 2) dict.items.set(this.key(values[i]), values[i + 1]);
  }

  private key(value: PickleValue): string {
    if (typeof value === 'string') return value;
    const inline = value instanceof PickleBytes && 'bytes' in value.data ? value.data.bytes : undefined;
    if (inline) return Buffer.from(inline).toString('latin1');
    throw this.refuse('a dict whose keys are not short strings');
  }

  private remember(index: number): void {
    this.memo.set(index, this.top());
  }

  private recall(index: number): void {
    const value = this.memo.get(index);
    if (value === undefined) throw this.refuse(`memo ${index}, which is not there`);
    this.push(value);
  }

  private name(written: string): void {
    const name = written.replace('numpy._core.', 'numpy.core.');
    if (!NAMES.includes(name)) throw this.refuse(`the name ${JSON.stringify(written)}`);
    this.push(new PickleName(name));
  }

  private reduce(): void {
    const [callable, args] = this.popMany(2);
    if (!(callable instanceof PickleName) || !Array.isArray(args)) throw this.refuse('a damaged call');
    const [first, second] = args as readonly PickleValue[];
    switch (callable.name) {
      case RECONSTRUCT:
        if (first instanceof PickleName && first.name === NDARRAY) {
          this.push(new PickleArray());
          return;
        }
        break;
      case DTYPE:
        if (typeof first === 'string' && /^[iufb][1248]$/.test(first)) {
          this.push(new PickleDtype(first));
          return;
        }
        break;
      case ENCODE:
        if (second === 'latin1') {
          this.push(this.latin1(first));
          return;
        }
        break;
      case SCALAR:
        if (first instanceof PickleDtype && second instanceof PickleBytes && 'bytes' in second.data) {
          this.push(this.scalar(first, Buffer.from(second.data.bytes)));
          return;
        }
    }
    throw this.refuse(`a call of ${callable.name} as image files do not have it`);
  }

  /** Python 3 writes bytes in protocol 2 as a string of the characters 0 to 255, in UTF-8. */
  private latin1(value: PickleValue): PickleBytes {
    if (typeof value === 'string') {
      const bytes = Buffer.from(value, 'latin1');
      return new PickleBytes({ bytes, length: bytes.length });
    }
    if (!(value instanceof PickleBytes) || !value.text || 'bytes' in value.data)
      throw this.refuse('a damaged string');
    const utf8 = this.reader.at(value.data.offset, value.data.length);
    let length = 0;
    for (let i = 0; i < utf8.length; i++) {
      const byte = utf8[i];
      // 0xc2 and 0xc3 lead the two bytes of the characters 128 to 255.
      if (byte > 0xc3) throw this.refuse('a character above 255 in a string of bytes');
      utf8[length++] = byte < 0x80 ? byte : ((byte & 3) << 6) | (utf8[++i] & 0x3f);
    }
    return new PickleBytes({ bytes: utf8.subarray(0, length), length });
  }

  private scalar({ code, order }: PickleDtype, bytes: Buffer): number {
    const size = Number(code.slice(1));
    if (!/^[iu]/.test(code) || bytes.length !== size) throw this.refuse(`a number of type ${code}`);
    if (order === '>') bytes.reverse();
    if (size === 8) return Number(bytes.readBigInt64LE(0));
    return code.startsWith('i') ? bytes.readIntLE(0, size) : bytes.readUIntLE(0, size);
  }

  /** State of a dtype: (3, byte order, ...); of an array: (1, shape, dtype, is Fortran order, bytes). */
  private build(): void {
    const state = this.pop();
    const target = this.top();
    if (!Array.isArray(state)) throw this.refuse('a damaged state');
    const [, second, third, fourth, fifth] = state as readonly PickleValue[];
    if (target instanceof PickleDtype && typeof second === 'string' && /^[|<>=]$/.test(second)) {
      target.order = second;
      return;
    }
    const sizes = Array.isArray(second) ? (second as readonly PickleValue[]) : [];
    const shape = sizes.filter((size) => typeof size === 'number');
    if (
      target instanceof PickleArray &&
      shape.length === sizes.length &&
      third instanceof PickleDtype &&
      fifth instanceof PickleBytes &&
      !fifth.text
    ) {
      const dtype = `${third.order}${third.code}`;
      target.content = { dtype, shape, fortran: fourth === true, data: fifth.data };
      return;
    }
    throw this.refuse('a state that image files do not have');
  }
}
