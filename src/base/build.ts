/**
 * The files of this build, for threads that may start long after the process: a later build of the repository takes the place of
 * dist/ and keeps the one before beside it (tools/build/dist.mjs). An installed package has no `build-id` and stays where it is.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { UserError } from './errors';

export class Build {
  private readonly id: string | undefined;

  constructor(private readonly folder: string) {
    this.id = this.present();
  }

  /** Where `file`, relative to dist/, is now. UserError where this build is gone. */
  file(file: string): string {
    if (this.id === undefined || this.present() === this.id) return path.join(this.folder, file);
    const kept = path.join(path.dirname(this.folder), `.build-${this.id}`, file);
    if (existsSync(kept)) return kept;
    throw new UserError(
      `${this.folder} was built anew while this process ran; start it again (train goes on with --resume)`,
    );
  }

  private present(): string | undefined {
    const mark = path.join(this.folder, 'build-id');
    return existsSync(mark) ? readFileSync(mark, 'utf8') : undefined;
  }
}

const thisBuild = new Build(path.resolve(__dirname, '..', '..'));

/** The file of a thread, by its place in dist/. */
export const threadFile = (file: string): string => thisBuild.file(file);
