/** Two runs of six steps for reports: pretraining on the embedded images with all its measurements, and finetuning from it. */
import { type Finished, selfie } from './selfie';

function succeed(args: readonly string[]): Finished {
  const finished = selfie(args);
  if (finished.code !== 0) throw new Error(`selfie ${args.join(' ')}: ${finished.stderr}`);
  return finished;
}

const sets = (...settings: string[]) => settings.flatMap((setting) => ['--set', setting]);
const SMALL = sets('network.width=2', 'batch=8', 'schedule.warmupSteps=0');

export function buildAndTrain(pretrained: string, finetuned: string): void {
  const data = ['--data', 'embedded', '--steps', '6'];
  succeed(['build-graph', 'embedded-pretrain', '--out', pretrained, ...SMALL, ...sets('pooling.heads=2')]);
  const measured = ['--validation', '20', '--checkpoint-every', '3', '--probe-every', '3'];
  succeed(['train', pretrained, ...data, ...measured, '--probe-images', '100']);
  succeed(['build-graph', 'embedded-finetune', '--out', finetuned, ...SMALL]);
  succeed(['train', finetuned, ...data, '--labels', '20', '--init-from', pretrained]);
}

/** `selfie report` on few images. */
export const reportOf = (directories: readonly string[], to?: string, images = '40'): Finished =>
  succeed(['report', ...directories, '--images', images, ...(to === undefined ? [] : ['--to', to])]);
