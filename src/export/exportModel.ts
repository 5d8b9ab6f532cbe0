/** `export`: a run's checkpoint as one inference model, checked against the trainer's own evaluation graph. */
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import type { Manifest } from '../bundle/manifest';
import { graphPath, type Bundle } from '../bundle/read';
import { Random } from '../data/random';
import { UserError } from '../errors';
import { allocate, type HostTensor } from '../onnx/dtype';
import { readModel, writeModel } from '../onnx/files';
import { createSession } from '../runtime/session';
import { StateSession } from '../runtime/stateSession';
import { embedState, exportMetadata, OUTPUT_OF, type ExportDetails, type ExportKind } from './embed';

export interface ExportRequest {
  readonly bundle: Bundle;
  readonly state: ReadonlyMap<string, HostTensor>;
  /** the .onnx file to write */
  readonly out: string;
  readonly kind: ExportKind;
  readonly details: ExportDetails;
}

export interface ExportReport {
  readonly file: string;
  readonly kind: ExportKind;
  /** images on which the file was compared with the evaluation graph */
  readonly images: number;
  /** largest difference over the largest value */
  readonly error: number;
}

/** What two float32 spellings of one network may differ by; a wrong weight or a wrong normalization is far beyond. */
const TOLERANCE = 1e-3;

/** A batch of random images for the evaluation graph, its other inputs at their plainest. */
function checkBatch({ graphs }: Manifest): Map<string, HostTensor> {
  const random = new Random(0, 'export');
  return new Map(
    graphs.eval.inputs
      .filter(({ role }) => role === 'batch')
      .map(({ name, dtype, shape }) => {
        const sizes = shape as number[];
        const data = allocate(
          dtype,
          sizes.reduce((a, b) => a * b, 1),
        );
        if (name === 'images') for (let i = 0; i < data.length; i++) data[i] = random.integer(256);
        if (name === 'patch_order') for (let i = 0; i < data.length; i++) data[i] = BigInt(i % sizes[1]);
        return [name, { dtype, shape: sizes, data }] as const;
      }),
  );
}

/** What the trainer's evaluation graph computes for `batch`. */
async function evaluateBatch(
  bundle: Bundle,
  state: ExportRequest['state'],
  batch: Map<string, HostTensor>,
  output: string,
): Promise<HostTensor> {
  const session = new StateSession(bundle, { provider: 'cpu', threads: availableParallelism() });
  try {
    await session.setState(state);
    const result = (await session.run('eval', batch)).get(output);
    if (!result)
      throw new UserError(`${bundle.directory}: eval.onnx has no output ${output}; build the bundle again`);
    return result;
  } finally {
    await session.close();
  }
}

/** What the exported file computes for the images, in batches of one and of the rest. */
async function runExported(file: string, images: HostTensor, output: string): Promise<Float32Array> {
  const session = await createSession(file, { provider: 'cpu', threads: availableParallelism() });
  const [count, ...size] = images.shape;
  const bytes = images.data.length / count;
  const results: number[] = [];
  try {
    for (const [from, to] of [
      [0, 1],
      [1, count],
    ]) {
      if (from === to) continue;
      const part = images.data.slice(from * bytes, to * bytes);
      const feeds = new Map([['images', { dtype: images.dtype, shape: [to - from, ...size], data: part }]]);
      results.push(...((await session.run(feeds)).get(output)?.data as Float32Array));
    }
    return Float32Array.from(results);
  } finally {
    await session.release();
  }
}

/** Largest |a - b| over largest |b|. */
function relativeError(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Infinity;
  let difference = 0;
  let scale = 1e-30;
  for (let i = 0; i < b.length; i++) {
    difference = Math.max(difference, Math.abs(a[i] - b[i]));
    scale = Math.max(scale, Math.abs(b[i]));
  }
  return Number.isNaN(difference) ? Infinity : difference / scale;
}

/**
 * Writes the model to `out` once it was checked: same images through the file and through eval.onnx, results within
 * TOLERANCE. Nothing is left behind where anything fails. Throws a UserError for a kind that the network does not have.
 */
export async function exportModel({
  bundle,
  state,
  out,
  kind,
  details,
}: ExportRequest): Promise<ExportReport> {
  const { manifest } = bundle;
  const metadata = exportMetadata(manifest, kind, details);
  const model = embedState(readModel(graphPath(bundle, 'encoder')), state, kind, metadata);
  const folder = path.dirname(path.resolve(out));
  const temporary = path.join(folder, `.export-${process.pid}`);
  mkdirSync(temporary, { recursive: true });
  try {
    const file = path.join(temporary, path.basename(out));
    writeModel(file, model);
    const batch = checkBatch(manifest);
    const images = batch.get('images') as HostTensor;
    const expected = await evaluateBatch(bundle, state, batch, OUTPUT_OF[kind]);
    const computed = await runExported(file, images, OUTPUT_OF[kind]);
    const error = relativeError(computed, expected.data as Float32Array);
    if (!(error <= TOLERANCE)) {
      throw new UserError(
        `${out}: the exported model differs from the trainer's evaluation graph by ${error.toExponential(1)} of its largest value; not written`,
      );
    }
    for (const name of readdirSync(temporary))
      renameSync(path.join(temporary, name), path.join(folder, name));
    return { file: out, kind, images: images.shape[0], error };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
