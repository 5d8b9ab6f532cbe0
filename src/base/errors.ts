/** Errors that the user can mend; commands print their message alone, without a stack. */

export class UserError extends Error {
  override name = 'UserError';
}

/** A message that quotes names from a file, without line breaks and other control characters that these may hold. */
export function oneLine(message: string): string {
  return message.replace(/[\p{Cc}\u2028\u2029]/gu, '?');
}
