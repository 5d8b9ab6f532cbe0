/** The thread that owns the sessions and the state; `session.run` blocks it and nothing else. */
import { workerData } from 'node:worker_threads';
import { UserError } from '../base/errors';
import { answerCalls } from '../base/workerCalls';
import type { GraphName } from '../bundle/manifest';
import { stateOutputs } from '../bundle/stateOutputs';
import { DeviceTensor, type AnyTensor } from './device';
import { collectGarbage } from './garbage';
import { GradientSum } from './gradientSum';
import type { Command, Entries, WorkerSetup } from './protocol';
import { createSession, readDevice } from './session';
import type { GraphSession } from './session';

const { settings, graphs } = workerData as WorkerSetup;
const sessions = new Map<GraphName, GraphSession>();
const state = new Map<string, AnyTensor>();
const gradients = new GradientSum();
/** bytes of state that the last run replaced */
let left = 0;

async function load(graph: GraphName): Promise<GraphSession> {
  let session = sessions.get(graph);
  if (!session) {
    const { file, contract } = graphs[graph];
    const states = contract.outputs.filter(({ role }) => role === 'state').map(({ name }) => name);
    session = await createSession(file, settings, { onDevice: settings.provider === 'webgpu' ? states : [] });
    sessions.set(graph, session);
  }
  return session;
}

/**
 * One run: state inputs come from the state and state outputs take their place; gradient outputs are added up and
 * gradient inputs are fed with their mean since the last time.
 */
async function run(graph: GraphName, feeds: Entries): Promise<Entries> {
  const session = await load(graph);
  const { contract, file } = graphs[graph];
  const given = new Map<string, AnyTensor>(feeds);
  for (const port of contract.inputs) {
    if (port.role === 'state') {
      const tensor = state.get(port.name);
      if (!tensor) throw new Error(`${file}: the state has no ${port.name}`);
      given.set(port.name, tensor);
    } else if (port.role === 'gradient') {
      given.set(port.name, gradients.mean(port.name));
    }
  }
  collectGarbage(left);
  left = 0;
  const kept = new Map<string, DeviceTensor>();
  const results = await session.run(given, kept);
  if (contract.inputs.some(({ role }) => role === 'gradient')) gradients.clear();
  const answers: Entries = [];
  const sums: Entries = [];
  const replaces = new Map(stateOutputs(contract));
  for (const { name, role } of contract.outputs) {
    const tensor = kept.get(name) ?? results.get(name);
    const input = replaces.get(name);
    if (!tensor)
      throw new UserError(`${file}: has no output ${name}, which the manifest promises; build it again`);
    if (input !== undefined) replaceState(input, tensor);
    else if (tensor instanceof DeviceTensor) throw new Error(`${file}: ${name} stayed on the device`);
    else (role === 'gradient' ? sums : answers).push([name, tensor]);
  }
  if (sums.length > 0) gradients.add(sums);
  return answers;
}

function replaceState(name: string, tensor: AnyTensor): void {
  const before = state.get(name);
  state.set(name, tensor);
  if (before instanceof DeviceTensor) before.release();
  else left += before?.data.byteLength ?? 0;
}

function clearState(): void {
  for (const tensor of state.values()) if (tensor instanceof DeviceTensor) tensor.release();
  state.clear();
}

/** The state with what lies on the device copied from there. */
async function hostState(): Promise<Entries> {
  const onDevice = new Map<string, DeviceTensor>();
  for (const [name, tensor] of state) if (tensor instanceof DeviceTensor) onDevice.set(name, tensor);
  const copies = await readDevice(onDevice, settings);
  return [...state].map(([name, tensor]) => {
    if (!(tensor instanceof DeviceTensor)) return [name, tensor];
    const copy = copies.get(name);
    if (!copy) throw new Error(`the device gave no ${name}`);
    return [name, copy];
  });
}

async function answer(command: Command): Promise<Entries> {
  switch (command.kind) {
    case 'load':
      await load(command.graph);
      return [];
    case 'setState':
      clearState();
      for (const [name, tensor] of command.state) state.set(name, tensor);
      return [];
    case 'run':
      return run(command.graph, command.feeds);
    case 'getState':
      return hostState();
  }
}

answerCalls(answer, async () => {
  clearState();
  for (const session of sessions.values()) await session.release();
});
