/** The bytes of all requests that are being read or answered, and the end of what may be held at once. */
import { Transform, type Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest, preParsingHookHandler } from 'fastify';
import { RequestError } from './requestError';

/** So many of the largest requests may be held together. */
export const LARGEST_AT_ONCE = 8;

/** A request's part of them. */
interface Share {
  bytes: number;
}

/** Refuses requests of `app` whose bodies would pass the limit, in parsers that are registered before. */
export function boundBodies(app: FastifyInstance, maxBody: number): void {
  const limit = LARGEST_AT_ONCE * maxBody;
  let held = 0;
  const shares = new WeakMap<FastifyRequest, Share>();
  const grow = (share: Share, bytes: number) => {
    if (held + bytes - share.bytes > limit)
      throw new RequestError(
        'queueFull',
        `requests of ${held} bytes are read or wait already, and no more are taken; try again later`,
      );
    held += bytes - share.bytes;
    share.bytes = bytes;
  };

  app.addHook('onRequest', async (request, reply) => {
    const share = { bytes: 0 };
    shares.set(request, share);
    grow(share, announced(request, maxBody));
    reply.raw.once('close', () => (held -= share.bytes));
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

/** What is known of a body's size before it is read. A form is not read here, so that one of unknown size counts in full. */
function announced(request: FastifyRequest, maxBody: number): number {
  const length = request.headers['content-length'];
  if (length !== undefined) return Number(length) <= maxBody ? Number(length) : 0;
  return request.headers['content-type']?.startsWith('multipart/') ? maxBody : 0;
}
