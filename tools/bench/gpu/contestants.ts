/** Who is timed on a GPU, in two groups: float32 (whose products are TF32 there) and mixed precision. */
import { contestant, isOurs, type Contestant } from '../contestants';
import type { Compute } from './cases';

export interface GpuContestant {
  readonly contestant: Contestant;
  /** of the bundle that it trains; peers take the network and the initial state from it */
  readonly compute: Compute;
  /** the table it stands in, whose ratios are to the table's first */
  readonly group: 'float32' | 'mixed';
  /** trains K steps a call */
  readonly loops: boolean;
}

const entry = (
  name: string,
  program: Contestant['program'],
  variant: string,
  precision: 'tf32' | 'float16' | 'bfloat16',
): GpuContestant => {
  const made = contestant(name, program, variant, {}, precision);
  const loops = isOurs(made) || program === 'ort_step.py';
  const compute = loops && precision === 'float16' ? 'float16' : 'float32';
  return { contestant: made, compute, group: precision === 'tf32' ? 'float32' : 'mixed', loops };
};

export const GPU_CONTESTANTS: readonly GpuContestant[] = [
  entry('ours', 'step.js', 'train', 'tf32'),
  entry('ours-python', 'ort_step.py', 'train', 'tf32'),
  entry('torch-channels-last', 'torch_step.py', 'channels-last', 'tf32'),
  entry('ours-float16', 'step.js', 'train', 'float16'),
  entry('ours-python-float16', 'ort_step.py', 'train', 'float16'),
  entry('torch-float16', 'torch_step.py', 'float16', 'float16'),
  entry('torch-bfloat16', 'torch_step.py', 'bfloat16', 'bfloat16'),
];
