/** What config.pbtxt says of an ensemble: the tensors that it takes and gives, and the models between them. */
import { UserError } from '../base/errors';
import { messagesOf, textOf, textsOf, type TextMessage } from './textFormat';
import type { OnnxValueInfo } from '../onnx/model';
import { dtypeNamed, unknownDataType } from './dataTypeNames';

/** One model of an ensemble; its tensors by the names that the ensemble has for them. */
export interface EnsembleStep {
  readonly model: string;
  /** null: the newest */
  readonly version: string | null;
  /** input of the model -> tensor of the ensemble */
  readonly inputs: ReadonlyMap<string, string>;
  /** output of the model -> tensor of the ensemble */
  readonly outputs: ReadonlyMap<string, string>;
}

export interface EnsembleConfig {
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  /** each behind those that make what it takes */
  readonly steps: readonly EnsembleStep[];
}

/** UserError that names `file` for what is missing, contradicts itself or is not served. */
export function readEnsemble(config: TextMessage, maxBatch: number, file: string): EnsembleConfig {
  const fail = (what: string): never => {
    throw new UserError(`${file}: ${what}`);
  };
  const ports = (field: 'input' | 'output') => {
    const found = messagesOf(config, field).map((port) => readPort(port, maxBatch, `${file}: ${field}`));
    return found.length > 0 ? found : fail(`the ensemble has no ${field}`);
  };
  const inputs = ports('input');
  const outputs = ports('output');
  const scheduling = messagesOf(config, 'ensemble_scheduling').at(-1);
  const steps = (scheduling ? messagesOf(scheduling, 'step') : []).map((step) => readStep(step, file));
  if (steps.length === 0) fail('the ensemble has no ensemble_scheduling { step { ... } }');
  const makers = new Map(inputs.map(({ name }) => [name, 'the request']));
  for (const { model, outputs: made } of steps)
    for (const tensor of made.values()) {
      const other = makers.get(tensor);
      if (other !== undefined) fail(`${model} makes ${tensor}, which ${other} gives already`);
      makers.set(tensor, model);
    }
  const missing = outputs.find(({ name }) => !makers.has(name));
  if (missing) fail(`no step makes the output ${missing.name}`);
  return { inputs, outputs, steps: inOrder(inputs, steps, fail) };
}

function readPort(port: TextMessage, maxBatch: number, where: string): OnnxValueInfo {
  const name = textOf(port, 'name');
  if (!name) throw new UserError(`${where}: one has no name`);
  const type = textOf(port, 'data_type') ?? 'TYPE_INVALID';
  const named = type.replace(/^TYPE_/, '');
  const dtype = dtypeNamed(named);
  if (!dtype) throw new UserError(unknownDataType(named, `${where} ${name}`));
  const dims = textsOf(port, 'dims').map((size) => {
    if (!/^(-1|[1-9]\d*)$/.test(size))
      throw new UserError(`${where} ${name}: dims ${size}: expected a whole number of at least 1, or -1`);
    return size === '-1' ? '' : Number(size);
  });
  if (dims.length === 0) throw new UserError(`${where} ${name}: dims are missing`);
  return { name, dtype, shape: maxBatch > 0 ? ['batch', ...dims] : dims };
}

function readStep(step: TextMessage, file: string): EnsembleStep {
  const model = textOf(step, 'model_name');
  if (!model) throw new UserError(`${file}: a step has no model_name`);
  if (textOf(step, 'model_namespace'))
    throw new UserError(`${file}: step ${model}: model_namespace is not served; leave it out`);
  const version = textOf(step, 'model_version') ?? '-1';
  if (!/^(-1|[1-9]\d*)$/.test(version))
    throw new UserError(
      `${file}: step ${model}: model_version ${version}: expected a version, or -1: the newest`,
    );
  const mapping = (field: string) =>
    new Map(
      messagesOf(step, field).map((entry) => {
        const [key, value] = [textOf(entry, 'key'), textOf(entry, 'value')];
        if (!key || !value) throw new UserError(`${file}: step ${model}: ${field} needs key and value`);
        return [key, value] as const;
      }),
    );
  const [inputs, outputs] = [mapping('input_map'), mapping('output_map')];
  if (inputs.size === 0 || outputs.size === 0)
    throw new UserError(`${file}: step ${model} needs input_map and output_map`);
  return { model, version: version === '-1' ? null : version, inputs, outputs };
}

/** The steps, each when all that it takes is there. */
function inOrder(
  inputs: readonly OnnxValueInfo[],
  steps: readonly EnsembleStep[],
  fail: (what: string) => never,
): EnsembleStep[] {
  const there = new Set(inputs.map(({ name }) => name));
  const waiting = [...steps];
  const ordered: EnsembleStep[] = [];
  while (waiting.length > 0) {
    const at = waiting.findIndex((step) => [...step.inputs.values()].every((tensor) => there.has(tensor)));
    if (at < 0) {
      const [{ model, inputs: wanted }] = waiting;
      const absent = [...wanted.values()].find((tensor) => !there.has(tensor));
      fail(`step ${model} takes ${absent}, which no input and no step before it gives`);
    }
    const [step] = waiting.splice(at, 1);
    for (const tensor of step.outputs.values()) there.add(tensor);
    ordered.push(step);
  }
  return ordered;
}
