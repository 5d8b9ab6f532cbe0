/** What a call that must fail says to the user. */
import { UserError } from '../../src/base/errors';

/** The message of the UserError that `call` throws; fails where it throws none or another error. */
export function userErrorOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  throw new Error('expected a UserError');
}
