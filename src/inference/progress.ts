/** Progress through images: one updating line on a terminal, nothing elsewhere. */
import { formatDuration, Pace, textBar } from '../base/progress';
import { silentProgress, type ImageProgress } from './imageProgress';

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
