/** Mutants that no test can or need tell from the program, with the reason; each as the table names it, without its line. */

export interface Accepted {
  /** the end of its title, from the kind on */
  readonly file: string;
  readonly mutant: string;
  readonly reason: string;
}

export const ACCEPTED: readonly Accepted[] = [];
