/** Child process: an ONNX file's images a second in the runtime's session, with the options that the product uses. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { IMAGE } from '../../src/export/model/network';
import { readSafetensors, writeSafetensors } from '../../src/tensors/safetensors';
import { createSession } from '../../src/runtime/session';
import { runtimeVersion } from '../../src/runtime/version';
import { inferenceJobSchema, type InferenceAnswer, type InferenceJob } from './inferenceJob';
import { peakMegabytes } from './process';

const WARMUP = 2;

async function measure(job: InferenceJob): Promise<InferenceAnswer> {
  const images = readSafetensors(path.join(job.directory, 'images.safetensors')).tensors.get('images');
  if (!images) throw new Error('the benchmark has no images');
  const [, ...size] = images.shape;
  const bytes = size.reduce((a, b) => a * b, job.batch);
  const part = { dtype: images.dtype, shape: [job.batch, ...size], data: images.data.slice(0, bytes) };
  const feeds = new Map([[IMAGE, part]]);
  const session = await createSession(path.join(job.directory, job.variant), {
    provider: 'cpu',
    threads: job.threads,
  });
  for (let i = 0; i < WARMUP && job.seconds > 0; i++) await session.run(feeds);
  const seconds: number[] = [];
  const end = performance.now() + job.seconds * 1000;
  let embedding;
  do {
    const start = performance.now();
    embedding = (await session.run(feeds)).get('embedding');
    seconds.push((performance.now() - start) / 1000);
  } while (performance.now() < end);
  if (!embedding) throw new Error(`${job.variant} has no output embedding`);
  writeSafetensors(path.join(job.directory, job.embedding), new Map([['embedding', embedding]]));
  return { seconds, peakMb: peakMegabytes(), version: `onnxruntime-node ${runtimeVersion()}` };
}

function main(): void {
  const job = inferenceJobSchema.parse(JSON.parse(process.argv[2]));
  measure(job).then(
    (answer) => writeFileSync(1, `${JSON.stringify(answer)}\n`),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 1;
    },
  );
}

main();
