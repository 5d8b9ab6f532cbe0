/**
 * Data out of a Python pickle, without executing it: dicts, lists, tuples, strings, numbers and arrays of NumPy, protocols
 * 2 to 5. Callables are known by their names alone; every other opcode or name is refused.
 */
import { UserError } from '../../../base/errors';
import type { ByteReader } from '../byteReader';
import { call, isKnown, setState } from './pickleCalls';
import { PickleBytes, PickleDict, PickleName, type PickleValue } from './pickleValues';

/** Longer strings and bytes stay in the file. */
const INLINE = 4096;
/** A mark on the stack. */
const MARK = Symbol('mark');

/** Reads the one object of a pickle file. UserError with file, offset and opcode for whatever else the file may hold. */
export function readPickle(reader: ByteReader): PickleValue {
  return new Interpreter(reader).run();
}

/** By code, with the names of Python's pickletools. */
const OPCODES: Readonly<Record<number, (machine: Interpreter) => void>> = {
  0x80: (m) => m.protocol(m.uint(1)), // PROTO
  0x95: (m) => m.reader.skip(8), // FRAME
  0x28: (m) => m.stack.push(MARK), // MARK
  0x4e: (m) => m.push(null), // NONE
  0x88: (m) => m.push(true), // NEWTRUE
  0x89: (m) => m.push(false), // NEWFALSE
  0x4b: (m) => m.push(m.uint(1)), // BININT1
  0x4d: (m) => m.push(m.uint(2)), // BININT2
  0x4a: (m) => m.push(m.reader.take(4).readInt32LE(0)), // BININT
  0x8a: (m) => m.long(m.uint(1)), // LONG1
  0x47: (m) => m.push(m.reader.take(8).readDoubleBE(0)), // BINFLOAT
  0x58: (m) => m.text(m.uint(4), true), // BINUNICODE
  0x8c: (m) => m.text(m.uint(1), true), // SHORT_BINUNICODE
  0x8d: (m) => m.text(m.uint(8), true), // BINUNICODE8
  0x54: (m) => m.text(m.uint(4), false), // BINSTRING
  0x55: (m) => m.text(m.uint(1), false), // SHORT_BINSTRING
  0x42: (m) => m.text(m.uint(4), false), // BINBYTES
  0x43: (m) => m.text(m.uint(1), false), // SHORT_BINBYTES
  0x8e: (m) => m.text(m.uint(8), false), // BINBYTES8
  0x96: (m) => m.text(m.uint(8), false), // BYTEARRAY8
  0x7d: (m) => m.push(new PickleDict()), // EMPTY_DICT
  0x5d: (m) => m.push([]), // EMPTY_LIST
  0x29: (m) => m.push([]), // EMPTY_TUPLE
  0x74: (m) => m.push(m.popMarked()), // TUPLE
  0x85: (m) => m.push(m.popMany(1)), // TUPLE1
  0x86: (m) => m.push(m.popMany(2)), // TUPLE2
  0x87: (m) => m.push(m.popMany(3)), // TUPLE3
  0x61: (m) => m.append([m.pop()]), // APPEND
  0x65: (m) => m.append(m.popMarked()), // APPENDS
  0x73: (m) => m.setItems(m.popMany(2)), // SETITEM
  0x75: (m) => m.setItems(m.popMarked()), // SETITEMS
  0x71: (m) => m.remember(m.uint(1)), // BINPUT
  0x72: (m) => m.remember(m.uint(4)), // LONG_BINPUT
  0x94: (m) => m.remember(m.memo.size), // MEMOIZE
  0x68: (m) => m.recall(m.uint(1)), // BINGET
  0x6a: (m) => m.recall(m.uint(4)), // LONG_BINGET
  0x63: (m) => m.name([m.reader.line(200), m.reader.line(200)]), // GLOBAL
  0x93: (m) => m.name(m.popMany(2)), // STACK_GLOBAL
  0x52: (m) => m.reduce(m.popMany(2)), // REDUCE
  0x62: (m) => m.build(m.pop()), // BUILD
};
const STOP = 0x2e;

