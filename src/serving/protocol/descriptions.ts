/** What the server says of its models: the protocol's metadata, and Triton's configuration, statistics and index. */
import type { OnnxValueInfo } from '../../onnx/model';
import { protocolShape } from './checkInputs';
import { dataTypeName } from '../../repository/dataTypeNames';
import type { EnsembleStep } from '../../repository/ensembleConfig';
import type { Models } from '../models/models';

/** The protocol's description of a version, or of the newest. RequestError where it is not served. */
export function modelMetadata(models: Models, name: string, version?: string) {
  const { info, platform } = models.find(name, version);
  const describe = (port: OnnxValueInfo) => ({
    name: port.name,
    datatype: dataTypeName(port.dtype),
    shape: protocolShape(port),
  });
  return {
    name,
    versions: models.versions(name),
    platform,
    inputs: info.inputs.map(describe),
    outputs: info.outputs.map(describe),
  };
}

/** What a config.pbtxt would say of it; sizes are without the batch where there is one. RequestError as above. */
export function modelConfig(models: Models, name: string, version?: string) {
  const { info, maxBatch, delay, platform, steps, filename } = models.find(name, version);
  const describe = (port: OnnxValueInfo) => ({
    name: port.name,
    data_type: `TYPE_${dataTypeName(port.dtype)}`,
    dims: protocolShape(port).slice(maxBatch > 0 ? 1 : 0),
  });
  return {
    name,
    platform,
    max_batch_size: maxBatch,
    input: info.inputs.map(describe),
    output: info.outputs.map(describe),
    ...(steps
      ? { ensemble_scheduling: { step: steps.map(describeStep) } }
      : {
          ...(maxBatch > 0 && {
            dynamic_batching: { max_queue_delay_microseconds: Math.round(1000 * delay) },
          }),
          backend: 'onnxruntime',
          default_model_filename: filename,
        }),
  };
}

const describeStep = ({ model, version, inputs, outputs }: EnsembleStep) => ({
  model_name: model,
  model_version: Number(version ?? -1),
  input_map: Object.fromEntries(inputs),
  output_map: Object.fromEntries(outputs),
});

/** Of one version, of all versions of a model, or, without a name, of everything that is loaded. RequestError as above. */
export function modelStatistics(models: Models, name = '', version = '') {
  const known = name === '' ? null : models.find(name, version);
  const names = known ? [known.name] : models.names;
  const chosen = known && version !== '' ? [known] : names.flatMap((each) => models.loaded(each));
  return {
    model_stats: chosen.map((model) => ({
      name: model.name,
      version: model.version,
      ...model.statistics.describe(),
    })),
  };
}

/** Every version that is loaded, and for what is not, why. */
export function repositoryIndex(models: Models, onlyReady: boolean) {
  return models.names.flatMap((name) => {
    const loaded = models.versions(name).map((version) => ({ name, version, state: 'READY', reason: '' }));
    const problem = models.problem(name);
    if (problem === null || onlyReady) return loaded;
    return [...loaded, { name, version: '', state: 'UNAVAILABLE', reason: problem }];
  });
}
