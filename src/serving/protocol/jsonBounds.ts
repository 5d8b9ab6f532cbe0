/** The end of what a request's JSON may consist of: some megabytes of brackets or keys would become gigabytes of objects. */
import { RequestError } from './requestError';

/** Lists: rows of nested data, so that a batch of images fits row by row. */
const MOST_LISTS = 4e6;
/** Objects and members, of all tensors together. */
const MOST_MEMBERS = 100_000;

const [LIST, OBJECT, MEMBER] = Buffer.from('[{:');

/** RequestError for JSON of more lists, objects or members than any request has. Those within texts count as well. */
export function boundJson(json: Uint8Array): void {
  let lists = 0;
  let members = 0;
  for (const byte of json) {
    if (byte === LIST) lists++;
    else if (byte === OBJECT || byte === MEMBER) members++;
  }
  if (lists > MOST_LISTS)
    throw new RequestError(
      'invalid',
      `the JSON has ${lists} lists; at most ${MOST_LISTS} are taken; send data flat, or as binary data`,
    );
  if (members > MOST_MEMBERS)
    throw new RequestError('invalid', `the JSON has ${members} members; at most ${MOST_MEMBERS} are taken`);
}
