/** Progress through images: one updating line on a terminal, nothing elsewhere. */
import { formatDuration, Pace, textBar } from '../base/progress';

export interface ImageProgress {
  /** the first call says where it starts */
  update(done: number, total: number): void;
  /** ends the updating line */
  stop(): void;
}

/** Says nothing: for tests and programs. */
export const silentProgress: ImageProgress = { update: () => {}, stop: () => {} };

export function createImageProgress(output: NodeJS.WriteStream = process.stderr): ImageProgress {
  if (!output.isTTY) return silentProgress;
  const pace = new Pace();
  const bar = textBar(output);
  return {
    update: (done, total) => {
      const rate = pace.perSecond(done);
      const text = [
        `${done}/${total} images`,
        ...(Number.isNaN(rate) ? [] : [`${formatRate(rate)} images/s`]),
        `${formatDuration(pace.secondsLeft(done, total))} left`,
      ];
      bar.update(done, total, text.join('  '));
    },
    stop: () => bar.stop(),
  };
}

export const formatRate = (rate: number): string => rate.toFixed(rate < 10 ? 1 : 0);
