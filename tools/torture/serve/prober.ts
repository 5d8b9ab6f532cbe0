/**
 * A process of its own that asks a server every few milliseconds whether it is alive, each time on a new connection as
 * orchestrators do; it answers each message with how long that took since the last one.
 */
import { get } from 'node:http';

export interface Probes {
  /** milliseconds, ascending */
  readonly times: readonly number[];
  /** what went wrong, with the times it did */
  readonly failures: readonly string[];
}

const EVERY = 20;
const PATIENCE = 10_000;

const [, , url] = process.argv;
let times: number[] = [];
let failures: string[] = [];

function probe(): void {
  const started = performance.now();
  const request = get(`${url}/v2/health/live`, { agent: false, timeout: PATIENCE }, (response) => {
    response.resume();
    response.once('end', () => {
      times.push(performance.now() - started);
      if (response.statusCode !== 200) failures.push(`answered ${response.statusCode}`);
    });
  });
  request.once('timeout', () => request.destroy(new Error(`no answer in ${PATIENCE} ms`)));
  request.once('error', (error) => {
    times.push(performance.now() - started);
    failures.push(error.message);
  });
}

setInterval(probe, EVERY);
process.on('message', () => {
  const probes: Probes = { times: times.sort((a, b) => a - b), failures };
  [times, failures] = [[], []];
  process.send?.(probes);
});
process.once('disconnect', () => process.exit());
