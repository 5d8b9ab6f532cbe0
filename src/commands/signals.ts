/**
 * Ctrl-C, a closed terminal and other requests to stop: what is half made is removed at the end of the process, and a command
 * that has something to save does that first.
 */

/** Exit codes of programs that a signal stopped: 128 and its number. */
const CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
export type StopSignal = keyof typeof CODES;
const SIGNALS = Object.keys(CODES) as StopSignal[];

/** Milliseconds in which a second signal is the first one again: `timeout` sends it to the process and to its group. */
const SAME = 300;

let leaveToSystem = () => {};

/**
 * An AbortSignal that the first of `signals` fires, after `onFirst`. Soon after, the system's own handling is back, so that a
 * second one ends the process whatever its threads are doing. `code` is for the process that it stopped.
 */
export function abortOnSignals(
  onFirst: () => void,
  signals: readonly StopSignal[] = SIGNALS,
): { signal: AbortSignal; code: () => number; dispose(): void } {
  const controller = new AbortController();
  let code = 0;
  const dispose = () => {
    for (const name of signals) process.removeListener(name, handle);
  };
  const handle = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) return;
    code = CODES[name as StopSignal];
    setTimeout(() => {
      dispose();
      leaveToSystem();
    }, SAME).unref();
    onFirst();
    controller.abort();
  };
  for (const name of signals) process.on(name, handle);
  return { signal: controller.signal, code: () => code, dispose };
}

/**
 * Ends the process by that signal, whatever its threads are doing: `process.exit` would wait for a model that computes, and the
 * runtime aborts the process where its own thread ends later. What is to be done at the end is done. A shell sees 128 and the
 * signal's number.
 */
export function endBy(name: StopSignal): void {
  process.emit('exit', CODES[name]);
  process.removeAllListeners(name);
  process.kill(process.pid, name);
}

/**
 * From now on signals end the process as they do anyway, but what is to be done at its end is done. Where somebody else listens to
 * one, that is theirs.
 */
export function exitOnSignals(): void {
  const exit = (name: NodeJS.Signals) => {
    if (process.listenerCount(name) === 1) endBy(name as StopSignal);
  };
  // Not once: the same signal may come twice, and must not end the process while it cleans up.
  for (const name of SIGNALS) process.on(name, exit);
  leaveToSystem = () => {
    for (const name of SIGNALS) process.removeListener(name, exit);
  };
}
