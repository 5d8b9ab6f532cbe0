/** What a run's folder says of its training, as it may be published: no path of this machine. */
import path from 'node:path';
import { findBundle, readBundle } from '../bundle/read';
import { UserError } from '../base/errors';
import { publicSource } from '../data/sources/publicSource';
import { readLoadReport, readRun } from '../run/runFolder';

export interface Provenance {
  /** of the run's folder */
  readonly name: string;
  /** null: the folder has no run.json */
  readonly data: string | null;
  /** the subset of the labels that was used; null: all, or not known */
  readonly labels: string | null;
  readonly unlabelled: string | null;
  readonly seed: number | null;
  /** batches of a step */
  readonly accumulate: number;
  /** what it started from; null: from scratch, or not known */
  readonly from: Start | null;
}

export interface Start {
  /** of the run's folder or file */
  readonly name: string;
  /** null: not known, as of weights that came as a file */
  readonly step: number | null;
  readonly recipeName: string | null;
  readonly data: string | null;
  readonly task: 'pretrain' | 'finetune' | null;
}

const publicOrNull = (spec: string | null | undefined) => (spec == null ? null : publicSource(spec));

export function readProvenance(directory: string): Provenance {
  const run = readRun(directory);
  return {
    name: path.basename(path.resolve(directory)),
    data: publicOrNull(run?.data),
    labels: run?.labels ?? null,
    unlabelled: publicOrNull(run?.unlabelled),
    seed: run?.seed ?? null,
    accumulate: run?.accumulate ?? 1,
    from: run?.initFrom == null ? null : readStart(directory, run.initFrom),
  };
}

function readStart(directory: string, from: string): Start {
  const there = { name: path.basename(path.resolve(from)), ...readOther(from) };
  const step = /step-(\d+)\.safetensors$/.exec(readLoadReport(directory)?.source ?? '')?.[1];
  return { ...there, step: step === undefined ? null : Number(step) };
}

/** Of a run that this one started from, where it still lies at its place. */
function readOther(directory: string): Pick<Start, 'recipeName' | 'data' | 'task'> {
  try {
    if (findBundle(directory) === undefined) return { recipeName: null, data: null, task: null };
    const { recipeName, recipe } = readBundle(directory).manifest;
    return { recipeName, data: publicOrNull(readRun(directory)?.data), task: recipe.task };
  } catch (error) {
    // a run that was changed or damaged since says nothing of what it was then
    if (error instanceof UserError) return { recipeName: null, data: null, task: null };
    throw error;
  }
}
