/** The thread that owns one model's session; `session.run` blocks it and nothing else. */
import { parentPort, workerData } from 'node:worker_threads';
import { UserError } from '../base/errors';
import { readModel } from '../onnx/files';
import type { HostTensor } from '../tensors/dtype';
import type { OnnxValueInfo } from '../onnx/model';
import { createSession, type GraphSession, type SessionSettings } from '../runtime/session';

export type Entries = (readonly [name: string, tensor: HostTensor])[];

export interface Setup {
  readonly file: string;
  readonly settings: SessionSettings;
}

/** What the model takes and gives, and its metadata_props. */
export interface ModelInfo {
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** A run, or null: release the session and end. */
export type Request = { readonly id: number; readonly feeds: Entries } | null;

/** The first one has id -1 and tells whether the model is loaded. */
export type Reply =
  | { readonly id: number; readonly info: ModelInfo }
  | { readonly id: number; readonly outputs: Entries }
  | { readonly id: number; readonly error: string; readonly user: boolean };

export const LOADING = -1;

/** The runtime reads more models than the project's reader, which is needed for what a model says of itself alone. */
function readMetadata(file: string): Readonly<Record<string, string>> {
  try {
    return readModel(file).metadata;
  } catch {
    return {};
  }
}

if (parentPort !== null) {
  const port = parentPort;
  const { file, settings } = workerData as Setup;
  const reply = async (id: number, make: () => Promise<Reply>) => {
    try {
      port.postMessage(await make());
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      port.postMessage({ id, error: message, user: error instanceof UserError } satisfies Reply);
    }
  };
  let session: GraphSession | undefined;
  let queue = reply(LOADING, async () => {
    session = await createSession(file, settings);
    return { id: LOADING, info: { ...session.describe(), metadata: readMetadata(file) } };
  });
  port.on('message', (request: Request) => {
    queue = queue.then(async () => {
      if (request === null) {
        await session?.release();
        port.close();
        return;
      }
      const { id, feeds } = request;
      await reply(id, async () => {
        if (!session) throw new Error('no model is loaded');
        return { id, outputs: [...(await session.run(new Map(feeds)))] };
      });
    });
  });
}
