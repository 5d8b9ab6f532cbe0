/** Errors that the user can mend; commands print their message alone, without a stack. What they quote may be of any file. */

export class UserError extends Error {
  override name = 'UserError';

  /** @param message may quote names and values from files, whatever these hold: it becomes one line of bounded length */
  constructor(message: string, options?: ErrorOptions) {
    super(plainLine(message), options);
  }
}

/** Characters of a message, and of what is kept of the beginning and the end of a longer one. */
const LONGEST = 1500;
const BEGINNING = 900;
const END = 400;

/** One line for people: no control characters, none that turn the direction of reading, and not too long. */
export function plainLine(message: string): string {
  const { length } = message;
  const short =
    length <= LONGEST
      ? message
      : `${message.slice(0, BEGINNING)} … (${length - BEGINNING - END} characters) … ${message.slice(-END)}`;
  return oneLine(short.replace(/\s*\r?\n\s*/g, ' '));
}

/** Text from a file, without line breaks and other control characters that it may hold. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '?');
}

/** Characters of a name that is shown. */
const NAME = 120;

/** A name from a file as it is shown, in a table, a picture or a file of labels: `oneLine`, and cut where it is long. */
export function shownName(name: string): string {
  const plain = oneLine(name);
  return plain.length <= NAME ? plain : `${plain.slice(0, NAME - 1)}…`;
}
