/** The exported files that consumers are tried on: small networks that were trained for a few steps. */
import path from 'node:path';
import { buildBundle } from '../../graphs/tasks';
import { readBundle } from '../../src/bundle/read';
import { recipeSchema, type RecipeInput } from '../../src/bundle/recipe';
import { evaluateImages } from '../../src/export/compare';
import { exportRun, type ExportRunOptions } from '../../src/export/exportRun';
import { asInput, readSamples } from '../../src/export/samples';
import { writeSafetensors } from '../../src/tensors/safetensors';
import { readModel } from '../../src/onnx/files';
import type { HostTensor } from '../../src/tensors/dtype';
import { readNewestCheckpoint } from '../../src/run/checkpoints';
import { train } from '../../src/training/trainer';

export interface ConsumerFile {
  readonly name: string;
  readonly model: string;
  /** safetensors with `image` */
  readonly inputs: string;
  /** what the trainer's evaluation graph computes, by name of the output */
  readonly expected: ReadonlyMap<string, Float32Array>;
  /** every output, in order */
  readonly outputs: readonly string[];
  /** of the largest value of an output: what a file may differ from the trainer by */
  readonly allowed: number;
}

const DATA = 'embedded';
const STEPS = 20;
const IMAGES = 4;

type Network = NonNullable<RecipeInput['network']>;

const NETWORKS: Readonly<Record<string, { task: 'pretrain' | 'finetune'; network: Network }>> = {
  encoder: { task: 'pretrain', network: { stages: [1, 1], finalNorm: true } },
  classifier: { task: 'finetune', network: { version: 'v1', stem: 'imagenet', stages: [1, 1, 1] } },
  hybrid: { task: 'finetune', network: { stages: [1, 1], globalPool: 'attention' } },
};

type Form = Omit<ExportRunOptions, 'directory' | 'out'>;

const FORMS: readonly (readonly [network: string, suffix: string, form: Form, allowed: number])[] = [
  ['encoder', '', { map: true }, 1e-4],
  ['classifier', '', {}, 1e-4],
  ['classifier', '-opset13', { opset: 13 }, 1e-4],
  ['classifier', '-opset21', { opset: 21 }, 1e-4],
  ['classifier', '-uint8', { input: 'uint8' }, 1e-4],
  ['classifier', '-photo', { input: 'photo' }, 1e-4],
  ['hybrid', '', {}, 1e-4],
  ['hybrid', '-opset13', { opset: 13 }, 1e-4],
  ['classifier', '-float16', { precision: 'float16' }, 1e-2],
  ['classifier', '-int8', { precision: 'int8', opset: 19, data: DATA, images: 100 }, 0.25],
];

/** Trains the networks in `folder` and exports them in every form. */
export async function makeFiles(folder: string, progress: (line: string) => void): Promise<ConsumerFile[]> {
  for (const [name, { task, network }] of Object.entries(NETWORKS)) {
    progress(`training ${name} for ${STEPS} steps`);
    const recipe = recipeSchema.parse({
      task,
      network: { width: 8, classes: 10, ...network },
      pooling: { layers: 1, heads: 4, feedForward: 32, dropout: 0 },
      batch: 16,
      schedule: { warmupSteps: 2, steps: STEPS },
    });
    buildBundle(name, recipe, path.join(folder, name));
    await train({ directory: path.join(folder, name), data: DATA, steps: STEPS });
  }
  const files: ConsumerFile[] = [];
  for (const [network, suffix, form, allowed] of FORMS) {
    const name = `${network}${suffix}.onnx`;
    progress(`exporting ${name}`);
    files.push(await makeFile(folder, network, name, form, allowed));
  }
  return files;
}

async function makeFile(
  folder: string,
  network: string,
  name: string,
  form: Form,
  allowed: number,
): Promise<ConsumerFile> {
  const directory = path.join(folder, network);
  const model = path.join(folder, name);
  await exportRun({ ...form, directory, out: model });
  const bundle = readBundle(directory);
  const state = readNewestCheckpoint(directory, () => {})?.state ?? new Map<string, HostTensor>();
  const { images } = await readSamples(bundle.manifest, DATA, 'test', IMAGES);
  const output = network === 'encoder' ? 'embedding' : 'logits';
  const inputs = `${model}.inputs.safetensors`;
  writeSafetensors(inputs, [['image', asInput(images, form.input ?? 'float', bundle.manifest.recipe.image)]]);
  return {
    name,
    model,
    inputs,
    expected: new Map([[output, await evaluateImages(bundle, state, images, output)]]),
    outputs: readModel(model).graph.outputs.map((each) => each.name),
    allowed,
  };
}
