/** The bytes of all requests that are being read or answered, and the end of what may be held at once. */
import { Transform, type Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest, preParsingHookHandler } from 'fastify';
import { RequestError } from '../protocol/requestError';
import { BodyTurns } from './bodyTurns';

/** So many of the largest requests may be held together. */
export const LARGEST_AT_ONCE = 8;

export interface BodyLimits {
  /** bytes of one */
  readonly maxBody: number;
  /** milliseconds without a byte, after which a body that has not all arrived is given up */
  readonly idle: number;
}

export const bodyTooLarge = (maxBody: number) =>
  new RequestError('tooLarge', `the body has more than ${maxBody} bytes (the server's --max-body)`);

/** What has arrived of a request's body: counted until it is answered, since what is announced costs nothing. */
class Arrival {
  private bytes = 0;
  private timer: NodeJS.Timeout | undefined;
  private isOver = false;

  constructor(
    private readonly all: { held: number },
    private readonly limit: number,
    private readonly limits: BodyLimits,
    private readonly turns: BodyTurns,
  ) {}

  /** `fail` gets the error of a body of which no more comes for too long. */
  wait(fail: (error: RequestError) => void): void {
    clearTimeout(this.timer);
    if (this.isOver) return;
    const { idle } = this.limits;
    this.timer = setTimeout(
      () => fail(new RequestError('slow', `nothing more of the body has come for ${idle / 1000} s`)),
      idle,
    );
  }

  /** Calls `read` for bytes that have come, at once or in a later turn, and waits for more. RequestError as of `add`. */
  read(bytes: number, read: () => void, fail: (error: RequestError) => void): void {
    this.add(bytes);
    this.wait(fail);
    this.turns.take(bytes, read);
  }

  /** RequestError where all together become too many. */
  private add(bytes: number): void {
    if (this.isOver) return;
    // What is larger is refused for that.
    const more = Math.min(bytes, this.limits.maxBody - this.bytes);
    if (this.all.held + more > this.limit)
      throw new RequestError(
        'queueFull',
        `requests of ${this.all.held} bytes are read or wait already, and no more are taken; try again later`,
      );
    this.bytes += more;
    this.all.held += more;
  }

  arrived(): void {
    clearTimeout(this.timer);
  }

  /** It was answered: what still comes is nobody's. */
  end(): void {
    this.isOver = true;
    clearTimeout(this.timer);
    this.all.held -= this.bytes;
  }
}

const arrivals = new WeakMap<FastifyRequest, Arrival>();

/** Refuses requests of `app` whose bodies would pass the limits, in parsers that are registered before. */
export function boundBodies(app: FastifyInstance, limits: BodyLimits): void {
  const limit = LARGEST_AT_ONCE * limits.maxBody;
  const all = { held: 0 };
  const turns = new BodyTurns(app.server);
  app.addHook('onRequest', async (request, reply) => {
    const arrival = new Arrival(all, limit, limits, turns);
    arrivals.set(request, arrival);
    reply.raw.once('close', () => arrival.end());
  });
  const count: preParsingHookHandler = (request, _reply, payload, done) => {
    const arrival = arrivals.get(request);
    if (!arrival || !hasBody(request)) {
      done(null, payload);
      return;
    }
    const counter: Transform = new Transform({
      transform(chunk: Buffer, _encoding, next) {
        try {
          arrival.read(chunk.length, () => next(null, chunk), fail);
        } catch (error) {
          next(error as Error);
        }
      },
      flush(next) {
        arrival.arrived();
        next();
      },
    });
    const fail = (error: RequestError) => counter.destroy(error);
    arrival.wait(fail);
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

const hasBody = ({ headers }: FastifyRequest) =>
  headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
