/** Faults that the tests must see, each one place of a file: joints between a recipe and its run. */

export interface Named {
  readonly name: string;
  readonly file: string;
  /** the text that stands there once */
  readonly from: string;
  readonly to: string;
}

const stepper = 'src/training/stepper.ts';
const files = 'src/base/files.ts';

export const NAMED: readonly Named[] = [
  {
    name: 'dropout has the same seed in every step',
    file: stepper,
    from: "new Random(seed, 'dropout', step)",
    to: "new Random(seed, 'dropout', 0)",
  },
  { name: 'mixup always has the weight 1', file: stepper, from: 'mixup > 0 ?', to: 'false ?' },
  {
    name: 'mixup has the same weight in every step',
    file: stepper,
    from: "new Random(seed, 'mixup', step)",
    to: "new Random(seed, 'mixup', 0)",
  },
  {
    name: 'training hides places anywhere, whatever patch.mask says',
    file: 'src/evaluation/feeds.ts',
    from: 'mask: recipe.patch.mask',
    to: "mask: 'random'",
  },
  {
    name: 'the strong augmentation has no Cutout',
    file: 'src/training/trainer.ts',
    from: 'const strong = { randAugment, magnitude, cutout }',
    to: 'const strong = { randAugment, magnitude, cutout: 0 * cutout }',
  },
  {
    name: 'recompute is ignored',
    file: 'src/compile/writeBundle.ts',
    from: "recipe.recompute === 'none' ?",
    to: 'true ?',
  },
  {
    name: 'buffers are not separated',
    file: 'src/compile/writeBundle.ts',
    from: 'graph: separateBuffers(planned)',
    to: 'graph: planned',
  },
  {
    name: "attention's weights start in a range of 1.41 times its size",
    file: 'src/nn/transformer.ts',
    from: 'Math.sqrt(6 / (4 * width))',
    to: 'Math.sqrt(6 / (2 * width))',
  },
  {
    name: 'the loss scale grows without an end',
    file: 'src/optim/lossScale.ts',
    from: 'minimum(mul(scale, growthFactor), LARGEST_SCALE)',
    to: 'mul(scale, growthFactor)',
  },
  {
    name: 'the linear probe takes the worst regularization',
    file: 'src/evaluation/linearProbe.ts',
    from: 'b.accuracy > a.accuracy ? b : a',
    to: 'b.accuracy < a.accuracy ? b : a',
  },
  {
    name: 'a file gets its name before it is on the disk',
    file: files,
    from: 'for (const piece of pieces(data)) writeFully(fd, piece);\n      fsyncSync(fd);',
    to: 'for (const piece of pieces(data)) writeFully(fd, piece);',
  },
];
