/** A training step on its own, without a bundle: what `trainStep` builds and `StepSession` runs. */
import type { HostTensor } from '../tensors/dtype';
import type { GraphContract } from './manifest';

/** Every input, and of the outputs the loss and the state; the graph's own outputs come beside them. */
export interface TrainStep extends Pick<GraphContract, 'inputs' | 'outputs'> {
  /** an ONNX file; its output `next.x` is the state x after the step */
  readonly model: Uint8Array;
  /** what the first step starts from, by the names of the state inputs */
  readonly state: ReadonlyMap<string, HostTensor>;
}
