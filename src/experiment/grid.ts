/** The grid: pretraining by seed, learning rates by validation, then every seed with the chosen one, then the test split. */
import path from 'node:path';
import type { Children } from './children';
import { readResult, readTest, type RunPlan, type RunResult, test, train } from './runs';
import type { DataSet, Experiment, Fraction, Method } from './schema';

/** One cell: a method with so many labels, over its seeds. */
export interface Cell {
  readonly dataSet: string;
  readonly labels: string;
  readonly method: string;
  /** the one that was best on validation, and what each gave there */
  readonly learningRate: number;
  readonly tried: readonly { readonly learningRate: number; readonly validation: number }[];
  readonly seeds: readonly number[];
  /** by seed: test accuracy, and the loss on training batches at the end */
  readonly accuracies: readonly number[];
  readonly losses: readonly number[];
}

export interface GridOptions {
  /** source by data set; a data set without one is left out */
  readonly data: ReadonlyMap<string, string>;
  readonly directory: string;
  readonly threads: number | undefined;
  readonly workers: number | undefined;
  /** after each piece of work */
  readonly report: (line: string) => void;
}

/** A folder's name for `5%`, `4000` or `60/class`. */
const folderOf = (labels: string) => labels.replace('%', '-percent').replace('/', '-a-');

/** Runs what is not finished yet; the same experiment in the same folder goes on where it stopped. */
export async function runGrid(
  children: Children,
  experiment: Experiment,
  options: GridOptions,
): Promise<Cell[]> {
  const sets = Object.entries(experiment.dataSets).flatMap(([name, dataSet]) => {
    const data = options.data.get(name);
    return data === undefined ? [] : [{ name, dataSet, data }];
  });
  const cells = await Promise.all(
    sets.flatMap(({ name, dataSet, data }) => {
      const grid = new DataSetGrid(children, experiment, options, name, dataSet, data);
      return dataSet.labels.flatMap((fraction) =>
        Object.entries(dataSet.methods).map(([method, settings]) => grid.cell(fraction, method, settings)),
      );
    }),
  );
  return cells;
}

class DataSetGrid {
  /** by folder: the first seed's runs are asked for when a learning rate is chosen and again for the cell */
  private readonly runs = new Map<string, Promise<RunResult>>();

  constructor(
    private readonly children: Children,
    private readonly experiment: Experiment,
    private readonly options: GridOptions,
    private readonly name: string,
    private readonly dataSet: DataSet,
    private readonly data: string,
  ) {}

  async cell(fraction: Fraction, method: string, settings: Method): Promise<Cell> {
    const { labels } = fraction;
    const seeds = fraction.seeds ?? this.experiment.seeds;
    const finetune = (seed: number, learningRate: number) =>
      this.finetune(fraction, method, settings, seed, learningRate);
    const tried = await Promise.all(
      settings.learningRates.map(async (learningRate) => {
        const { validation } = await finetune(seeds[0], learningRate);
        return { learningRate, validation: validation ?? NaN };
      }),
    );
    const { learningRate } = tried.reduce((best, other) =>
      other.validation > best.validation ? other : best,
    );
    const runs = await Promise.all(
      seeds.map(async (seed) => {
        const { loss, directory } = await finetune(seed, learningRate);
        return { loss, accuracy: await this.test(directory) };
      }),
    );
    return {
      dataSet: this.name,
      labels,
      method,
      learningRate,
      tried,
      seeds,
      accuracies: runs.map(({ accuracy }) => accuracy),
      losses: runs.map(({ loss }) => loss),
    };
  }

  private async finetune(
    { labels, steps }: Fraction,
    method: string,
    settings: Method,
    seed: number,
    learningRate: number,
  ): Promise<RunResult & { directory: string }> {
    const initFrom = settings.pretrained ? await this.pretrain(seed) : undefined;
    const directory = this.folder(folderOf(labels), method, `seed-${seed}-rate-${learningRate}`);
    const result = await this.run({
      directory,
      recipe: settings.recipe,
      set: { ...settings.set, 'schedule.peak': learningRate, seed },
      options: {
        ...this.shared(),
        labels,
        validation: this.experiment.validation,
        steps: steps ?? settings.steps,
        'init-from': initFrom,
      },
    });
    return { ...result, directory };
  }

  /** The folder of the pretraining with `seed`, finished: on all training images, without their labels. */
  private async pretrain(seed: number): Promise<string> {
    const directory = this.folder('pretrain', `seed-${seed}`);
    const { recipe, set, steps } = this.dataSet.pretrain;
    await this.run({ directory, recipe, set: { ...set, seed }, options: { ...this.shared(), steps } });
    return directory;
  }

  private run(plan: RunPlan): Promise<RunResult> {
    const known = this.runs.get(plan.directory) ?? this.start(plan);
    this.runs.set(plan.directory, known);
    return known;
  }

  private async start(plan: RunPlan): Promise<RunResult> {
    const before = readResult(plan.directory);
    if (before) return before;
    const result = await this.children.queue(() => train(this.children, plan));
    const measured =
      result.validation === null
        ? `${percent(result.accuracy)} on training batches`
        : `${percent(result.validation)} on validation`;
    this.options.report(`${this.shown(plan.directory)}: ${measured}, ${Math.round(result.seconds)} s`);
    return result;
  }

  private async test(directory: string): Promise<number> {
    const { threads, workers } = this.options;
    const before = readTest(directory);
    if (before) return before.accuracy;
    const options = { data: this.data, images: this.experiment.images, threads, workers };
    const { accuracy } = await this.children.queue(() => test(this.children, directory, options));
    this.options.report(`${this.shown(directory)}: ${percent(accuracy)} on test`);
    return accuracy;
  }

  private shared() {
    const { threads, workers } = this.options;
    return { data: this.data, 'checkpoint-every': this.experiment.checkpointEvery, threads, workers };
  }

  private folder(...names: string[]): string {
    return path.join(this.options.directory, this.name, ...names);
  }

  private shown(directory: string): string {
    return path.relative(this.options.directory, directory).split(path.sep).join(' ');
  }
}

const percent = (fraction: number) => `${(100 * fraction).toFixed(1)} %`;
