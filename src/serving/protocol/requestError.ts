/** What a request is refused for, by the codes of both protocols. */
import { status } from '@grpc/grpc-js';
import { UserError } from '../../base/errors';

const REASONS = {
  invalid: { http: 400, grpc: status.INVALID_ARGUMENT },
  unknown: { http: 404, grpc: status.NOT_FOUND },
  tooLarge: { http: 413, grpc: status.RESOURCE_EXHAUSTED },
  unsupported: { http: 415, grpc: status.INVALID_ARGUMENT },
  queueFull: { http: 429, grpc: status.RESOURCE_EXHAUSTED },
  failed: { http: 500, grpc: status.INTERNAL },
  unimplemented: { http: 501, grpc: status.UNIMPLEMENTED },
  unavailable: { http: 503, grpc: status.UNAVAILABLE },
} as const;

export type Reason = keyof typeof REASONS;

/** A request that gets no result; the message is for who sent it. */
export class RequestError extends UserError {
  override name = 'RequestError';

  constructor(
    readonly reason: Reason,
    message: string,
  ) {
    super(message);
  }

  get http(): number {
    return REASONS[this.reason].http;
  }

  get grpc(): status {
    return REASONS[this.reason].grpc;
  }
}

/** Any error as one that a client may see: of what nobody foresaw, `warn` gets the message and the client does not. */
export function asRequestError(error: unknown, warn: (line: string) => void): RequestError {
  if (error instanceof RequestError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof UserError) return new RequestError('failed', message);
  warn(`a request failed: ${message.replace(/\s*\n\s*/g, ' ')}`);
  return new RequestError('failed', 'the server failed in a way nobody foresaw; its log says more');
}
