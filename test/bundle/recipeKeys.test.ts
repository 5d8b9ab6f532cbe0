/** Every key of a recipe changes what it is for, and nothing else: feeds of a training, graphs, initial state. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { RECIPE_KEYS } from '../../src/bundle/overrides';
import { writeImageFolder } from '../support/imageFolder';
import { differing, wiringOf } from '../support/wiring';

const BASE = [
  'batch=4',
  'schedule.steps=10',
  'schedule.warmupSteps=0',
  'augment.pad=0',
  'augment.flip=false',
];
const PRETRAIN = ['task=pretrain'];
const SIDES = ['image.height=32', 'image.width=32'];
const HYBRID = ['network.globalPool=attention'];
const PATCHES = [...HYBRID, 'network.tokens=patches'];
const CONSISTENT = ['consistency.ratio=2'];
const ADAMW = ['optimizer.name=adamw'];
const LARS = ['optimizer.name=lars'];
const STEPS = ['schedule.kind=step'];
const HALF = ['compute=float16'];
/** wide enough for what narrow convolutions do without: Winograd's tiles, windows that are made again */
const WIDE = ['network.width=8'];

/** The graphs of what is done to a batch, with and without the gradients; of the update; all, with the state that they take. */
const BACKWARD = 'train train-loop grad';
const FORWARD = `${BACKWARD} eval`;
const UPDATE = 'train train-loop apply';
const ALL = `${FORWARD} apply encoder`;
const NETWORK = `${ALL} init`;

