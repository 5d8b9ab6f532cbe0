/** What tells how far a walk through images is. */
export interface ImageProgress {
  /** the first call says where it starts */
  update(done: number, total: number): void;
  /** ends the updating line */
  stop(): void;
}

/** Says nothing: for tests and programs. */
export const silentProgress: ImageProgress = { update: () => {}, stop: () => {} };
