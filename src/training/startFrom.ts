/** Starts a run from another's weights: matching by name, part and shape, with a report of what went where. */
import { AVERAGE, type Manifest, type StateEntry } from '../bundle/manifest';
import { UserError } from '../base/errors';
import type { ByPart, LoadReport, Reinitialized } from '../run/loadReport';
import type { HostTensor } from '../tensors/dtype';
import { describe } from '../run/stateTypes';
import type { State, StateKinds } from '../run/stateTypes';

export interface WeightSource {
  /** what was asked for, for messages */
  readonly from: string;
  readonly file: string;
  readonly state: State;
  /** null for a plain safetensors file, which is matched by names alone */
  readonly kinds: StateKinds | null;
}

/** Part of what a plain safetensors file has and the network has not. */
const NO_PART = '(no part)';

/** By part: axes whose size the data decides, not the network. The stem's norms have but axis 0, so they have none. */
const DATA_AXES: Readonly<Record<string, readonly number[]>> = {
  /** [width, channels, kernel, kernel]: other channels, or the stem for other image sizes */
  stem: [1, 2, 3],
  /** [places or side, D]: another grid of patches, or another map */
  position: [0],
  map_position: [0],
  /** [classes, features] and [classes] */
  fc: [0],
};

/**
 * `initial` with the parameters and buffers replaced that `source` has under
 * the same name and part, by its moving average of them where it has one. What differs in shape along DATA_AXES alone keeps
 * its initial value. Optimizer state is never taken; moving averages of this network start where their tensors do.
 * Throws a UserError, in which `--init-from` is named, for any other mismatch of shape or dtype, and where nothing at all is
 * taken.
 */
export function startFrom(
  source: WeightSource,
  manifest: Manifest,
  initial: State,
): { state: State; report: LoadReport } {
  const { from } = source;
  const loaded: ByPart = {};
  const fresh: ByPart = {};
  const reinitialized: ByPart<Reinitialized> = {};
  const state = new Map(initial);
  const matched = new Set<string>();
  let averages = false;
  for (const entry of manifest.state) {
    if (entry.kind === 'optimizer' || isAverage(entry)) continue;
    const { name, part, shape } = entry;
    const average = source.state.get(AVERAGE + name);
    const tensor = average ?? source.state.get(name);
    const samePart = source.kinds === null || source.kinds[name]?.[1] === part;
    if (!tensor || !samePart) {
      add(fresh, part, name);
      continue;
    }
    matched.add(name);
    if (describe(tensor) === describe(entry)) {
      state.set(name, tensor);
      add(loaded, part, name);
      averages ||= average !== undefined;
    } else if (dataDecides(tensor, entry)) {
      add(reinitialized, part, { name, source: tensor.shape, network: shape });
    } else {
      throw new UserError(
        `--init-from ${from}: ${name} is ${describe(tensor)} there and ${describe(entry)} in this network`,
      );
    }
  }
  if (Object.keys(loaded).length === 0) {
    throw new UserError(
      `--init-from ${from}: nothing in ${source.file} matches this network by name, part and shape`,
    );
  }
  for (const { name } of manifest.state.filter(isAverage)) {
    const value = state.get(name.slice(AVERAGE.length));
    if (value) state.set(name, value);
  }
  const report = {
    source: source.file,
    averages,
    loaded,
    reinitialized,
    fresh,
    left: leftOf(source, matched),
  };
  return { state, report };
}

/** Of the source's parameters and buffers those that are not in `matched`. */
function leftOf({ state, kinds }: WeightSource, matched: ReadonlySet<string>): ByPart {
  const left: ByPart = {};
  for (const name of state.keys()) {
    const [kind, part] = kinds?.[name] ?? [name.startsWith('optim.') ? 'optimizer' : null, NO_PART];
    if (kind === 'optimizer' || name.startsWith(AVERAGE) || matched.has(name)) continue;
    // what PyTorch's batch norm counts is neither
    if (name.endsWith('.num_batches_tracked')) continue;
    add(left, part, name);
  }
  return left;
}

const isAverage = ({ kind }: StateEntry) => kind === 'average';

/** Whether dtype and shape agree but for axes that the data decides. */
const dataDecides = ({ dtype, shape }: HostTensor, entry: StateEntry): boolean =>
  dtype === entry.dtype &&
  shape.length === entry.shape.length &&
  shape.every((size, axis) => size === entry.shape[axis] || DATA_AXES[entry.part]?.includes(axis));

function add<Item>(byPart: ByPart<Item>, part: string, item: Item): void {
  (byPart[part] ??= []).push(item);
}
