/** What a request is refused for, by the codes of both protocols. */
import { status } from '@grpc/grpc-js';
import { oneLine, UserError } from '../../base/errors';

const REASONS = {
  invalid: { http: 400, grpc: status.INVALID_ARGUMENT },
  forbidden: { http: 403, grpc: status.PERMISSION_DENIED },
  unknown: { http: 404, grpc: status.NOT_FOUND },
  slow: { http: 408, grpc: status.DEADLINE_EXCEEDED },
  tooLarge: { http: 413, grpc: status.RESOURCE_EXHAUSTED },
  unsupported: { http: 415, grpc: status.INVALID_ARGUMENT },
  queueFull: { http: 429, grpc: status.RESOURCE_EXHAUSTED },
  failed: { http: 500, grpc: status.INTERNAL },
  unimplemented: { http: 501, grpc: status.UNIMPLEMENTED },
  unavailable: { http: 503, grpc: status.UNAVAILABLE },
} as const;

export type Reason = keyof typeof REASONS;

/** Characters of a message. */
const LONGEST = 500;

/** A message in one line of bounded length, whatever a request or a file that it quotes holds. */
export const boundedText = (message: string): string =>
  oneLine(message.length > LONGEST ? `${message.slice(0, LONGEST)}...` : message);

/** A request that gets no result; the message, in one line of bounded length, is for who sent it. */
export class RequestError extends UserError {
  override name = 'RequestError';

  constructor(
    readonly reason: Reason,
    message: string,
  ) {
    super(boundedText(message));
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
