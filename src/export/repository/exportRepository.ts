/**
 * `export --to model-repository`: a run's checkpoint as a new version of a model in Triton's layout, with its preprocessing and
 * the chain of both, for Triton, OpenVINO Model Server, KServe and `selfie serve`.
 */
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { writeFileAtomic } from '../../base/files';
import { UserError } from '../../base/errors';
import { imageDims, imageShape } from '../../bundle/imageShape';
import { exportModel, type ExportReport, type ExportRequest } from '../exportModel';
import { prepareExport, type ExportRunOptions } from '../exportRun';
import { checkRepository, hasConfig, nextVersion, requireLabels } from './existing';
import { checkStorageUri, KSERVE_MANIFEST, kserveManifest } from './kserve';
import { OVMS_CONFIG, ovmsConfig, readOvmsConfig, type OvmsConfig } from './ovms';
import { openPipeline, writePreprocess, type Pipeline } from './pipeline';
import { finishPublished, makeStage, publish } from './publish';
import { repositoryReadme } from './readme';
import * as smoke from './smoke';
import { formatTextFormat, type Fields } from '../../repository/textFormat';
import { CONFIG, ensembleConfig, LABELS, onnxConfig, type Ports } from './triton';

export interface RepositoryOptions extends Omit<ExportRunOptions, 'input'> {
  /** of the model; default: the run's folder */
  readonly name?: string;
  /** where KServe finds the repository */
  readonly storageUri?: string;
}

export interface RepositoryReport {
  readonly names: Names;
  readonly version: string;
  readonly model: ExportReport;
  /** of preprocessing and model together, as `model.error` */
  readonly photoError: number;
}

export interface Names {
  readonly model: string;
  readonly preprocess: string;
  readonly photo: string;
}

const MODEL_FILE = 'model.onnx';

/** Adds the version; nothing is changed where anything fails. Throws a UserError for whatever is not there or does not fit. */
export async function exportRepository(
  options: RepositoryOptions,
  warn: (line: string) => void = () => {},
): Promise<RepositoryReport> {
  const { out, storageUri } = options;
  const names = namesOf(options);
  if (storageUri !== undefined) checkStorageUri(storageUri);
  finishPublished(out);
  checkRepository(out);
  const ovms = readOvmsConfig(path.join(out, OVMS_CONFIG));
  const request = await prepareExport({ ...options, input: 'float' }, warn);
  const all = [names.preprocess, names.model, names.photo];
  const version = String(nextVersion(out, all));
  const made = makeStage(out);
  const stage = made.folder;
  try {
    const fileOf = (name: string) => path.join(stage, name, version, MODEL_FILE);
    for (const name of all) mkdirSync(path.dirname(fileOf(name)), { recursive: true });
    const model = await exportModel({ ...request, out: fileOf(names.model) });
    writePreprocess(fileOf(names.preprocess), request);
    const pipeline = await openPipeline(fileOf(names.preprocess), fileOf(names.model));
    try {
      const photoError = await pipeline.check(request, `${out}: ${names.preprocess} and ${names.model}`);
      const ports = {
        preprocess: { name: names.preprocess, ...pipeline.preprocess.describe() },
        model: { name: names.model, ...pipeline.model.describe() },
      };
      writeModels(stage, out, names, version, ports, request);
      await writeSmoke(stage, names, pipeline, request);
      writeServers(stage, out, names, ports, ovms, storageUri);
      publish(made, out, all, version);
      return { names, version, model, photoError };
    } finally {
      await pipeline.release();
    }
  } finally {
    made.staging.close();
  }
}

/** Of a folder's name, an address and the other models' names. */
function namesOf({ directory, name: asked }: RepositoryOptions): Names {
  const model = asked ?? path.basename(path.resolve(directory)).replace(/^\.+/, '');
  if (!/^[A-Za-z0-9][\w.-]{0,99}$/.test(model))
    throw new UserError(
      `${asked === undefined ? `${directory}: the name of the folder cannot be a model's; give` : `--name ${asked}: expected`} ` +
        `${asked === undefined ? '--name, of' : 'at most 100'} letters, digits, _, - and ., a letter or digit first`,
    );
  return { model, preprocess: `${model}_preprocess`, photo: `${model}_photo` };
}

interface BothPorts {
  readonly preprocess: Ports;
  readonly model: Ports;
}

/** What stands beside the versions, where the repository does not have it. */
function writeModels(
  stage: string,
  repository: string,
  names: Names,
  version: string,
  { preprocess, model }: BothPorts,
  { bundle, form, details }: ExportRequest,
): void {
  const [height, width, channels] = imageDims(bundle.manifest.recipe.image);
  const classes = form.kind === 'classifier' ? details.classes : null;
  const configs: readonly (readonly [name: string, config: Fields])[] = [
    [names.preprocess, onnxConfig(preprocess, false, [2 * height, 2 * width, channels])],
    [names.model, onnxConfig(model, classes !== null, [channels, height, width])],
    [names.photo, ensembleConfig(names.photo, preprocess, model)],
  ];
  for (const [name, config] of configs)
    if (!hasConfig(path.join(repository, name), config))
      writeFileAtomic(path.join(stage, name, CONFIG), formatTextFormat(config));
  if (classes) {
    const labels = `${classes.map((name) => name.replace(/\s+/g, ' ')).join('\n')}\n`;
    requireLabels(path.join(repository, names.model, LABELS), labels);
    writeFileAtomic(path.join(stage, names.model, LABELS), labels);
  }
  // Stores of objects, archives and git keep no empty folders, and Triton needs this one.
  writeFileAtomic(
    path.join(stage, names.photo, version, 'README.md'),
    `An ensemble has no model of its own: ../${CONFIG} names its steps.\n`,
  );
}

/** What a server is asked for, and what it must say. */
async function writeSmoke(
  stage: string,
  names: Names,
  pipeline: Pipeline,
  { bundle, form }: ExportRequest,
): Promise<void> {
  const image = imageShape(bundle.manifest.recipe.image);
  const output = form.kind === 'classifier' ? 'probabilities' : 'embedding';
  const write = (name: string, image: Parameters<Pipeline['compute']>[0], values: Float32Array) => {
    writeFileAtomic(path.join(stage, name, smoke.REQUEST), smoke.smokeRequest(image, output));
    const answer = smoke.smokeAnswer(output, smoke.ALLOWED[form.precision], values);
    writeFileAtomic(path.join(stage, name, smoke.ANSWER), answer);
  };
  const pixels = smoke.smokePixels(image);
  write(names.model, pixels, await pipeline.computePixels(pixels, output));
  const photo = smoke.smokePhoto(image);
  write(names.photo, photo, await pipeline.compute(photo, output));
}

/** The repository's own files: those that others may have changed only where they are not there. */
function writeServers(
  stage: string,
  repository: string,
  names: Names,
  { preprocess, model }: BothPorts,
  ovms: OvmsConfig,
  storageUri: string | undefined,
): void {
  const write = (file: string, text: string) => writeFileAtomic(path.join(stage, file), text);
  const isMissing = (file: string) => !existsSync(path.join(repository, file));
  write(OVMS_CONFIG, ovmsConfig(ovms, names.photo, preprocess, model));
  if (storageUri !== undefined || isMissing(KSERVE_MANIFEST))
    write(KSERVE_MANIFEST, kserveManifest(path.basename(path.resolve(repository)), storageUri));
  if (isMissing('README.md')) write('README.md', repositoryReadme());
  write(smoke.SMOKE_SCRIPT, smoke.smokeScript());
  chmodSync(path.join(stage, smoke.SMOKE_SCRIPT), 0o755);
}