class Interpreter {
  readonly stack: (PickleValue | typeof MARK)[] = [];
  readonly memo = new Map<number, PickleValue>();
  private opcode = 0;
  private start = 0;

  constructor(readonly reader: ByteReader) {}

  run(): PickleValue {
    for (;;) {
      this.start = this.reader.position;
      this.opcode = this.reader.take(1)[0];
      if (this.opcode === STOP) return this.pop();
      if (!Object.hasOwn(OPCODES, this.opcode)) throw this.refuse('an opcode that image files do not need');
      OPCODES[this.opcode](this);
    }
  }

  private readonly refuse = (what: string): UserError => {
    const shown = this.opcode > 32 && this.opcode < 127 ? ` '${String.fromCharCode(this.opcode)}'` : '';
    const code = `0x${this.opcode.toString(16).padStart(2, '0')}${shown}`;
    return new UserError(
      `${this.reader.file}: ${what} (opcode ${code} at byte ${this.start}); nothing in a pickle is executed, ` +
        'and only dicts, lists, tuples, strings, numbers and NumPy arrays of protocol 2 to 5 are read, without buffers beside the file',
    );
  };

  protocol(protocol: number): void {
    if (protocol < 2 || protocol > 5) throw this.refuse(`pickle protocol ${protocol}`);
  }

  long(size: number): void {
    if (size > 6) throw this.refuse(`an integer of ${size} bytes`);
    this.push(size === 0 ? 0 : this.reader.take(size).readIntLE(0, size));
  }

  push(value: PickleValue): void {
    this.stack.push(value);
  }

  pop(): PickleValue {
    const value = this.stack.pop();
    if (value === undefined || value === MARK) throw this.refuse('a damaged stack');
    return value;
  }

  popMany(count: number): PickleValue[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  popMarked(): PickleValue[] {
    const mark = this.stack.lastIndexOf(MARK);
    if (mark < 0) throw this.refuse('a damaged stack');
    return this.stack.splice(mark).slice(1) as PickleValue[];
  }

  private top(): PickleValue {
    const value = this.pop();
    this.push(value);
    return value;
  }

  uint(size: 1 | 2 | 4 | 8): number {
    const bytes = this.reader.take(size);
    if (size < 8) return bytes.readUIntLE(0, size);
    const value = bytes.readBigUInt64LE(0);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.refuse(`a length of ${value}`);
    return Number(value);
  }

  /** A string or bytes of `length` bytes of the file. */
  text(length: number, unicode: boolean): void {
    const offset = this.reader.position;
    if (length > INLINE) {
      this.reader.skip(length);
      this.push(new PickleBytes({ offset, length }, unicode));
    } else if (unicode) this.push(this.reader.take(length).toString('utf8'));
    else this.push(new PickleBytes({ bytes: Uint8Array.from(this.reader.take(length)), length }));
  }

  append(values: readonly PickleValue[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw this.refuse('items for something that is no list');
    for (const value of values) (list as PickleValue[]).push(value);
  }

  setItems(values: readonly PickleValue[]): void {
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

  remember(index: number): void {
    this.memo.set(index, this.top());
  }

  recall(index: number): void {
    const value = this.memo.get(index);
    if (value === undefined) throw this.refuse(`memo ${index}, which is not there`);
    this.push(value);
  }

  name([module, own]: readonly PickleValue[]): void {
    if (typeof module !== 'string' || typeof own !== 'string') throw this.refuse('a damaged name');
    // NumPy 2 moved its core; what it means is the same.
    const name = `${module}.${own}`.replace('numpy._core.', 'numpy.core.');
    if (!isKnown(name)) throw this.refuse(`the name ${JSON.stringify(`${module}.${own}`)}`);
    this.push(new PickleName(name));
  }

  reduce([callable, args]: readonly PickleValue[]): void {
    this.push(call(callable, args, this.reader, this.refuse));
  }

  build(state: PickleValue): void {
    setState(this.top(), state, this.refuse);
  }
}
