/** One bundle trains a few steps on the CPU and on the device, from the same state on the same batch: do they agree? */
import path from 'node:path';
import { append } from '../../../src/base/lists';
import { initialStatePath, readBundle } from '../../../src/bundle/read';
import { UserError } from '../../../src/base/errors';
import { readSafetensors, writeSafetensors } from '../../../src/tensors/safetensors';
import { commandOf, contestant, type Contestant } from '../contestants';
import { answerSchema, type Job } from '../job';
import { launch } from '../launch';
import { inWorkFolder, prepareWorkspace } from '../workspace';
import { gpuRecipe, type Compute, type GpuCaseName } from './cases';
import type { GpuOptions } from './options';
import { judgePlacement, placedSchema, type PlacementFinding, type PlacementJob } from './placement';
import { compareRuns, disturbed, trained, TOLERANCES, type Finding, type Run } from './states';

export interface Place {
  /** the folder with dist/ and tools/ */
  readonly root: string;
  readonly progress: (line: string) => void;
}

/** Low: a deep net at its start magnifies rounding, and at higher rates two float32 programs part within a few steps. */
const LEARNING_RATE = 1e-4;
/** A factor with which no gradient overflows in the first steps: a step that both sides skip would prove nothing. */
const LOSS_SCALE = 'lossScale.initial=1024';
/** float32 is compared as float32: TF32 has three digits less. For every CUDA library of the process. */
const WITHOUT_TF32 = { NVIDIA_TF32_OVERRIDE: '0' };
const LISTED = 10;

const NODE = contestant('node', 'step.js', 'train');
const PYTHON = contestant('python', 'ort_step.py', 'train');

export interface CheckReport {
  readonly case: GpuCaseName;
  readonly compute: Compute;
  readonly findings: readonly Finding[];
}

/** All findings of a case in one precision. Throws a UserError where a process fails. */
export const checkCase = (
  name: GpuCaseName,
  compute: Compute,
  options: GpuOptions,
  place: Place,
): Promise<CheckReport> =>
  inWorkFolder(async (directory) => {
    const { device, runtime, checkBatch, checkSteps, set, timeoutSeconds, threads } = options;
    place.progress(`${name}, ${compute}: building the bundle`);
    const loaded = gpuRecipe(name, compute, checkBatch, [LOSS_SCALE, ...shallow(name, compute), ...set]);
    await prepareWorkspace(directory, loaded, { wrap: [], timeoutSeconds }, []);
    const bundle = readBundle(directory);
    const start = readSafetensors(initialStatePath(bundle)).tensors;
    const moved = disturbed(start, bundle.manifest, TOLERANCES[compute].rounding);
    const movedFile = path.join(directory, 'disturbed.safetensors');
    writeSafetensors(movedFile, moved);

    const run = async (who: Contestant, on: 'cpu' | 'cuda', stepsPerRun = 1, from?: string): Promise<Run> => {
      const saveState = path.join(directory, 'state.safetensors');
      const job = { steps: checkSteps, stepsPerRun, threads, learningRate: LEARNING_RATE, device: on };
      const how = stepsPerRun === 1 ? '' : ' in one call';
      place.progress(`${name}, ${compute}: ${checkSteps} steps${how} on ${on} (${who.name})`);
      const losses = await lossesOf(who, { ...job, directory, saveState, startState: from }, options, place);
      return { losses, start: from === undefined ? start : moved, end: readSafetensors(saveState).tensors };
    };
    const truth = { reference: await run(NODE, 'cpu'), other: await run(NODE, 'cpu', 1, movedFile) };
    const findings: Finding[] = [trained(truth.reference, bundle.manifest)];
    for (const k of new Set([1, checkSteps])) {
      const tried = await run(runtime === 'node' ? NODE : PYTHON, device, k);
      const found = compareRuns({ ...truth, device: tried }, bundle.manifest, compute);
      const graph = k === 1 ? 'train.onnx' : 'train-loop.onnx';
      append(
        findings,
        found.map((finding) => ({ ...finding, what: `${graph}: ${finding.what}` })),
      );
    }
    if (runtime === 'node') {
      place.progress(`${name}, ${compute}: which node runs where`);
      findings.push(placementFinding(await placed(directory, options), device));
    }
    return { case: name, compute, findings };
  });

/**
 * In float16 a net of 50 layers turns one rounding into other gradients, so that nothing could be told: one block a stage
 * has the same operators at the same widths.
 */
function shallow(name: GpuCaseName, compute: Compute): string[] {
  if (compute === 'float32') return [];
  const { stages } = gpuRecipe(name, compute, undefined, []).recipe.network;
  return [`network.stages=[${stages.map(() => 1).join()}]`];
}

async function lossesOf(
  who: Contestant,
  job: Omit<Job, 'variant'>,
  { python, timeoutSeconds }: GpuOptions,
  { root }: Place,
): Promise<readonly number[]> {
  const command = [...commandOf(who, root, python), JSON.stringify({ ...job, variant: who.variant })];
  const answer = answerSchema.parse(await launch({ command, env: WITHOUT_TF32, wrap: [], timeoutSeconds }));
  if ('losses' in answer) return answer.losses;
  throw new UserError(`${who.name}: ${'skipped' in answer ? answer.skipped : answer.failed}`);
}

async function placed(directory: string, options: GpuOptions): Promise<PlacementFinding> {
  const { device, threads, timeoutSeconds } = options;
  const job: PlacementJob = { directory, provider: device, threads };
  const command = [process.execPath, path.join(__dirname, 'placement.js'), JSON.stringify(job)];
  return judgePlacement(placedSchema.parse(await launch({ command, wrap: [], timeoutSeconds })), device);
}

function placementFinding(found: PlacementFinding, device: string): Finding {
  const { total, bookkeeping, wrong, copies } = found;
  const list = wrong.slice(0, LISTED).map(({ op, name }) => `${name} (${op})`);
  const more = wrong.length > LISTED ? `, and ${wrong.length - LISTED} more` : '';
  const elsewhere = wrong.length > 0 ? `; left elsewhere: ${list.join(', ')}${more}` : '';
  return {
    what: `every node but shape bookkeeping runs on ${device}`,
    verdict: wrong.length === 0 && total > 0 ? 'ok' : 'FAIL',
    detail: `${total} kernels, ${bookkeeping.length} of them shape bookkeeping on the CPU, ${copies} copies${elsewhere}`,
  };
}

export const describeCheck = ({ case: name, compute, findings }: CheckReport): string =>
  [
    `## ${name}, ${compute}: the device against the CPU`,
    '',
    ...findings.map(({ what, verdict, detail }) => `${verdict.padEnd(6)}${what}: ${detail}`),
    '',
  ].join('\n');
