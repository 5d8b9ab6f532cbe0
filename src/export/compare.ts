/** What an exported file computes beside what the trainer's evaluation graph does. */
import { availableParallelism } from 'node:os';
import type { Bundle } from '../bundle/read';
import { UserError } from '../base/errors';
import { allocate, joinFloats, type HostTensor } from '../tensors/dtype';
import type { Pixels } from '../tensors/pixels';
import type { GraphSession } from '../runtime/session';
import { withSession } from '../run/openRun';
import { IMAGE } from './model/network';
import { inParts } from './samples';

/** How exported models are run here. */
export const SETTINGS = { provider: 'cpu', threads: availableParallelism() } as const;

/** Images at once. */
export const BATCH = 32;

/** `eval.onnx` with `state` on images [N, height, width, C], N at most its batch: one output's values. */
export async function evaluateImages(
  bundle: Bundle,
  state: ReadonlyMap<string, HostTensor>,
  images: HostTensor,
  output: string,
): Promise<Float32Array> {
  const { inputs } = bundle.manifest.graphs.eval;
  const [count, ...size] = images.shape;
  const feeds = inputs
    .filter(({ role }) => role === 'batch')
    .map(({ name, dtype, shape }): [string, HostTensor] => {
      const [batch, each = 1] = shape as number[];
      if (name === 'images') {
        const data = allocate(
          dtype,
          size.reduce((a, b) => a * b, batch),
        ) as Pixels;
        data.set(images.data as Pixels);
        return [name, { dtype, shape: [batch, ...size], data }];
      }
      // Labels and masks change neither logits nor embedding.
      const data = BigInt64Array.from({ length: batch * each }, (_, i) =>
        BigInt(name === 'labels' ? 0 : i % each),
      );
      return [name, { dtype, shape: shape as number[], data }];
    });
  return withSession({ bundle, state, ...SETTINGS }, async (session) => {
    const result = (await session.run('eval', new Map(feeds))).get(output);
    if (!result)
      throw new UserError(`${bundle.directory}: eval.onnx has no output ${output}; build the bundle again`);
    return (result.data as Float32Array).slice(0, (count * result.data.length) / result.shape[0]);
  });
}

/** One output of an exported model for `images`: of one alone, and then of the rest in batches. */
export async function runModel(
  session: GraphSession,
  images: HostTensor,
  output: string,
): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  for (const part of inParts(images, BATCH, 1)) {
    const result = (await session.run(new Map([[IMAGE, part]]))).get(output);
    if (!result) throw new Error(`the model has no output ${output}`);
    parts.push(result.data as Float32Array);
  }
  return joinFloats(parts);
}

/** Largest |a - b| over largest |b|; Infinity where anything is not a number or missing. */
export function largestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Infinity;
  let difference = 0;
  let scale = 1e-30;
  for (let i = 0; i < b.length; i++) {
    difference = Math.max(difference, Math.abs(a[i] - b[i]));
    scale = Math.max(scale, Math.abs(b[i]));
  }
  return Number.isNaN(difference) ? Infinity : difference / scale;
}
