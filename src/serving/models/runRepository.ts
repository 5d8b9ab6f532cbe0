/** A run's folder as a model repository: its newest checkpoint, exported for pixels as evaluation has them and for photos. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { threadFile } from '../../base/build';
import { UserError } from '../../base/errors';
import { WorkerCalls } from '../../base/workerCalls';
import { listCheckpoints } from '../../run/checkpoints';
import type { ExportJob } from './exportWorker';
import { compareVersions, MODEL_FILE } from '../../repository/layout';

/** Model names end in these. */
const FORMS = [
  { suffix: '', input: 'float' },
  { suffix: '-photo', input: 'photo' },
] as const;

const versionOf = (step: number) => String(Math.max(1, step));

export class RunRepository {
  private served = -1;
  /** checkpoints that could not be exported */
  private readonly bad = new Set<string>();
  private readonly name: string;

  /** @param folder where the repository is made */
  constructor(
    private readonly run: string,
    readonly folder: string,
    private readonly warn: (line: string) => void,
  ) {
    this.name = path.basename(path.resolve(run)).replace(/^\.+/, '') || 'model';
  }

  /**
   * Exports the newest checkpoint that is newer than what is there; its step is the version. Where one cannot be exported, the
   * one before is tried, with a warning. UserError where there is nothing to serve at all.
   */
  async update(): Promise<void> {
    // Temporary folders are cleaned on servers that run for long.
    if (FORMS.some(({ suffix }) => !existsSync(this.file(suffix, this.served)))) this.served = -1;
    let last: unknown;
    for (const { step, file } of listCheckpoints(this.run)) {
      if (step <= this.served) return;
      if (this.bad.has(file)) continue;
      try {
        await this.export(step, file);
        this.served = step;
        return;
      } catch (error) {
        last = error;
        this.bad.add(file);
        this.warn(`${file} is not served: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    if (this.served >= 0) return;
    if (last instanceof Error) throw last;
    throw new UserError(`${this.run}: no checkpoint yet; train it with \`selfie train ${this.run}\``);
  }

  private file(suffix: string, step: number): string {
    return path.join(this.folder, `${this.name}${suffix}`, versionOf(step), MODEL_FILE);
  }

  private async export(step: number, checkpoint: string): Promise<void> {
    const version = versionOf(step);
    const made: [from: string, to: string][] = [];
    try {
      for (const { suffix, input } of FORMS) {
        const model = path.join(this.folder, `${this.name}${suffix}`);
        const hidden = path.join(model, `.${version}`);
        mkdirSync(hidden, { recursive: true });
        made.push([hidden, path.join(model, version)]);
        await exportInThread({ directory: this.run, checkpoint, out: path.join(hidden, MODEL_FILE), input });
      }
    } catch (error) {
      for (const [hidden] of made) rmSync(hidden, { recursive: true, force: true });
      throw error;
    }
    for (const [hidden, place] of made) {
      const versions = readdirSync(path.dirname(place)).filter((name) => /^\d+$/.test(name));
      for (const old of versions.sort(compareVersions).slice(1))
        rmSync(path.join(path.dirname(place), old), { recursive: true });
      rmSync(place, { recursive: true, force: true });
      renameSync(hidden, place);
    }
  }
}

/** Exporting takes seconds of computing, which the main thread has not. */
async function exportInThread(job: ExportJob): Promise<void> {
  const program = threadFile('src/serving/models/exportWorker.js');
  const thread = new WorkerCalls<ExportJob, void>(program, undefined, 'the thread that exports');
  try {
    await thread.call(job);
  } finally {
    await thread.close();
  }
}
