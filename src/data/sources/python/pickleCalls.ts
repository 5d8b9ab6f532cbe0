/** What the callables that a pickle of images names would do, known by their names alone: NumPy's arrays and dtypes. */
import type { ByteReader } from '../byteReader';
import type { NumpyArray } from './numpyArray';
import { PickleArray, PickleBytes, PickleDtype, PickleName, type PickleValue } from './pickleValues';

const RECONSTRUCT = 'numpy.core.multiarray._reconstruct';
/** What NumPy writes in protocol 5. */
const FROM_BUFFER = 'numpy.core.numeric._frombuffer';
const SCALAR = 'numpy.core.multiarray.scalar';
const NDARRAY = 'numpy.ndarray';
const DTYPE = 'numpy.dtype';
const ENCODE = '_codecs.encode';
const NAMES: readonly string[] = [RECONSTRUCT, FROM_BUFFER, SCALAR, NDARRAY, DTYPE, ENCODE];

/** Makes the UserError for what must be refused. */
export type Refuse = (what: string) => Error;

/** Whether a name may occur at all. */
export const isKnown = (name: string): boolean => NAMES.includes(name);

/** REDUCE: what calling `callable` with `args` would give. */
export function call(
  callable: PickleValue,
  args: PickleValue,
  reader: ByteReader,
  refuse: Refuse,
): PickleValue {
  if (!(callable instanceof PickleName) || !Array.isArray(args)) throw refuse('a damaged call');
  const [first, second, third, fourth] = args as readonly PickleValue[];
  switch (callable.name) {
    case RECONSTRUCT:
      if (first instanceof PickleName && first.name === NDARRAY) return new PickleArray();
      break;
    case FROM_BUFFER:
      if (typeof fourth === 'string' && /^[CF]$/.test(fourth)) {
        const array = new PickleArray();
        array.content = contentOf(third, second, fourth === 'F', first, refuse);
        return array;
      }
      break;
    case DTYPE:
      if (typeof first === 'string' && /^[iufb][1248]$/.test(first)) return new PickleDtype(first);
      break;
    case ENCODE:
      if (second === 'latin1') return latin1(first, reader, refuse);
      break;
    case SCALAR:
      if (first instanceof PickleDtype && second instanceof PickleBytes && 'bytes' in second.data)
        return scalar(first, Buffer.from(second.data.bytes), refuse);
  }
  throw refuse(`a call of ${callable.name} as image files do not have it`);
}

/** Python 3 writes bytes in protocol 2 as a string of the characters 0 to 255, in UTF-8. */
function latin1(value: PickleValue, reader: ByteReader, refuse: Refuse): PickleBytes {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value, 'latin1');
    return new PickleBytes({ bytes, length: bytes.length });
  }
  if (!(value instanceof PickleBytes) || !value.text || 'bytes' in value.data)
    throw refuse('a damaged string');
  const utf8 = reader.at(value.data.offset, value.data.length);
  let length = 0;
  for (let i = 0; i < utf8.length; i++) {
    const byte = utf8[i];
    // 0xc2 and 0xc3 lead the two bytes of the characters 128 to 255.
    if (byte > 0xc3) throw refuse('a character above 255 in a string of bytes');
    utf8[length++] = byte < 0x80 ? byte : ((byte & 3) << 6) | (utf8[++i] & 0x3f);
  }
  return new PickleBytes({ bytes: utf8.subarray(0, length), length });
}

function scalar({ code, order }: PickleDtype, bytes: Buffer, refuse: Refuse): number {
  const size = Number(code.slice(1));
  if (!/^[iu]/.test(code) || bytes.length !== size) throw refuse(`a number of type ${code}`);
  if (order === '>') bytes.reverse();
  if (size === 8) return Number(bytes.readBigInt64LE(0));
  return code.startsWith('i') ? bytes.readIntLE(0, size) : bytes.readUIntLE(0, size);
}

/** BUILD: the state of a dtype, (3, byte order, ...), or of an array, (1, shape, dtype, is Fortran order, bytes). */
export function setState(target: PickleValue, state: PickleValue, refuse: Refuse): void {
  if (!Array.isArray(state)) throw refuse('a damaged state');
  const [, second, third, fourth, fifth] = state as readonly PickleValue[];
  if (target instanceof PickleDtype && typeof second === 'string' && /^[|<>=]$/.test(second)) {
    target.order = second;
    return;
  }
  if (!(target instanceof PickleArray)) throw refuse('a state that image files do not have');
  target.content = contentOf(second, third, fourth === true, fifth, refuse);
}

function contentOf(
  sizes: PickleValue,
  type: PickleValue,
  fortran: boolean,
  bytes: PickleValue,
  refuse: Refuse,
): NumpyArray {
  const listed = Array.isArray(sizes) ? (sizes as readonly PickleValue[]) : [];
  const shape = listed.filter((size) => typeof size === 'number');
  const isWhole = shape.length === listed.length && type instanceof PickleDtype;
  if (!isWhole || !(bytes instanceof PickleBytes) || bytes.text)
    throw refuse('a state that image files do not have');
  return { dtype: `${type.order}${type.code}`, shape, fortran, data: bytes.data };
}
