/** The page's worker: one `Trainer` that hears and answers messages. */
import type { FromWorker, ToWorker } from './protocol';
import { prepareRuntime } from './session';
import { Trainer } from './trainer';

/** What of a worker's scope is used. */
interface Port {
  postMessage(message: FromWorker): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
}
const port = self as unknown as Port;

const threads = self.crossOriginIsolated ? navigator.hardwareConcurrency : 1;
prepareRuntime(new URL('./model/', self.location.href).href, threads);

const trainer = new Trainer((message) => port.postMessage(message));

async function handle(message: ToWorker): Promise<void> {
  try {
    await trainer.handle(message);
  } catch (error) {
    port.postMessage({ kind: 'error', text: error instanceof Error ? error.message : String(error) });
  }
}

let last = Promise.resolve();
port.onmessage = ({ data }) => {
  // A run is one long message: these two are heard while it lasts, everything else after it.
  if (data.kind === 'pause' || data.kind === 'save') void handle(data);
  else last = last.then(() => handle(data));
};
