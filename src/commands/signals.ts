/** Ctrl-C: the first one asks for an orderly stop, the second one ends the process at once. */

/** The exit code of a program that Ctrl-C stopped (128 + SIGINT). */
export const INTERRUPTED = 130;

const CODES = { SIGINT: INTERRUPTED, SIGTERM: 143 } as const;
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Milliseconds in which a second signal is the first one again: `timeout` sends it to the process and to its group. */
const SAME = 300;

/**
 * An AbortSignal that the first SIGINT or SIGTERM fires, after `onFirst`. Soon after, the system's own handling is back, so
 * that a second one ends the process whatever its threads are doing.
 */
export function abortOnSignals(onFirst: () => void): { signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  const dispose = () => {
    for (const name of SIGNALS) process.removeListener(name, handle);
  };
  const handle = () => {
    if (controller.signal.aborted) return;
    setTimeout(dispose, SAME).unref();
    onFirst();
    controller.abort();
  };
  for (const name of SIGNALS) process.on(name, handle);
  return { signal: controller.signal, dispose };
}

/** SIGINT and SIGTERM end the process as they do anyway, but through `exit`: what is to be done at its end is done. */
export function exitOnSignals(): void {
  for (const name of SIGNALS) process.once(name, () => process.exit(CODES[name]));
}
