/** Recipes from files, and settings that do not fit together. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadRecipe, parseRecipe } from '../../../graphs/recipes/load';
import { userErrorOf } from '../../support/userError';

const directory = mkdtempSync(path.join(tmpdir(), 'selfie-onnx-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

function file(name: string, text: string): string {
  const result = path.join(directory, name);
  writeFileSync(result, text);
  return result;
}

test.each([
  ['mine.ts', "const width: number = 12;\nexport default { task: 'pretrain' as const, network: { width } };"],
  ['mine.js', "module.exports = { task: 'pretrain', network: { width: 12 } };"],
  ['mine.mjs', "export default { task: 'pretrain', network: { width: 12 } };"],
  ['mine.json', '{ "task": "pretrain", "network": { "width": 12 } }'],
])('%s is a recipe of that name', (name, text) => {
  const loaded = loadRecipe(file(name, text), ['pooling.heads=4', 'batch=8']);
  expect(loaded.name).toBe('mine');
  expect(loaded.recipe).toMatchObject({ task: 'pretrain', batch: 8, network: { width: 12, version: 'v2' } });
});

test.each([
  ['broken.json', '{ "task": ', 'JSON'],
  ['broken.ts', 'export default {', 'broken.ts'],
  ['throws.js', "throw new Error('no such thing');", 'no such thing'],
  ['getter.js', "module.exports = { get task() { throw new Error('asked'); } };", 'asked'],
  ['proxy.js', "module.exports = new Proxy({}, { ownKeys() { throw new TypeError('own'); } });", 'own'],
  ['odd.js', 'throw Object.create(null);', 'it throws what has no text'],
  ['silent.js', 'throw new Error();', 'it throws an error without a message'],
  ['promise.js', "module.exports = Promise.resolve({ task: 'pretrain' });", 'task is missing'],
  ['circle.js', "const it = { task: 'pretrain' }; it.network = it; module.exports = it;", 'or in a circle'],
  ['function.js', "module.exports = { task: 'pretrain', batch: () => 8 };", 'batch is'],
  ['control.json', '{ "task": "pre\\u001b[2Jtrain" }', 'task is'],
  ['list.json', '[]', 'expected an object with task'],
  ['number.json', '7', 'expected an object with task'],
  ['empty.json', '{}', 'task is missing'],
  ['typo.json', '{ "task": "pretrain", "netwrok": {} }', 'unknown key netwrok'],
  ['typo2.json', '{ "task": "pretrain", "network": { "widht": 8 } }', 'did you mean network.width?'],
  ['section.json', '{ "task": "pretrain", "network": 8 }', 'network is 8'],
])('%s is refused with one line that names the file', (name, text, message) => {
  const recipe = file(name, text);
  const error = userErrorOf(() => loadRecipe(recipe));
  expect(error).toContain(message);
  expect(error).toContain(recipe);
  expect(error).not.toMatch(/[\n\u001b]/);
});

test('unknown names and absent files', () => {
  expect(userErrorOf(() => loadRecipe('cifar10-pretrian'))).toContain('did you mean cifar10-pretrain?');
  expect(userErrorOf(() => loadRecipe(path.join(directory, 'absent.ts')))).toContain('no such file');
  expect(userErrorOf(() => loadRecipe(directory))).toContain('unknown recipe');
});

const SIDES = ['image.height=40', 'image.width=48'];
const FOUR = ['image.channels=4', 'image.mean=0,0,0,0', 'image.std=1,1,1,1'];

test.each([
  ['cifar10-pretrain', ['image.size=1000000000'], 'image.size is 1000000000: must be at most 8,192'],
  ['cifar10-pretrain', ['batch=99999999999'], 'batch is 99999999999: must be at most 65,536'],
  ['cifar10-pretrain', ['network.stages=[1000000000]'], 'must be at most 2,000 blocks in all'],
  ['cifar10-pretrain', ['network.width=100000'], 'network.width is 100000: must be at most 8,192'],
  ['cifar10-pretrain', ['network.width=8192'], 'million parameters, and at most 1,000 are possible'],
  ['cifar10-pretrain', ['network.classes=1e9'], 'network.classes is 1000000000: must be at most 1,000,000'],
  ['cifar10-finetune', ['pooling.layers=1e6'], 'pooling.layers is 1000000: must be at most 100'],
  ['cifar10-pretrain', ['image.size=4096', 'batch=512'], 'its images take 24,576 MiB, and at most 2,048'],
  ['cifar10-pretrain', ['image.size=33'], 'image.size is 33: must be a multiple of patch.size, which is 8'],
  ['cifar10-pretrain', ['patch.size=64'], 'patch.size is 64: must be at most image.size, which is 32'],
  ['cifar10-pretrain', ['network.tokens=patches'], 'network.tokens is patches: that is for finetuning'],
  ['cifar10-finetune', ['network.tokens=patches'], 'give network.globalPool=attention too'],
  ['cifar10-hybrid', ['network.tokens=patches', 'patch.size=5'], 'must be a multiple of patch.size'],
  ['cifar10-pretrain', ['patch.size=16'], 'hides 1 of 2 x 2 patches'],
  ['cifar10-pretrain', ['patch.size=32'], 'hides 0 of 1 x 1 patches'],
  ['cifar10-pretrain', ['pooling.heads=7'], "must divide the encoder's channels, which are 1024"],
  ['cifar10-pretrain', ['image.channels=1'], 'image.mean has length 3 but image.channels is 1'],
  ['cifar10-pretrain', ['image.std=[1]'], 'image.std has length 1 but image.channels is 3'],
  ['cifar10-pretrain', ['augment.pad=33'], 'augment.pad is 33: must be at most image.size'],
  ['cifar10-pretrain', ['image.height=48'], 'image.height is given without image.width: give both'],
  ['cifar10-finetune', ['image.width=48'], 'image.width is given without image.height: give both'],
  ['cifar10-pretrain', [...SIDES, 'patch.size=16'], 'image.height is 40: must be a multiple of patch.size'],
  ['cifar10-pretrain', [...SIDES, 'patch.size=10'], 'image.width is 48: must be a multiple of patch.size'],
  [
    'cifar10-pretrain',
    [...SIDES, 'patch.size=48'],
    'patch.size is 48: must be at most image.height, which is 40',
  ],
  ['cifar10-pretrain', ['image.height=8', 'image.width=32'], 'hides 1 of 1 x 4 patches'],
  [
    'cifar10-finetune',
    ['image.height=64', 'image.width=8', 'augment.pad=9'],
    'at most image.width, which is 8',
  ],
  ['cifar10-finetune', ['image.channels=65'], 'image.channels is 65'],
  ['cifar10-finetune', ['image.bits=12'], 'image.bits is 12'],
  [
    'cifar10-finetune',
    [...FOUR, 'augment.randAugment=2'],
    'augment.randAugment is 2 and image.channels is 4',
  ],
  ['cifar10-finetune', ['image.bits=16', 'augment.randAugment=1'], 'set augment.randAugment=0'],
  ['cifar10-consistency', FOUR, 'consistency.operations is 2 and image.channels is 4'],
  ['cifar10-consistency', ['image.bits=16'], 'consistency.operations is 2 and image.bits is 16'],
  ['cifar10-pretrain', ['schedule.steps=100'], 'schedule.warmupSteps is 100: must be below schedule.steps'],
  ['cifar10-finetune', ['schedule.milestones=[0.5,0.25]'], 'schedule.milestones is [0.5, 0.25]: must ascend'],
  ['cifar10-finetune', ['schedule.milestones=[0.5,0.5]'], 'must ascend'],
  ['cifar10-finetune', ['network.classes=1'], 'network.classes is 1'],
  ['cifar10-finetune', ['batch=1', 'image.size=8', 'augment.pad=0'], 'batch norm has one value a channel'],
])('%s with %j is refused', (name, overrides, message) => {
  expect(userErrorOf(() => loadRecipe(name, overrides))).toContain(`recipe ${name}: `);
  expect(userErrorOf(() => loadRecipe(name, overrides))).toContain(message);
});

test.each([
  ['cifar10-pretrain', ['patch.size=16', 'patch.hidden=0.5']],
  ['cifar10-pretrain', ['image.channels=1', 'image.mean=[0.5]', 'image.std=[0.25]']],
  ['cifar10-finetune', ['image.size=33', 'pooling.heads=7']],
  ['cifar10-pretrain', SIDES],
  ['cifar10-finetune', [...FOUR, 'image.bits=16', 'augment.cutout=0.5']],
  ['cifar10-consistency', [...FOUR, 'consistency.operations=0']],
  ['cifar10-finetune', ['batch=1', 'image.height=8', 'image.width=9']],
  ['cifar10-finetune', ['batch=1', 'image.size=9']],
])('%s with %j is a recipe', (name, overrides) => {
  expect(() => loadRecipe(name, overrides)).not.toThrow();
});

test('everything that is wrong is said at once', () => {
  const message = userErrorOf(() => parseRecipe({ task: 'finetune', batch: 0, network: { width: 0 } }));
  expect(message).toContain('batch is 0');
  expect(message).toContain('network.width is 0');
});
