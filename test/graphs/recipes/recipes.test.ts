/** The package's recipes: each is valid, the paper's have the paper's shapes, and finetuning fits its pretraining. */
import { recipes } from '../../../graphs/recipes';
import { encoderChannels, patchCounts } from '../../../src/bundle/checkRecipe';
import { loadRecipe } from '../../../graphs/recipes/load';

test.each([...recipes.keys()])('%s is valid and says what it is', (name) => {
  const loaded = loadRecipe(name);
  expect(loaded.name).toBe(name);
  expect(loaded.recipe.task).toBe(name.endsWith('pretrain') ? 'pretrain' : 'finetune');
  expect(recipes.get(name)?.description).not.toBe('');
});

test("the paper's pretraining: 4 of 16 patches hidden, 1024 channels", () => {
  const { recipe } = loadRecipe('cifar10-pretrain');
  expect(patchCounts(recipe)).toEqual({ grid: { rows: 4, columns: 4 }, patches: 16, hidden: 4, visible: 12 });
  expect(encoderChannels(recipe.network)).toBe(1024);
});

const PAPER = ['cifar10', 'imagenet32', 'imagenet224'];

test.each([...PAPER, 'cifar10-mini', 'embedded'])('%s-finetune can start from %s-pretrain', (family) => {
  const pretrain = loadRecipe(`${family}-pretrain`).recipe;
  const finetune = loadRecipe(`${family}-finetune`).recipe;
  const { stages, version, width, stem, finalNorm } = pretrain.network;
  expect(finetune.network).toMatchObject({ version, width, stem, finalNorm });
  expect(finetune.network.stages.slice(0, stages.length)).toEqual(stages);
  expect(finetune.image).toEqual(pretrain.image);
});

test.each([...PAPER, 'cifar10-mini'])('%s-hybrid is the whole of %s-pretrain', (family) => {
  const pretrain = loadRecipe(`${family}-pretrain`).recipe;
  const hybrid = loadRecipe(`${family}-hybrid`).recipe;
  const { classes, ...network } = hybrid.network;
  expect({ ...network, classes: pretrain.network.classes }).toEqual({
    ...pretrain.network,
    globalPool: 'attention',
  });
  expect(classes).toBe(loadRecipe(`${family}-finetune`).recipe.network.classes);
  expect([hybrid.pooling, hybrid.image]).toEqual([pretrain.pooling, pretrain.image]);
});

test('224 x 224: 12 of 49 patches hidden, places by row and column', () => {
  const { recipe } = loadRecipe('imagenet224-pretrain');
  expect(patchCounts(recipe)).toEqual({
    grid: { rows: 7, columns: 7 },
    patches: 49,
    hidden: 12,
    visible: 37,
  });
  expect(recipe.position.kind).toBe('rowColumn');
});
