/** Pieces of progress for people: pace, durations, one updating line of a terminal. */
import { SingleBar } from 'cli-progress';

/** One updating line of a terminal: a bar, and a text. */
export function textBar(output: NodeJS.WriteStream) {
  let bar: SingleBar | null = null;
  return {
    update: (done: number, total: number, text: string) => {
      if (!bar) {
        // gracefulExit would end the process on Ctrl-C before its checkpoint is written.
        bar = new SingleBar({
          format: '{bar} {text}',
          stream: output,
          barsize: 12,
          fps: 5,
          hideCursor: true,
          gracefulExit: false,
        });
        bar.start(total, done, { text });
      }
      bar.update(done, { text });
    },
    stop: () => {
      bar?.stop();
      bar = null;
    },
  };
}

/** `45s`, `3m05s`, `2h07m`; `?` where unknown. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`;
}

/** The mean pace since the first call of this process. */
export class Pace {
  private first: { step: number; time: number } | null = null;

  /** NaN at the first call */
  perSecond(step: number): number {
    const time = performance.now() / 1000;
    this.first ??= { step, time };
    const done = step - this.first.step;
    return done === 0 ? NaN : done / (time - this.first.time);
  }

  secondsLeft(step: number, total: number): number {
    const pace = this.perSecond(step);
    return step === total ? 0 : (total - step) / pace;
  }
}
