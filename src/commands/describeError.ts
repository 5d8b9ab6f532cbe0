/** What a failed command prints. */
import { plainLine, UserError } from '../base/errors';

/** One line for what the user can mend; for anything else, the message and how to see more, or with `debug` the stack. */
export function describeError(error: unknown, debug: boolean): string {
  const message = error instanceof Error ? error.message : String(error);
  const line = `error: ${plainLine(message)}`;
  if (error instanceof UserError || isSystemError(error)) return line;
  if (debug && error instanceof Error) return error.stack ?? line;
  return `${line} (unexpected; set SELFIE_DEBUG=1 to see where)`;
}

/** The operating system refused something: no space, no permission. */
const isSystemError = (error: unknown) =>
  typeof error === 'object' && error !== null && 'syscall' in error && 'code' in error;
