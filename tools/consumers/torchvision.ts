/** Exported weights of a ResNet-50 in torchvision's own network. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { z } from 'zod';
import { buildBundle } from '../../graphs/tasks';
import { readBundle } from '../../src/bundle/read';
import { recipeSchema } from '../../src/bundle/recipe';
import { evaluateImages } from '../../src/export/compare';
import { exportRunState } from '../../src/export/exportRun';
import { asInput, readSamples } from '../../src/export/samples';
import { writeSafetensors } from '../../src/tensors/safetensors';
import { readNewestCheckpoint } from '../../src/run/checkpoints';
import { train } from '../../src/training/trainer';
import type { Row } from './main';

const ALLOWED = 1e-4;
const STEPS = 30;
const answerSchema = z.union([
  z.object({ version: z.string(), difference: z.number() }),
  z.object({ missing: z.string() }),
]);

/** Trains a ResNet-50 of torchvision's form for a few steps and compares its logits with torchvision's. */
export async function torchvisionRow(
  folder: string,
  python: string,
  root: string,
  progress: (line: string) => void,
): Promise<Row> {
  const name = 'resnet50.safetensors';
  progress(`training a ResNet-50 for ${STEPS} steps`);
  const directory = path.join(folder, 'resnet50');
  const recipe = recipeSchema.parse({
    task: 'finetune',
    network: { version: 'v1', stem: 'imagenet', stages: [3, 4, 6, 3], classes: 10 },
    batch: 8,
    // running statistics that fit, and weights that leave the classifier unsure of an image
    schedule: { peak: 3e-4, warmupSteps: 1, steps: STEPS },
  });
  buildBundle('resnet50', recipe, directory);
  await train({ directory, data: 'embedded' });
  const weights = path.join(folder, name);
  exportRunState({ directory, out: weights }, progress);
  const bundle = readBundle(directory);
  const state = readNewestCheckpoint(directory, progress)?.state;
  if (!state) throw new Error('no checkpoint');
  const { images } = await readSamples(bundle.manifest, 'embedded', 'test', 4);
  const logits = await evaluateImages(bundle, state, images, 'logits');
  const samples = path.join(folder, 'samples.safetensors');
  writeSafetensors(samples, [
    ['image', asInput(images, 'float', recipe.image)],
    ['logits', { dtype: 'float32', shape: [4, 10], data: logits }],
  ]);
  const script = path.join(root, 'tools', 'consumers', 'torchvision_load.py');
  const { stdout, stderr } = spawnSync(python, [script, weights, samples], { encoding: 'utf8' });
  const last = stdout.trim().split('\n').at(-1) ?? '';
  if (last === '')
    return ['torchvision', '', name, `refused: ${stderr.trim().split('\n').at(-1) ?? ''}`, false];
  const answer = answerSchema.parse(JSON.parse(last));
  if ('missing' in answer) return ['torchvision', '', name, `skipped: ${answer.missing}`, null];
  const good = answer.difference <= ALLOWED;
  const result = `${answer.difference.toExponential(1)} ${good ? 'of' : 'is more than'} ${ALLOWED} allowed, strict=True`;
  return ['torchvision', answer.version, name, result, good];
}
