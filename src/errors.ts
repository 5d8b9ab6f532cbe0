/** Errors that the user can mend; commands print their message alone, without a stack. */

export class UserError extends Error {
  override name = 'UserError';
}
