/** Trains by a step on its own: feeds it, and carries the state from one run to the next. */
import { availableParallelism } from 'node:os';
import { UserError } from '../base/errors';
import { didYouMean } from '../base/suggest';
import type { Port } from '../bundle/manifest';
import { stateOutputs } from '../bundle/stateOutputs';
import type { TrainStep } from '../bundle/trainStep';
import { DTYPES, sizeOf, type HostTensor, type TypedArray } from '../tensors/dtype';
import type { SessionSettings } from './providers';
import { createModelSession, type GraphSession } from './session';

/** The numbers of each input but the state, of its dtype and as many as its shape has; a scalar of float32 as a number. */
export type StepFeeds = Readonly<Record<string, TypedArray | number | undefined>>;

export class StepSession {
  private current: ReadonlyMap<string, HostTensor>;
  /** inputs that are not the state's */
  private readonly fed: readonly Port[];
  /** by output */
  private readonly next: ReadonlyMap<string, string>;

  private constructor(
    step: TrainStep,
    private readonly session: GraphSession,
  ) {
    this.current = step.state;
    this.fed = step.inputs.filter(({ role }) => role !== 'state');
    this.next = new Map(stateOutputs(step));
  }

  /** Loads the step. UserError where the provider does not load it. */
  static async open(
    step: TrainStep,
    { provider = 'cpu', threads = availableParallelism() }: Partial<SessionSettings> = {},
  ): Promise<StepSession> {
    return new StepSession(step, await createModelSession('the step', step.model, { provider, threads }));
  }

  /** After the last run, by name: for `writeSafetensors`, or to go on from with a session of `{ ...step, state }`. */
  get state(): ReadonlyMap<string, HostTensor> {
    return this.current;
  }

  /**
   * One step; computes in this thread. Answers with every output but the state. UserError for an input that is missing, unknown
   * or of another type or length, and where the runtime refuses; the state is then as before.
   */
  async run(feeds: StepFeeds): Promise<Record<string, TypedArray>> {
    const names = this.fed.map(({ name }) => name);
    const unknown = Object.keys(feeds).find((name) => !names.includes(name));
    if (unknown !== undefined)
      throw new UserError(
        `the step has no input ${unknown}${didYouMean(unknown, names)} (it takes ${names.join(', ')})`,
      );
    const own = this.fed.map((port) => [port.name, tensorOf(port, feeds)] as const);
    const results = await this.session.run(new Map([...this.current, ...own]));
    const state = new Map(this.current);
    const answers: Record<string, TypedArray> = {};
    for (const [name, tensor] of results) {
      const input = this.next.get(name);
      if (input === undefined) answers[name] = tensor.data;
      else state.set(input, tensor);
    }
    this.current = state;
    return answers;
  }

  close(): Promise<void> {
    return this.session.release();
  }
}

function tensorOf({ name, dtype, shape }: Port, feeds: StepFeeds): HostTensor {
  const sizes = shape as number[];
  const wanted = `the step's input ${name} takes ${sizeOf(sizes)} numbers in a ${DTYPES[dtype].array.name}, for ${dtype} [${sizes.join(', ')}]`;
  const given = Object.hasOwn(feeds, name) ? feeds[name] : undefined;
  if (given === undefined) throw new UserError(`${wanted}, and was not fed`);
  const data = typeof given === 'number' ? Float32Array.of(given) : given;
  // by name: an array's class may be another realm's
  const kind = data.constructor.name;
  if (kind !== DTYPES[dtype].array.name || data.length !== sizeOf(sizes))
    throw new UserError(`${wanted}, but was fed with ${data.length} in a ${kind}`);
  return { dtype, shape: sizes, data };
}
