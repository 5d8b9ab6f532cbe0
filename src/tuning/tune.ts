/** `selfie tune`: times every way to lower each family of a training graph on this machine. */
import path from 'node:path';
import { minOf } from '../base/lists';
import { Random } from '../base/random';
import { withTemporary } from '../base/temporary';
import { emitGraph, toModel } from '../graph/emit';
import { inputName, type Graph } from '../graph/graph';
import type { LoweringOptions } from '../lowering/context';
import { fuse } from '../lowering/fusion';
import { fromNumbers, type HostTensor, sizeOf } from '../tensors/dtype';
import { writeModel } from '../onnx/files';
import { profiled } from '../profiling/profiled';
import type { SessionSettings } from '../runtime/providers';
import { RuntimeError } from '../runtime/session';
import { families, familyCandidates, type Candidate, type Family } from './families';
import { machine } from './machine';
import { familyGraph } from './piece';
import type { TunedEntry, TunedTable } from '../compile/tunedTable';

/** Runs that are not counted, counted ones, and sessions of each candidate. */
const [WARM, RUNS, ROUNDS] = [2, 5, 2];

/** A candidate this much slower than the best of the first round is not tried again. */
const HOPELESS = 1.5;

/** Only what is faster than the rule table's choice by more than this replaces it: less is noise. */
const MARGIN = 0.05;

export interface TuneReporter {
  /** before a family is timed */
  readonly family: (index: number, total: number, describe: string) => void;
  readonly warn: (line: string) => void;
}

/** Times the families of `graph`, a training graph of composites. Writes nothing. */
export async function tune(
  graph: Graph,
  options: LoweringOptions,
  settings: SessionSettings,
  reporter: TuneReporter,
): Promise<TunedTable> {
  const several = families(fuse(graph, options))
    .map((family) => ({ family, ways: familyCandidates(family, options) }))
    .filter(({ ways }) => ways.length > 1);
  const entries: TunedEntry[] = [];
  await withTemporary('tune', async (folder) => {
    for (const [i, { family, ways }] of several.entries()) {
      reporter.family(i, several.length, describeFamily(family));
      const milliseconds = await timeWays(folder, family, ways, options, settings, reporter);
      const own = milliseconds.get(ways[0].name) ?? Infinity;
      const best = ways
        .filter(({ name }) => milliseconds.has(name))
        .reduce((a, b) =>
          (milliseconds.get(b.name) as number) < (milliseconds.get(a.name) ?? Infinity) ? b : a,
        );
      const gained = (milliseconds.get(best.name) ?? Infinity) < own * (1 - MARGIN);
      const chosen = gained ? best : ways[0];
      entries.push({
        fastest: chosen.name,
        implementations: Object.fromEntries(chosen.choices),
        milliseconds: Object.fromEntries(milliseconds),
      });
    }
  });
  return { formatVersion: 2, provider: settings.provider, ...machine(), threads: settings.threads, entries };
}

/** `Conv2d 32x64x32x32, 64x64x3x3 (5 times)` */
export const describeFamily = ({ nodes: [{ op, inputs }], count }: Family): string =>
  `${op.type} ${inputs.map((value) => value?.shape.join('x')).join(', ')}${count > 1 ? ` (${count} times)` : ''}`;

/** Milliseconds of each way that ran, the best of all its runs. Sessions follow each other: two at once would spin. */
async function timeWays(
  folder: string,
  family: Family,
  ways: readonly Candidate[],
  options: LoweringOptions,
  settings: SessionSettings,
  { warn }: TuneReporter,
): Promise<Map<string, number>> {
  const best = new Map<string, number>();
  const failed = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    const limit = HOPELESS * minOf(best.values());
    for (const { name, choices } of ways) {
      if (failed.has(name) || (best.get(name) ?? 0) > limit) continue;
      try {
        const time = await timeGraph(folder, familyGraph(family, { ...options, tuned: choices }), settings);
        best.set(name, Math.min(time, best.get(name) ?? Infinity));
      } catch (error) {
        // anything else, a full disk for one, says nothing of the way
        if (!(error instanceof RuntimeError)) throw error;
        failed.add(name);
        warn(`${describeFamily(family)}: ${name} does not run here: ${error.message}`);
      }
    }
  }
  return best;
}

async function timeGraph(folder: string, graph: Graph, settings: SessionSettings): Promise<number> {
  const model = path.join(folder, 'family.onnx');
  writeModel(model, toModel(emitGraph(graph)));
  const feeds = new Map(graph.inputs.map((input) => [inputName(input), randomTensor(input)]));
  const { runs } = await profiled({ folder, name: 'family' }, model, settings, async (session) => {
    for (let i = 0; i < WARM + RUNS; i++) await session.run(feeds);
  });
  return minOf(runs.slice(WARM).map(({ us }) => us)) / 1000;
}

function randomTensor({ dtype, shape, source }: Graph['inputs'][number]): HostTensor {
  const sizes = shape as number[];
  const random = new Random(0, 'tune', source.kind === 'input' ? source.name : '');
  const numbers = Array.from({ length: sizeOf(sizes) }, () => random.normal());
  const isFloat = dtype.startsWith('float');
  return { dtype, shape: sizes, data: fromNumbers(dtype, isFloat ? numbers : numbers.map(Math.round)) };
}
