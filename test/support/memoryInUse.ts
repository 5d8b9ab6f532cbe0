/** How much memory a graph needs at once, as the runtime itself counts it. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as ort from 'onnxruntime-node';
import { fromBytes, toBytes, type HostTensor } from '../../src/tensors/dtype';
import { inTemporaryFolder } from './temporary';

/** The most bytes of the arena in use after a node of one run, as the runtime's own profile has it. */
export async function mostInUse(
  model: Uint8Array,
  feeds: Iterable<readonly [string, HostTensor]>,
): Promise<number> {
  let most = 0;
  await inTemporaryFolder(async (folder) => {
    const session = await ort.InferenceSession.create(model, {
      intraOpNumThreads: 1,
      enableMemPattern: false,
      enableProfiling: true,
      profileFilePrefix: path.join(folder, 'profile'),
      logSeverityLevel: 4,
    });
    const tensors = [...feeds].map(([name, { dtype, data, shape }]) => [
      name,
      new ort.Tensor(dtype as 'float32', fromBytes(dtype, toBytes(data)) as Float32Array, [...shape]),
    ]);
    await session.run(Object.fromEntries(tensors) as Record<string, ort.Tensor>);
    session.endProfiling();
    await session.release();
    const [file] = readdirSync(folder);
    const events = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as {
      args?: { mem_bytes_in_use?: string };
    }[];
    most = Math.max(...events.map(({ args }) => Number(args?.mem_bytes_in_use ?? 0)));
  });
  return most;
}
