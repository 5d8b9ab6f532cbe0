/** `export --to hub`: a folder that can be uploaded to the Hugging Face Hub as it is. */
import path from 'node:path';
import { writeFileAtomic } from '../../base/files';
import { readModel } from '../../onnx/files';
import { exportModel, type ExportReport } from '../exportModel';
import { prepareExport, type ExportRunOptions } from '../exportRun';
import { replaceFolder, requireReplaceable } from '../folder';
import { classLabels } from '../labels';
import { readProvenance } from '../provenance';
import { readSafetensors } from '../../tensors/safetensors';
import { exportTorchState, stateOf, type TorchStateReport } from '../torchState';
import { modelCard } from './card';
import { modelConfig, preprocessorConfig } from './configs';
import { type CardData, LABELS, MODEL, PHOTO, WEIGHTS } from './cardData';

export interface HubReport {
  readonly models: readonly ExportReport[];
  readonly weights: TorchStateReport;
}

/** Exports a run's checkpoint with its card. Throws a UserError for whatever is not there or does not fit. */
export async function exportHub(
  options: Omit<ExportRunOptions, 'input'>,
  warn: (line: string) => void = () => {},
): Promise<HubReport> {
  const { out, directory } = options;
  requireReplaceable(out, 'hub');
  const { form, ...opened } = await prepareExport(options, warn);
  const { bundle, state } = opened;
  const { manifest } = bundle;
  const provenance = readProvenance(directory);
  const details = { ...opened.details, data: provenance.data };
  return replaceFolder(out, 'hub', async (folder) => {
    const inside = (name: string) => path.join(folder, name);
    const write = (name: string, text: string) => writeFileAtomic(inside(name), text);
    const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
    const saved = exportTorchState(bundle, state, inside(WEIGHTS), form.kind, details);
    // What the models are checked with is what the file holds.
    const weights = stateOf(manifest, readSafetensors(inside(WEIGHTS)).tensors);
    const request = { ...opened, details, weights };
    const models = [
      await exportModel({ ...request, out: inside(MODEL), form: { ...form, input: 'float' } }),
      await exportModel({ ...request, out: inside(PHOTO), form: { ...form, input: 'photo' } }),
    ];
    const [{ measured }] = models;
    const card: CardData = {
      manifest,
      form,
      step: details.step,
      provenance,
      license: details.license,
      labels: form.kind === 'classifier' ? classLabels(manifest.recipe, details.classes) : null,
      torchvision: saved.torchvision,
      outputs: readModel(inside(MODEL)).graph.outputs,
      measured,
    };
    if (card.labels) write(LABELS, `${card.labels.join('\n')}\n`);
    const preprocessor = preprocessorConfig(manifest.recipe.image);
    if (preprocessor) write('preprocessor_config.json', json(preprocessor));
    write('config.json', json(modelConfig(card)));
    write('README.md', modelCard(card));
    const moved = <T extends { file: string }>(report: T): T => ({
      ...report,
      file: path.join(out, path.basename(report.file)),
    });
    return { models: models.map(moved), weights: moved(saved) };
  });
}
