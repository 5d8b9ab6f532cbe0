/** A consumer in a process of its own that answers a line of JSON with a line of JSON. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { readSafetensors } from '../../src/tensors/safetensors';
import type { Consumer } from './consumer';

const helloSchema = z.union([z.object({ version: z.string() }), z.object({ missing: z.string() })]);
const answerSchema = z.union([z.object({ ok: z.literal(true) }), z.object({ error: z.string() })]);

/** Starts `command`, which speaks as consume.py does. */
export async function startProcess(
  name: string,
  command: string,
  args: readonly string[],
): Promise<Consumer | { readonly missing: string }> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const said: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  const failed = new Promise<never>((_, reject) => {
    child.on('error', (error) => reject(new Error(`cannot start ${command}: ${error.message}`)));
    child.on('exit', (code) =>
      reject(new Error(`${name} ended with ${code}: ${said.join('').trim().split('\n').at(-1) ?? ''}`)),
    );
  });
  failed.catch(() => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const line: IteratorResult<string, unknown> = await Promise.race([lines.next(), failed]);
    return line.done ? await failed : JSON.parse(line.value);
  };
  const hello = await next().then(
    (line) => helloSchema.parse(line),
    (error: unknown) => ({ missing: (error as Error).message }),
  );
  if ('missing' in hello) {
    child.kill();
    return hello;
  }
  return {
    version: hello.version,
    async run(file) {
      const outputs = `${file.model}.${name}.safetensors`;
      const { model, inputs } = file;
      child.stdin.write(`${JSON.stringify({ model, inputs, outputs, names: file.outputs })}\n`);
      const answer = answerSchema.parse(await next());
      if ('error' in answer) throw new Error(answer.error);
      return readSafetensors(outputs).tensors;
    },
    close: () => {
      child.kill();
      return Promise.resolve();
    },
  };
}
