/** The page's line to its worker, which is started anew with one thread where the device refuses more. */
import { messageOf } from '../common/words';
import type { FromWorker, ToWorker } from './protocol';

/** Starts the worker; what is told before it is up waits. `receive` hears the worker, and why there is none. */
export function connect(address: URL, receive: (message: FromWorker) => void): (message: ToWorker) => void {
  const waiting: ToWorker[] = [];
  let worker: Worker | null = null;
  let isUp = false;

  const fail = (text: string) => receive({ kind: 'error', text });

  function launch(threads: number | null, refused: string | null): void {
    const from = new URL(address);
    if (threads !== null) from.searchParams.set('threads', String(threads));
    try {
      worker = new Worker(from, { type: 'module' });
    } catch (error) {
      fail(`this browser starts no worker: ${messageOf(error)}`);
      return;
    }
    const mine = worker;
    const again = (reason: string) => {
      mine.terminate();
      if (worker === mine) launch(1, `this device refused more (${reason})`);
    };
    mine.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (worker !== mine) return;
      if (data.kind !== 'runtime') {
        receive(data);
      } else if (data.problem !== null && data.threads > 1) {
        again(data.problem);
      } else {
        isUp = true;
        receive({ ...data, problem: refused ?? data.problem });
        for (const message of waiting.splice(0)) mine.postMessage(message);
      }
    };
    mine.onerror = (event) => {
      event.preventDefault();
      if (worker !== mine) return;
      const reason = messageOf(event.message || 'it cannot be loaded');
      if (isUp) fail(reason);
      else if (threads === null) again(reason);
      else fail(`the worker did not start: ${reason}`);
    };
    mine.onmessageerror = () => fail('the browser could not hand over what the worker sent');
  }

  launch(null, null);
  return (message) => {
    if (isUp) worker?.postMessage(message);
    else waiting.push(message);
  };
}
