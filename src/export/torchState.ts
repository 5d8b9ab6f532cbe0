/**
 * A trained network as a state_dict: parameters and running statistics by torchvision's names, as safetensors. The names and
 * layouts are the project's own already; what PyTorch's batch norm counts comes beside each of its means.
 */
import { AVERAGE, type Manifest } from '../bundle/manifest';
import type { Bundle } from '../bundle/read';
import type { Recipe } from '../bundle/recipe';
import type { HostTensor } from '../tensors/dtype';
import { exportMetadata, type ExportDetails } from './metadata';
import type { ExportForm } from './form';
import { writeSafetensors } from '../tensors/safetensors';

export interface TorchStateReport {
  readonly file: string;
  readonly tensors: number;
  /** whether torchvision has such a network, so that its `load_state_dict` takes the file */
  readonly torchvision: boolean;
}

/** Moving averages take the place of the weights where the run has them. */
export function torchState(
  { manifest }: Pick<Bundle, 'manifest'>,
  state: ReadonlyMap<string, HostTensor>,
  step: number,
): Map<string, HostTensor> {
  const tensors = new Map<string, HostTensor>();
  for (const { name, kind } of manifest.state) {
    if (kind !== 'parameter' && kind !== 'buffer') continue;
    const tensor = state.get(AVERAGE + name) ?? state.get(name);
    if (!tensor) throw new Error(`the checkpoint has no tensor ${name}`);
    tensors.set(name, tensor);
    if (!name.endsWith('.running_mean')) continue;
    const data = BigInt64Array.of(BigInt(step));
    tensors.set(name.replace(/running_mean$/, 'num_batches_tracked'), { dtype: 'int64', shape: [], data });
  }
  return tensors;
}

export function exportTorchState(
  bundle: Bundle,
  state: ReadonlyMap<string, HostTensor>,
  file: string,
  kind: ExportForm['kind'],
  details: ExportDetails,
): TorchStateReport {
  const tensors = torchState(bundle, state, details.step);
  const form = { kind, input: 'float', map: false, opset: 0, precision: 'float32' } as const;
  writeSafetensors(file, tensors, { format: 'pt', ...exportMetadata(bundle.manifest, form, details, null) });
  return { file, tensors: tensors.size, torchvision: isTorchvision(bundle.manifest.recipe) };
}

/** A state_dict under the names that the state has: an average's is that of what it averages. */
export function stateOf(
  { state }: Manifest,
  tensors: ReadonlyMap<string, HostTensor>,
): Map<string, HostTensor> {
  const found = new Map<string, HostTensor>();
  for (const { name, kind } of state) {
    const tensor = tensors.get(kind === 'average' ? name.slice(AVERAGE.length) : name);
    if (tensor) found.set(name, tensor);
  }
  return found;
}

/** Whether `torchvision.models.ResNet` has such a network: bottleneck blocks in four stages from a stem of 64 channels on. */
export const isTorchvision = ({ task, image, network }: Recipe): boolean =>
  task === 'finetune' &&
  image.channels === 3 &&
  network.version === 'v1' &&
  network.stem === 'imagenet' &&
  network.width === 64 &&
  network.stages.length === 4 &&
  network.globalPool === 'average';
