/** A run's checkpoint as a model for images: exported for pixels into a folder that is gone once it is loaded. */
import path from 'node:path';
import { withTemporary } from '../base/temporary';
import { graphPath } from '../bundle/read';
import { embedState } from '../export/model/bakeWeights';
import { openForExport } from '../export/exportRun';
import { DEFAULT_FORM } from '../export/form';
import { exportMetadata } from '../export/metadata';
import { readModel, writeModel } from '../onnx/files';
import { requireProvider } from '../runtime/providers';
import { openExported } from './exportedModel';
import { sha256 } from './fingerprint';
import type { ImageModel, ModelChoice } from './model';

/**
 * Opens the checkpoint. With its weights inside and batch norm folded into them, the network is twice as fast as the bundle's
 * graph that takes its weights as inputs. UserError for whatever is not there or does not fit.
 */
export async function openRunModel(choice: ModelChoice, warn: (line: string) => void): Promise<ImageModel> {
  const { model: directory, checkpoint, threads } = choice;
  const { bundle, file, state, details, kind } = openForExport({ directory, checkpoint }, warn);
  const { manifest } = bundle;
  const provider = choice.provider ?? manifest.provider;
  requireProvider(provider);
  const graph = graphPath(bundle, 'encoder');
  const fingerprint = await sha256([graph, file]);
  const form = { ...DEFAULT_FORM, kind, input: 'uint8' } as const;
  // What is loaded needs no file.
  return withTemporary('model', async (folder) => {
    const exported = path.join(folder, 'model.onnx');
    const metadata = exportMetadata(manifest, form, details, null);
    writeModel(exported, {
      ...embedState({ model: readModel(graph), state, image: manifest.recipe.image }, form),
      metadata,
    });
    const opened = await openExported({ model: exported, provider, threads });
    return { ...opened, name: directory, sha256: fingerprint };
  });
}
