/** An experiment file: a grid of data set x labels x method x seed, and the paper's cells to put beside its results. */
import { z } from 'zod';
import { UserError } from '../base/errors';

const count = z.number().int().positive();
const seeds = z.array(z.number().int().nonnegative()).min(1);

const trainingSchema = z.strictObject({
  /** a recipe's name or file, as for `build-graph` */
  recipe: z.string(),
  /** settings of the recipe, as `--set` takes them */
  set: z.record(z.string(), z.unknown()).default({}),
  /** default: the recipe's */
  steps: count.optional(),
});
export type Training = z.infer<typeof trainingSchema>;

const methodSchema = trainingSchema.extend({
  /** start from the data set's pretraining of the same seed */
  pretrained: z.boolean().default(false),
  /** values of schedule.peak to choose from, on the validation split of the first seed */
  learningRates: z.array(z.number().positive()).min(1),
});
export type Method = z.infer<typeof methodSchema>;

const fractionSchema = z.strictObject({
  /** `5%`, `4000` or `60/class` */
  labels: z.string(),
  /** default: the experiment's */
  seeds: seeds.optional(),
  /** of every method; default: the method's */
  steps: count.optional(),
});
export type Fraction = z.infer<typeof fractionSchema>;

const paperCellSchema = z.strictObject({
  labels: z.string(),
  method: z.string(),
  /** test accuracy, % */
  mean: z.number(),
  deviation: z.number().optional(),
  /** how sure the quotation is */
  certainty: z.enum(['sure', 'likely', 'recalled']),
});
export type PaperCell = z.infer<typeof paperCellSchema>;

const dataSetSchema = z.strictObject({
  pretrain: trainingSchema,
  methods: z.record(z.string(), methodSchema),
  labels: z.array(fractionSchema).min(1),
  paper: z.array(paperCellSchema).default([]),
});
export type DataSet = z.infer<typeof dataSetSchema>;

/** What `--smoke` makes of the grid: enough to see that every part works, and nothing to learn from. */
const smokeSchema = z.strictObject({
  labels: z.array(z.string()).min(1).default(['5%']),
  seeds: seeds.default([0, 1]),
  steps: count.default(10),
  validation: z.string().default('20/class'),
  /** test images */
  images: count.default(500),
});

export const experimentSchema = z.strictObject({
  title: z.string(),
  /** by the form of their source: `cifar10` is what `--data cifar10:PATH` gives */
  dataSets: z.record(z.string(), dataSetSchema),
  seeds,
  /** part of the training data that every choice is made on */
  validation: z.string().default('10%'),
  /** the method that gains are measured against */
  baseline: z.string(),
  /** steps between checkpoints, which is what a kill loses at most */
  checkpointEvery: count.default(500),
  /** test images, spread evenly; default: all */
  images: count.optional(),
  smoke: smokeSchema.prefault({}),
});
export type Experiment = z.infer<typeof experimentSchema>;
export type ExperimentInput = z.input<typeof experimentSchema>;

/** Checks an experiment file's contents; `where` begins the error. */
export function parseExperiment(input: unknown, where: string): Experiment {
  const parsed = experimentSchema.safeParse(input);
  if (!parsed.success)
    throw new UserError(`${where}: ${z.prettifyError(parsed.error).replace(/\s*\n\s*/g, ' ')}`);
  for (const [name, { methods }] of Object.entries(parsed.data.dataSets)) {
    if (!Object.hasOwn(methods, parsed.data.baseline))
      throw new UserError(
        `${where}: dataSets.${name}.methods has no ${parsed.data.baseline}, which is the baseline (it has ${Object.keys(methods).join(', ')})`,
      );
  }
  return parsed.data;
}

/** The experiment cut down for `--smoke`. */
export function smokeOf(experiment: Experiment): Experiment {
  const { labels, seeds, steps, validation, images } = experiment.smoke;
  const short = <T extends Training>(training: T): T => ({ ...training, steps });
  const dataSets = Object.entries(experiment.dataSets).map(([name, dataSet]) => [
    name,
    {
      ...dataSet,
      pretrain: short(dataSet.pretrain),
      methods: Object.fromEntries(
        Object.entries(dataSet.methods).map(([method, settings]) => [
          method,
          { ...short(settings), learningRates: settings.learningRates.slice(0, 2) },
        ]),
      ),
      labels: labels.map((fraction) => ({ labels: fraction })),
    },
  ]);
  return {
    ...experiment,
    title: `${experiment.title} (smoke: ${steps} steps, nothing to learn from)`,
    dataSets: Object.fromEntries(dataSets) as Experiment['dataSets'],
    seeds,
    validation,
    images,
  };
}
