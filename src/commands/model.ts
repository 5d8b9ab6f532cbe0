/** Options that the commands on a run or an exported model share. */
import { provider, text, whole } from './command';

export const model = {
  ...text('folder of a run, or an exported .onnx file'),
  demandOption: true,
} as const;

export const modelOptions = {
  checkpoint: text('of a run: step or .safetensors file (default: the newest)'),
  provider,
  threads: whole('--threads', 1, 'threads that compute (default: all)'),
} as const;
