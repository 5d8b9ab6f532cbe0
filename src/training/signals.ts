/** Ctrl-C: the first one asks for an orderly stop, the second one ends the process at once. */

/** The exit code of a program that Ctrl-C stopped (128 + SIGINT). */
export const INTERRUPTED = 130;

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * An AbortSignal that the first SIGINT or SIGTERM fires, after `onFirst`. From then on the system's own handling is
 * back, so that a second one ends the process whatever its threads are doing.
 */
export function abortOnSignals(onFirst: () => void): { signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  const dispose = () => {
    for (const name of SIGNALS) process.removeListener(name, handle);
  };
  const handle = () => {
    dispose();
    onFirst();
    controller.abort();
  };
  for (const name of SIGNALS) process.on(name, handle);
  return { signal: controller.signal, dispose };
}
