/** Finds what `--model` names: a run's folder or an exported file. */
import { statSync } from 'node:fs';
import { UserError } from '../base/errors';
import { requireProvider } from '../runtime/providers';
import { openExported } from './exportedModel';
import type { ImageModel, ModelChoice } from './model';
import { openRunModel } from './runModel';

/** Opens it in a thread of its own. UserError where it is not there, does not load or takes no images. */
export async function openModel(choice: ModelChoice, warn: (line: string) => void): Promise<ImageModel> {
  const { model, checkpoint, provider } = choice;
  if (provider) requireProvider(provider);
  const stat = statSync(model, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return openRunModel(choice, warn);
  if (!stat || !model.endsWith('.onnx'))
    throw new UserError(`--model ${model}: expected the folder of a run or an exported .onnx file`);
  if (checkpoint !== undefined)
    throw new UserError(`--checkpoint ${checkpoint}: ${model} is one exported model; give it with a run`);
  return openExported(choice);
}