/** Of a recipe with the settings of the second column, what one more key or another value for it has to change. */
const EFFECTS: readonly (readonly [key: string, before: readonly string[], value: string, effect: string])[] =
  [
    ['task', PRETRAIN, 'finetune', `${NETWORK} labels patch_order dropout_seed`],
    ['image.size', [], '16', `${FORWARD} encoder images`],
    ['image.height', SIDES, '16', `${FORWARD} encoder images`],
    ['image.width', SIDES, '24', `${FORWARD} encoder images`],
    ['image.channels', ['image.mean=0.5', 'image.std=0.2', 'image.channels=1'], '3', `${NETWORK} images`],
    ['image.bits', [], '16', `${FORWARD} encoder images`],
    ['image.mean', [], '0.5,0.5,0.5', `${FORWARD} encoder`],
    ['image.std', [], '0.5,0.5,0.5', `${FORWARD} encoder`],
    ['patch.size', PRETRAIN, '4', `${NETWORK} patch_order`],
    ['patch.hidden', PRETRAIN, '0.5', `${FORWARD} patch_order`],
    ['patch.mask', PRETRAIN, 'block', 'patch_order'],
    ['patch.mask', PRETRAIN, 'rows', 'patch_order'],
    ['network.version', [], 'v1', NETWORK],
    ['network.stages', [], '2', NETWORK],
    ['network.width', [], '4', NETWORK],
    ['network.stem', [], 'imagenet', NETWORK],
    ['network.classes', [], '11', NETWORK],
    ['network.globalPool', [], 'attention', `${NETWORK} dropout_seed`],
    ['network.tokens', HYBRID, 'patches', NETWORK],
    ['network.finalNorm', [], 'false', NETWORK],
    ['pooling.layers', PRETRAIN, '2', NETWORK],
    ['pooling.heads', PRETRAIN, '4', FORWARD],
    ['pooling.feedForward', PRETRAIN, '4', NETWORK],
    ['pooling.dropout', PRETRAIN, '0.2', BACKWARD],
    ['pooling.dropout', PRETRAIN, '0', `${BACKWARD} dropout_seed`],
    ['pooling.scaleLogits', PRETRAIN, 'true', FORWARD],
    ['position.kind', PRETRAIN, 'rowColumn', NETWORK],
    ['position.onVisible', PRETRAIN, 'false', FORWARD],
    ['batch', [], '5', `${FORWARD} images labels`],
    ['labelSubset', [], 'uniform', 'images labels'],
    ['optimizer.name', [], 'lars', UPDATE],
    ['optimizer.name', [], 'adamw', `${UPDATE} init`],
    ['optimizer.momentum', [], '0.8', UPDATE],
    ['optimizer.nesterov', [], 'false', UPDATE],
    ['optimizer.weightDecay', [], '0.01', UPDATE],
    ['optimizer.decayAll', [], 'false', UPDATE],
    ['optimizer.beta1', ADAMW, '0.8', UPDATE],
    ['optimizer.beta2', ADAMW, '0.9', UPDATE],
    ['optimizer.epsilon', ADAMW, '1e-6', UPDATE],
    ['optimizer.trust', LARS, '0.01', UPDATE],
    ['optimizer.clipNorm', [], '1', UPDATE],
    ['schedule.kind', [], 'constant', 'learning_rate'],
    ['schedule.peak', [], '0.2', 'learning_rate'],
    ['schedule.warmupSteps', [], '1', 'learning_rate'],
    ['schedule.steps', [], '12', 'steps images labels learning_rate'],
    ['schedule.milestones', STEPS, '0.3', 'learning_rate'],
    ['schedule.factor', STEPS, '0.5', 'learning_rate'],
    ['augment.pad', [], '2', 'images'],
    ['augment.flip', [], 'true', 'images'],
    ['augment.cropScale', [], '0.5', 'images'],
    ['augment.randAugment', [], '1', 'images'],
    ['augment.magnitude', ['augment.randAugment=1'], '0.5', 'images'],
    ['augment.cutout', [], '0.5', 'images'],
    ['regularize.labelSmoothing', [], '0.1', BACKWARD],
    ['regularize.mixup', [], '0.4', `${BACKWARD} mixup_weight`],
    ['regularize.mixup', ['regularize.mixup=0.2'], '0.4', 'mixup_weight'],
    ['consistency.ratio', [], '1', `${BACKWARD} unlabelled_weak unlabelled_strong`],
    ['consistency.ratio', CONSISTENT, '1', `${BACKWARD} unlabelled_weak unlabelled_strong`],
    ['consistency.weight', CONSISTENT, '2', BACKWARD],
    ['consistency.threshold', CONSISTENT, '0.5', BACKWARD],
    ['consistency.operations', CONSISTENT, '1', 'unlabelled_strong'],
    ['consistency.magnitude', CONSISTENT, '0.5', 'unlabelled_strong'],
    ['consistency.cutout', CONSISTENT, '0', 'unlabelled_strong'],
    ['average.decay', [], '0.05', `${NETWORK} average_decay`],
    ['average.decay', ['average.decay=0.05'], '0.2', 'average_decay'],
    ['precision', WIDE, 'exact', FORWARD],
    ['compute', [], 'float16', `${BACKWARD} apply init`],
    ['lossScale.initial', HALF, '2', 'init'],
    ['lossScale.growthFactor', HALF, '3', UPDATE],
    ['lossScale.backoffFactor', HALF, '0.25', UPDATE],
    ['lossScale.growthInterval', HALF, '5', UPDATE],
    ['recompute', WIDE, 'none', BACKWARD],
    ['recompute', WIDE, 'all', BACKWARD],
    ['without', [], 'moments', BACKWARD],
    ['provider', [], 'cuda', FORWARD],
    ['seed', PRETRAIN, '1', 'init images patch_order dropout_seed'],
    ['seed', [...PATCHES, 'regularize.mixup=0.4'], '1', 'init images labels dropout_seed mixup_weight'],
    ['seed', CONSISTENT, '1', 'init images labels unlabelled_weak unlabelled_strong'],
  ];

let folder: string;
let runs = 0;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'selfie-keys-'));
  await writeImageFolder(path.join(folder, 'images'), 60);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const wiring = (settings: readonly string[]) =>
  wiringOf(path.join(folder, String(runs++)), [...BASE, ...settings], {
    data: `folder:${path.join(folder, 'images')}`,
    // so many that the classes' shares differ
    labels: '47',
  });

const known = new Map<string, ReturnType<typeof wiring>>();
function wiringBefore(settings: readonly string[]): ReturnType<typeof wiring> {
  const found = known.get(settings.join()) ?? wiring(settings);
  known.set(settings.join(), found);
  return found;
}

test('the table has every key', () => {
  expect([...new Set(EFFECTS.map(([key]) => key))]).toEqual(RECIPE_KEYS);
});

test.each(EFFECTS)('%s, after %j: %s', async (key, before, value, effect) => {
  // means and deviations come one a channel
  const beside = key === 'image.channels' ? ['image.mean=0.5,0.5,0.5', 'image.std=0.2,0.2,0.2'] : [];
  const after = await wiring([...before, `${key}=${value}`, ...beside]);
  expect(differing(await wiringBefore(before), after)).toEqual(effect.split(' ').sort());
});
