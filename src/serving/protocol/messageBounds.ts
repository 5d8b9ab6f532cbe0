/**
 * The end of what a ModelInferRequest may consist of, by protobuf's wire format: fields of one byte each would become
 * gigabytes of objects.
 */
import { RequestError } from './requestError';

/** Fields of all messages. */
const MOST_FIELDS = 100_000;
/** Elements of packed numbers; those of 64 bits, which become text, weigh so much more. */
const MOST_ELEMENTS = 2 ** 24;
const WIDE = 8;

/** What lies in a field that counts: a message by its own fields, or packed numbers by their weight. */
interface Fields {
  readonly [field: number]: Fields | number;
}

const CONTENTS: Fields = { 1: 1, 2: 1, 3: WIDE, 4: 1, 5: WIDE };
const INPUT: Fields = { 3: WIDE, 5: CONTENTS };
/** ModelInferRequest: inputs, and their shape and contents. */
const REQUEST: Fields = { 5: INPUT };

const malformed = () => new RequestError('invalid', 'the message is no ModelInferRequest');

/** RequestError for a message of more fields or numbers than any request has, and for bytes that are none. */
export function boundInferMessage(message: Uint8Array): void {
  const count = { fields: 0, elements: 0 };
  walk(message, REQUEST, count);
}

function walk(bytes: Uint8Array, known: Fields, count: { fields: number; elements: number }): void {
  const end = bytes.length;
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1, taken = 0; taken < 10; taken++, shift *= 128) {
      if (at >= end) throw malformed();
      const byte = bytes[at++];
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
    throw malformed();
  };
  while (at < end) {
    const tag = varint();
    if (++count.fields > MOST_FIELDS)
      throw new RequestError(
        'invalid',
        `the message has more than ${MOST_FIELDS} fields; none needs so many`,
      );
    const wire = tag % 8;
    if (wire === 0) varint();
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === 2) {
      const length = varint();
      if (length > end - at) throw malformed();
      const inner = known[Math.floor(tag / 8)];
      const part = bytes.subarray(at, at + length);
      if (typeof inner === 'object') walk(part, inner, count);
      else if (inner !== undefined) countNumbers(part, inner, count);
      at += length;
    }
    // Groups are of a protocol before this one.
    else throw malformed();
    if (at > end) throw malformed();
  }
}

/** Every number ends with a byte below 128. */
function countNumbers(packed: Uint8Array, weight: number, count: { elements: number }): void {
  for (const byte of packed) if (byte < 128) count.elements += weight;
  if (count.elements > MOST_ELEMENTS)
    throw new RequestError(
      'invalid',
      `the message has more than ${MOST_ELEMENTS / weight} whole numbers in contents; send raw_input_contents`,
    );
}
