/** Faults that the tests must see, each in one place of a file: joints between a recipe and its run, and their like. */

export interface Named {
  readonly name: string;
  readonly file: string;
  /** the text that stands there once */
  readonly from: string;
  readonly to: string;
}

const at = (file: string, faults: Readonly<Record<string, readonly [from: string, to: string]>>): Named[] =>
  Object.entries(faults).map(([name, [from, to]]) => ({ name, file, from, to }));

export const NAMED: readonly Named[] = [
  ...at('src/training/stepper.ts', {
    'dropout has the same seed in every step': ["(seed, 'dropout', step)", "(seed, 'dropout', 0)"],
    'dropout does not know the run’s seed': ["(seed, 'dropout', step)", "(0, 'dropout', step)"],
    'mixup always has the weight 1': ['mixup > 0 ?', 'false ?'],
    'mixup has the same weight in every step': ["(seed, 'mixup', step)", "(seed, 'mixup', 0)"],
    'the rate is that of the first step of a call': ['stepOf(i), steps)', 'stepOf(0), steps)'],
    'the average’s decay does not begin small': [
      'averageDecay(recipe.average.decay, stepOf(i))',
      'recipe.average.decay',
    ],
    'metrics of an accumulated step are sums': ['+ value / batches.length', '+ value'],
  }),
  ...at('src/evaluation/feeds.ts', {
    'training hides places anywhere, whatever patch.mask says': ['mask: recipe.patch.mask', "mask: 'random'"],
    'training does not augment': ["mode === 'train' ? recipe.augment : null", 'null'],
    'evaluation augments': ["mode === 'train' ? recipe.augment : null", 'recipe.augment'],
  }),
  ...at('src/training/trainer.ts', {
    'the strong augmentation has no Cutout': [
      'const strong = { randAugment, magnitude, cutout }',
      'const strong = { randAugment, magnitude, cutout: 0 * cutout }',
    ],
    'the strong augmentation has no RandAugment': [
      'const strong = { randAugment, magnitude, cutout }',
      'const strong = { randAugment: 0 * randAugment, magnitude, cutout }',
    ],
    'a resumed run begins the data anew': ['startStep: startStep * settings.accumulate', 'startStep: 0'],
    'an accumulating run resumes too early in the data': [
      'startStep: startStep * settings.accumulate',
      'startStep',
    ],
    'a checkpoint does not wait for the logs': ['    log.sync();\n', ''],
    'a checkpoint says another place in the data': ['dataPosition: step * accumulate', 'dataPosition: step'],
    'weights that are not finite become a checkpoint': [
      'if (broken !== undefined) throw',
      'if (false) throw',
    ],
    'a loss that is not finite goes on': ['if (!Number.isFinite(metrics.loss)) throw', 'if (false) throw'],
  }),
  ...at('src/training/chooseImages.ts', {
    'labels are drawn from the validation images too': [
      'subset(source, labels, seed, { pool,',
      'subset(source, labels, seed, {',
    ],
    'training sees the validation images': ['        ? pool\n', '        ? undefined\n'],
  }),
  ...at('src/training/startFrom.ts', {
    'weights come in place of their averages': ['const tensor = average ?? source', 'const tensor = source'],
    'tensors of another part are taken': ['if (!tensor || !samePart)', 'if (!tensor)'],
  }),
  ...at('src/data/batches/unlabelled.ts', {
    'the strong form is the weak one': ['readImage(source, stronger,', 'readImage(source, options,'],
    'unlabelled images come in the order of the labelled': ["seed, 'unlabelled')", "seed, 'order')"],
  }),
  ...at('src/data/batches/batch.ts', {
    'an image is augmented alike in every epoch': [
      'augmentRandom(seed, epoch, indices[i])',
      'augmentRandom(seed, 0, indices[i])',
    ],
    'every image of a batch is augmented alike': [
      'augmentRandom(seed, epoch, indices[i])',
      'augmentRandom(seed, epoch, 0)',
    ],
    'the same patches of an image are hidden in every epoch': [
      '(mask, seed, epoch, index,',
      '(mask, seed, 0, index,',
    ],
    'the same patches of all images are hidden': ['(mask, seed, epoch, index,', '(mask, seed, epoch, 0,'],
  }),
  ...at('src/data/batches/sampler.ts', {
    'every epoch has the same order': ['new Random(seed, stream, epoch)', 'new Random(seed, stream, 0)'],
  }),
  ...at('src/compile/lowering.ts', {
    'recompute is ignored': ["again === 'none' ?", 'true ?'],
    'buffers are not separated': [
      "return separateBuffers(again === 'none' ? lowered : recompute(lowered, again))",
      "return again === 'none' ? lowered : recompute(lowered, again)",
    ],
  }),
  ...at('src/compile/initialState.ts', {
    'averages begin at zero': ['name.startsWith(AVERAGE) ? name.slice(AVERAGE.length) : name', 'name'],
  }),
  ...at('src/compile/step.ts', {
    'evaluation takes the weights, not their averages': [
      "average.decay > 0 ? AVERAGE : ''",
      "average.decay > 1 ? AVERAGE : ''",
    ],
  }),
  ...at('src/nn/transformer.ts', {
    "attention's weights start in a range of 1.41 times its size": ['6 / (4 * width)', '6 / (2 * width)'],
    'attention is not scaled by its width': ['mul(q, 1 / Math.sqrt(head))', 'mul(q, 1)'],
  }),
  ...at('src/optim/lossScale.ts', {
    'the loss scale grows without an end': [
      'minimum(mul(scale, growthFactor), LARGEST_SCALE)',
      'mul(scale, growthFactor)',
    ],
    'a skipped step is not counted': ['where(grows, 0, counted), 0)', 'where(grows, 0, counted), goodSteps)'],
  }),
  ...at('src/runtime/gradientSum.ts', {
    'gradients of several batches are summed, not averaged': ['value / this.count', 'value'],
  }),
  ...at('src/evaluation/linearProbe.ts', {
    'the linear probe takes the worst regularization': [
      'b.accuracy > a.accuracy ? b : a',
      'b.accuracy < a.accuracy ? b : a',
    ],
    'the linear probe takes the weakest of equals': [
      'b.accuracy > a.accuracy ? b : a',
      'b.accuracy >= a.accuracy ? b : a',
    ],
    'queries are standardized by themselves': [
      'classify(model, all(queries))',
      'classify(model, standardizer(queries)(queries))',
    ],
  }),
  ...at('src/evaluation/evaluateState.ts', {
    'the repetitions that fill the last batch count': [
      'for (let i = 0; i < valid; i++)',
      'for (let i = 0; i < loss.length; i++)',
    ],
  }),
  ...at('src/base/files.ts', {
    'a file gets its name before it is on the disk': [
      'writeFully(fd, piece);\n      fsyncSync(fd);',
      'writeFully(fd, piece);',
    ],
    'what took long gets its name before it is on the disk': ['    syncFile(temporary);\n', ''],
    'a new name is not brought to the disk': ['    syncFile(directory);\n', ''],
    'files are written in their place': ['const fd = openSync(temporary, ', 'const fd = openSync(file, '],
  }),
  ...at('src/run/metricsLog.ts', {
    'metrics are not synced': ['    this.try(() => fsyncSync(this.fd));\n', ''],
  }),
  ...at('src/training/tensorboard.ts', { 'events are not synced': ['    fsyncSync(this.fd);\n', ''] }),
];
