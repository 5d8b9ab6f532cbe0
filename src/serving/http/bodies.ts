/** The bytes of all requests that are being read or answered, and the end of what may be held at once. */
import { Transform, type Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest, preParsingHookHandler } from 'fastify';
import { RequestError } from '../protocol/requestError';

/** So many of the largest requests may be held together. */
export const LARGEST_AT_ONCE = 8;
/** Bytes that a form may have beside its file. */
export const FORM_BYTES = 2 ** 16;

export const bodyTooLarge = (maxBody: number) =>
  new RequestError('tooLarge', `the body has more than ${maxBody} bytes (the server's --max-body)`);

/** A request's part of them. */
interface Share {
  bytes: number;
  /** It was answered: what still comes is nobody's. */
  isOver: boolean;
}

/** Refuses requests of `app` whose bodies would pass the limit, in parsers that are registered before. */
export function boundBodies(app: FastifyInstance, maxBody: number): void {
  const limit = LARGEST_AT_ONCE * maxBody;
  let held = 0;
  const shares = new WeakMap<FastifyRequest, Share>();
  const grow = (share: Share, bytes: number) => {
    if (share.isOver) return;
    if (held + bytes - share.bytes > limit)
      throw new RequestError(
        'queueFull',
        `requests of ${held} bytes are read or wait already, and no more are taken; try again later`,
      );
    held += bytes - share.bytes;
    share.bytes = bytes;
  };

  app.addHook('onRequest', async (request, reply) => {
    if (isForm(request)) requireForm(request, maxBody);
    const share = { bytes: 0, isOver: false };
    shares.set(request, share);
    grow(share, announced(request, maxBody));
    reply.raw.once('close', () => {
      held -= share.bytes;
      share.isOver = true;
    });
  });
  // What does not announce its size, or arrives compressed, is counted as it comes.
  const count: preParsingHookHandler = (request, _reply, payload, done) => {
    const share = shares.get(request);
    if (!share || (hasLength(request) && !isCompressed(request))) {
      done(null, payload);
      return;
    }
    let received = 0;
    const counter = new Transform({
      transform(chunk: Buffer, _encoding, next) {
        received += chunk.length;
        try {
          // What is larger is refused for that.
          const bytes = Math.min(received, maxBody);
          if (bytes > share.bytes) grow(share, bytes);
          next(null, chunk);
        } catch (error) {
          next(error as Error);
        }
      },
    });
    // Who reads it hears of an error; where nobody does any more, it is over.
    counter.on('error', () => {});
    // The HTTP library compares it with the length that was announced.
    Object.defineProperty(counter, 'receivedEncodedLength', {
      get: () => (payload as { receivedEncodedLength?: number }).receivedEncodedLength,
    });
    (payload as Readable).once('error', (error) => counter.destroy(error)).pipe(counter);
    done(null, counter);
  };
  app.addHook('onRoute', (route) => {
    route.preParsing = [route.preParsing ?? [], count].flat();
  });
}

const hasLength = ({ headers }: FastifyRequest) => headers['content-length'] !== undefined;
const isCompressed = ({ headers }: FastifyRequest) =>
  !['', 'identity'].includes(headers['content-encoding'] ?? '');

const isForm = ({ headers }: FastifyRequest) => headers['content-type']?.startsWith('multipart/') === true;

/** Forms are read by a parser that knows neither compression nor the end of a body. */
function requireForm(request: FastifyRequest, maxBody: number): void {
  if (isCompressed(request))
    throw new RequestError('unsupported', 'a form cannot be compressed; send the file alone, or as it is');
  if (Number(request.headers['content-length'] ?? 0) > maxBody + FORM_BYTES) throw bodyTooLarge(maxBody);
}

/** What is known of a body's size before it is read. A form is not read here, so that one of unknown size counts in full. */
function announced(request: FastifyRequest, maxBody: number): number {
  const length = request.headers['content-length'];
  if (length !== undefined) {
    // Other bodies that are larger are refused before they are read.
    const bytes = Number(length);
    return bytes <= maxBody ? bytes : isForm(request) ? maxBody : 0;
  }
  return isForm(request) ? maxBody : 0;
}
