/** What reads files that others made: how a valid input is made, and how it is read. */
export interface Reader {
  readonly name: string;
  /** inputs of ten thousand, as parts; default 1 */
  readonly weight?: number;
  /** writes a valid input into an empty folder; `material`: the folder of the trained runs */
  make(folder: string, material: string): void | Promise<void>;
  /** which of the files are damaged; default: all */
  readonly damaged?: RegExp;
  /** its names, folders and links are damaged, not the contents of its files */
  readonly isTree?: boolean;
  /** the valid input is refused by some builds */
  readonly mayBeRefused?: boolean;
  /** reads it all; a UserError is right */
  read(folder: string): unknown;
}
