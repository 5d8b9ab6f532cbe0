/** From what is to be compared to measurements: builds each distinct bundle once and runs the rounds. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { LoadedRecipe } from '../../graphs/recipes/load';
import type { Optimization } from '../../src/lowering/optimizations';
import { isOurs, type Contestant } from './contestants';
import { learningRateOf, type Answer } from './job';
import { WARMUP, type BenchOptions } from './options';
import type { Prepared } from './prepare';
import { measureRounds, summarize, type Entry, type Row, type Setting } from './rounds';
import { inWorkFolder, prepareWorkspace } from './workspace';

/** Where a bundle lies, and what it is. */
interface Workspace {
  readonly directory: string;
  readonly built: Prepared;
}

/** One line of a table. */
export interface Plan {
  readonly key: string;
  readonly contestant: Contestant;
  readonly loaded: LoadedRecipe;
  readonly without: readonly Optimization[];
  readonly threads: number;
  /** ours: steps in one call of the session */
  readonly stepsPerRun: number;
}

export interface PlanReport {
  readonly rows: readonly Row[];
  /** what was built for each row */
  readonly built: readonly Prepared[];
  /** every step of every process, a list of rounds for each row */
  readonly rounds: readonly (readonly Answer[])[];
}

/** Measures `plans` in turn; ratios are to the plan at `reference`. */
export async function measurePlans(
  plans: readonly Plan[],
  reference: number | undefined,
  options: BenchOptions,
  setting: Setting,
): Promise<PlanReport> {
  return inWorkFolder(async (folder) => {
    const workspaces = new Map<string, Workspace>();
    const own: Workspace[] = [];
    for (const { loaded, without } of plans) {
      const key = JSON.stringify([loaded, without]);
      let workspace = workspaces.get(key);
      if (!workspace) {
        const directory = path.join(folder, String(workspaces.size));
        mkdirSync(directory);
        setting.progress(`building bundle ${workspaces.size + 1} (${loaded.name})`);
        workspace = { directory, built: await prepareWorkspace(directory, loaded, options, without) };
        workspaces.set(key, workspace);
      }
      own.push(workspace);
    }
    const entries = plans.map((plan, i) => entryOf(plan, own[i].directory, options.steps));
    const rounds = await measureRounds(entries, setting);
    return { rows: summarize(entries, rounds, reference), built: own.map(({ built }) => built), rounds };
  });
}

function entryOf(plan: Plan, directory: string, steps: number): Entry {
  const { key, contestant, threads, loaded } = plan;
  const k = isOurs(contestant) ? plan.stepsPerRun : 1;
  // whole calls: at least one to warm up, at least as many steps to time as asked for
  const warmup = Math.ceil(WARMUP / k) * k;
  const job = {
    directory,
    steps: warmup + Math.ceil((steps - WARMUP) / k) * k,
    stepsPerRun: k,
    threads,
    learningRate: learningRateOf(loaded.recipe),
  };
  return { key, contestant, job, imagesPerStep: loaded.recipe.batch, warmup };
}
