/** The thread that owns one model's session; `session.run` blocks it and nothing else. */
import { workerData } from 'node:worker_threads';
import { answerCalls } from '../base/workerCalls';
import { inspectModel } from '../onnx/inspect';
import type { HostTensor } from '../tensors/dtype';
import type { OnnxValueInfo } from '../onnx/model';
import type { SessionSettings } from '../runtime/providers';
import { createSession, type GraphSession } from '../runtime/session';

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

/** `load` comes first and is answered by what the model is; a run by its outputs. */
export type Request = 'load' | Entries;

let session: GraphSession | undefined;

async function answer(request: Request): Promise<ModelInfo | Entries> {
  if (request === 'load') {
    const { file, settings } = workerData as Setup;
    // Before the runtime opens what the model names.
    const { metadata } = inspectModel(file);
    session = await createSession(file, settings);
    return { ...session.describe(), metadata };
  }
  if (!session) throw new Error('no model is loaded');
  return [...(await session.run(new Map(request)))];
}

answerCalls(answer, () => session?.release());
