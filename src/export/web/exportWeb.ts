/** `export --to web`: a folder of static files with a page that runs the model in the browser, and nothing from elsewhere. */
import { cpSync, existsSync } from 'node:fs';
import path from 'node:path';
import { writeFileAtomic } from '../../base/files';
import { UserError } from '../../base/errors';
import { channelNames, imageShape } from '../../bundle/imageShape';
import { exportModel, type ExportReport } from '../exportModel';
import { prepareExport, type ExportRunOptions } from '../exportRun';
import { replaceFolder, requireReplaceable } from '../folder';
import { classLabels } from '../labels';
import { readProvenance } from '../provenance';
import type { WebModel } from './webModel';

/** What `npm run build` made of src/web/model, and the runtime's WebAssembly. */
const PAGE = path.resolve(__dirname, '..', '..', '..', 'web', 'model');

/** Exports a run's checkpoint with a page for it. Throws a UserError for whatever is not there or does not fit. */
export async function exportWeb(
  options: Omit<ExportRunOptions, 'input' | 'map'>,
  warn: (line: string) => void = () => {},
): Promise<ExportReport> {
  const { out, directory } = options;
  requireReplaceable(out, 'web');
  if (!existsSync(path.join(PAGE, 'index.html')))
    throw new UserError(`--to web: ${PAGE} is not built; run \`npm run build\``);
  const { form, ...request } = await prepareExport(options, warn);
  const { channels, bits } = imageShape(request.bundle.manifest.recipe.image);
  if (bits === 16 || (channels !== 1 && channels !== 3))
    throw new UserError(
      `--to web: browsers decode pictures of gray or RGB with 8 bits, and the network takes ${channelNames(channels)} with ${bits} (image.channels, image.bits); use --to onnx`,
    );
  const { name, data } = readProvenance(directory);
  const details = { ...request.details, data };
  return replaceFolder(out, 'web', async (folder) => {
    const model = path.join(folder, 'model.onnx');
    const report = await exportModel({ ...request, details, out: model, form: { ...form, input: 'float' } });
    const { recipe } = request.bundle.manifest;
    const about: WebModel = {
      name,
      kind: form.kind,
      labels: form.kind === 'classifier' ? classLabels(recipe, details.classes) : null,
      image: recipe.image,
      step: details.step,
      data,
      license: details.license,
      accuracy: report.measured?.accuracy ?? null,
    };
    writeFileAtomic(path.join(folder, 'model.json'), `${JSON.stringify(about, null, 2)}\n`);
    cpSync(PAGE, folder, { recursive: true });
    return { ...report, file: path.join(out, 'model.onnx') };
  });
}
