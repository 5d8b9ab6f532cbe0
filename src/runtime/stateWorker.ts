/** The thread that owns the sessions and the state; `session.run` blocks it and nothing else. */
import { parentPort, workerData } from 'node:worker_threads';
import { UserError } from '../errors';
import type { HostTensor } from '../onnx/dtype';
import type { GraphName } from '../bundle/manifest';
import { GradientSum } from './gradientSum';
import type { Command, Entries, Reply, Request, WorkerSetup } from './protocol';
import { createSession } from './session';
import type { GraphSession } from './session';

const { settings, graphs } = workerData as WorkerSetup;
const sessions = new Map<GraphName, GraphSession>();
const state = new Map<string, HostTensor>();
const gradients = new GradientSum();

async function load(graph: GraphName): Promise<GraphSession> {
  let session = sessions.get(graph);
  if (!session) {
    session = await createSession(graphs[graph].file, settings);
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
  const given = new Map(feeds);
  for (const port of contract.inputs) {
    if (port.role === 'state') {
      const tensor = state.get(port.name);
      if (!tensor) throw new Error(`${file}: the state has no ${port.name}`);
      given.set(port.name, tensor);
    } else if (port.role === 'gradient') {
      given.set(port.name, gradients.mean(port.name));
    }
  }
  const results = await session.run(given);
  if (contract.inputs.some(({ role }) => role === 'gradient')) gradients.clear();
  const answers: Entries = [];
  const sums: Entries = [];
  for (const port of contract.outputs) {
    const tensor = results.get(port.name);
    if (!tensor)
      throw new UserError(`${file}: has no output ${port.name}, which the manifest promises; build it again`);
    if (port.role === 'state' && port.replaces !== undefined) state.set(port.replaces, tensor);
    else if (port.role === 'gradient') sums.push([port.name, tensor]);
    else answers.push([port.name, tensor]);
  }
  if (sums.length > 0) gradients.add(sums);
  return answers;
}

async function answer(command: Command): Promise<Entries> {
  switch (command.kind) {
    case 'load':
      await load(command.graph);
      return [];
    case 'setState':
      state.clear();
      for (const [name, tensor] of command.state) state.set(name, tensor);
      return [];
    case 'run':
      return run(command.graph, command.feeds);
    case 'getState':
      return [...state];
    case 'close':
      for (const session of sessions.values()) await session.release();
      sessions.clear();
      state.clear();
      return [];
  }
}

if (!parentPort) throw new Error('stateWorker runs in a worker thread only');
const port = parentPort;
// One command at a time, in the order they came.
let queue = Promise.resolve();
port.on('message', ({ id, command }: Request) => {
  queue = queue.then(async () => {
    let reply: Reply;
    try {
      reply = { id, entries: await answer(command) };
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      reply = { id, error: { message: error.message, user: error instanceof UserError, stack: error.stack } };
    }
    port.postMessage(reply);
    if (command.kind === 'close') port.close();
  });
});
