/** The page's worker: starts the runtime, then one `Trainer` hears and answers messages. */
import { tellFailures } from '../common/failures';
import { threadsOf } from '../common/threads';
import { messageOf } from '../common/words';
import type { FromWorker, ToWorker } from './protocol';
import { startRuntime } from './session';
import { Trainer } from './trainer';

/** What of a worker's scope is used. */
interface Port {
  postMessage(message: FromWorker): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
}
const port = self as unknown as Port;

const fail = (error: unknown) => port.postMessage({ kind: 'error', text: messageOf(error) });

function serve(): void {
  const trainer = new Trainer((message) => port.postMessage(message));
  const handle = (message: ToWorker) => trainer.handle(message).catch(fail);
  let last = Promise.resolve();
  port.onmessage = ({ data }) => {
    // A run is one long message: these two are heard while it lasts, everything else after it.
    if (data.kind === 'pause' || data.kind === 'save') void handle(data);
    else last = last.then(() => handle(data));
  };
  tellFailures(self, fail);
}

async function start(): Promise<void> {
  const asked = new URL(self.location.href).searchParams.get('threads');
  const { count: threads, reason } = threadsOf(self, asked === null ? undefined : Number(asked));
  try {
    await startRuntime(new URL('./model/', self.location.href).href, threads);
  } catch (error) {
    port.postMessage({ kind: 'runtime', threads, problem: messageOf(error) });
    return;
  }
  serve();
  port.postMessage({ kind: 'runtime', threads, problem: reason });
}

void start();
