/** What a model file says of itself and where it takes weights from, without reading those. */
import path from 'node:path';
import { oneLine, UserError } from '../base/errors';
import { readRegular, requireRegular } from '../base/regularFile';
import { externalFile } from './decode-tensor';
import { onnx } from './proto.bundle';
import { Unreadable } from './wire';

/** No real model nests deeper. */
const DEEPEST = 50;

/**
 * The metadata_props of the model in `file`; none where its bytes are no model, which a runtime says better. UserError where it
 * cannot be read, or takes weights from what is no file in its own folder.
 */
export function inspectModel(file: string): { readonly metadata: Readonly<Record<string, string>> } {
  const model = decode(readRegular(file));
  if (model === null) return { metadata: {} };
  try {
    for (const tensor of tensorsOf(model))
      if (tensor.dataLocation === onnx.TensorProto.DataLocation.EXTERNAL || tensor.externalData?.length)
        requireRegular(externalFile(tensor, path.dirname(file), `tensor "${tensor.name ?? ''}"`));
  } catch (error) {
    if (error instanceof Unreadable)
      throw new UserError(oneLine(`${file}: ${error.message}`), { cause: error });
    throw error;
  }
  return {
    metadata: Object.fromEntries(model.metadataProps.map(({ key, value }) => [key ?? '', value ?? ''])),
  };
}

function decode(bytes: Uint8Array): onnx.ModelProto | null {
  try {
    return onnx.ModelProto.decode(bytes);
  } catch {
    return null;
  }
}

function* tensorsOf(model: onnx.ModelProto): Generator<onnx.ITensorProto> {
  if (model.graph) yield* inGraph(model.graph, 0);
  for (const { node } of model.functions) yield* inNodes(node ?? [], 0);
  for (const { initialization, algorithm } of model.trainingInfo)
    for (const graph of [initialization, algorithm]) if (graph) yield* inGraph(graph, 0);
}

function* inGraph(graph: onnx.IGraphProto, depth: number): Generator<onnx.ITensorProto> {
  if (depth > DEEPEST) throw new Unreadable(`graphs are nested more than ${DEEPEST} deep`);
  yield* graph.initializer ?? [];
  for (const sparse of graph.sparseInitializer ?? []) yield* inSparse(sparse);
  yield* inNodes(graph.node ?? [], depth);
}

function* inNodes(nodes: readonly onnx.INodeProto[], depth: number): Generator<onnx.ITensorProto> {
  for (const { attribute } of nodes)
    for (const { t, tensors, sparseTensor, sparseTensors, g, graphs } of attribute ?? []) {
      if (t) yield t;
      yield* tensors ?? [];
      for (const sparse of [sparseTensor, ...(sparseTensors ?? [])]) if (sparse) yield* inSparse(sparse);
      for (const graph of [g, ...(graphs ?? [])]) if (graph) yield* inGraph(graph, depth + 1);
    }
}

function* inSparse({ values, indices }: onnx.ISparseTensorProto): Generator<onnx.ITensorProto> {
  for (const tensor of [values, indices]) if (tensor) yield tensor;
}
