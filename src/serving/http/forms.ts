/** The file that a form (multipart/form-data, RFC 7578) brings. */
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { Busboy } from '@fastify/busboy';
import pLimit from 'p-limit';
import { RequestError } from '../protocol/requestError';

/** Bytes that a form may have beside its file. */
export const FORM_BYTES = 2 ** 16;
/** Of a form, beside its file. */
const FIELDS = 16;
/** Bytes that are looked through in one turn of the event loop. */
const SLICE = 2 ** 18;
/** One form after the other, a slice a turn, however many come at once. */
const inTurn = pLimit(1);

/**
 * Its bytes. RequestError for what is no form or a damaged one, and for none or more than one file.
 *
 * @param type the request's content type, which has the boundary
 */
export const formFile = (type: string, body: Buffer): Promise<Buffer> => inTurn(() => readForm(type, body));

function readForm(type: string, body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) =>
      reject(error instanceof RequestError ? error : unreadable((error as Error).message));
    try {
      const parts: Buffer[] = [];
      let files = 0;
      const limits = { files: 1, fields: FIELDS, fieldSize: FORM_BYTES / FIELDS };
      const form = new Busboy({ headers: { 'content-type': type }, limits });
      form.on('file', (_name, file) => {
        files++;
        file.on('data', (chunk: Buffer) => parts.push(chunk)).on('error', fail);
      });
      form.on('filesLimit', () => fail(new RequestError('invalid', 'the form has more than one file')));
      form.on('fieldsLimit', () =>
        fail(new RequestError('tooLarge', `the form has more than ${FIELDS} fields beside its file`)),
      );
      form.on('error', fail);
      form.on('finish', () => {
        if (files > 0) resolve(Buffer.concat(parts));
        else fail(new RequestError('invalid', 'the form has no file; send one (curl -F image=@cat.jpg)'));
      });
      Readable.from(slices(body)).on('error', fail).pipe(form);
    } catch (error) {
      fail(error);
    }
  });
}

async function* slices(body: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < body.length; at += SLICE) {
    await setImmediate();
    yield body.subarray(at, at + SLICE);
  }
}

const unreadable = (problem: string) =>
  new RequestError(
    'invalid',
    `the form cannot be read: ${problem.replace(/^Unexpected end.*/, 'it ends too early')}`,
  );
