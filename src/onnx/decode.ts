/** Bytes of a ModelProto -> model, through onnx-proto. */
import { UserError, oneLine } from '../base/errors';
import { readTensorData } from './decode-tensor';
import type { Dim, OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode, OnnxTensor, OnnxValueInfo } from './model';
import { onnx } from './proto.bundle';
import { dtypeOf, exactInteger, Unreadable, utf8 } from './wire';

export interface DecodeOptions {
  /** The folder that external data is relative to; without it a model with external data is refused. */
  readonly externalDirectory?: string;
  /** The file's name, for messages. */
  readonly file?: string;
}

/**
 * The model in `bytes`. Tensors own their data: nothing points into `bytes`. UserError for bytes that are no ONNX
 * model, for external data that is missing or outside its folder, and for what `OnnxModel` has no place for
 * (functions, sparse tensors, sequences, tensors of strings, values of unknown rank).
 */
export function decodeModel(bytes: Uint8Array, options: DecodeOptions = {}): OnnxModel {
  const file = options.file ?? 'the model';
  let proto: onnx.ModelProto;
  try {
    proto = onnx.ModelProto.decode(bytes);
  } catch (error) {
    throw new UserError(
      `${file} is not an ONNX model: its bytes are no protobuf message (${reason(error)})`,
      {
        cause: error,
      },
    );
  }
  const { graph } = proto;
  if (!graph || proto.opsetImport.length === 0) {
    throw new UserError(`${file} is not an ONNX model: it has no ${graph ? 'opset' : 'graph'}`);
  }
  try {
    if (proto.functions.length > 0) throw new Unreadable('functions inside the model are not supported');
    return {
      irVersion: exactInteger(proto.irVersion, 'the IR version'),
      opsets: proto.opsetImport.map(({ domain, version }) => ({
        domain: domain ?? '',
        version: exactInteger(version ?? 0, 'an opset'),
      })),
      producerName: proto.producerName,
      producerVersion: proto.producerVersion,
      metadata: Object.fromEntries(proto.metadataProps.map(({ key, value }) => [key ?? '', value ?? ''])),
      graph: readGraph(graph, { directory: options.externalDirectory, depth: 0 }),
    };
  } catch (error) {
    if (error instanceof Unreadable)
      throw new UserError(oneLine(`${file}: ${error.message}`), { cause: error });
    throw error;
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** No real model nests deeper; a bound keeps hostile bytes from exhausting the stack. */
const DEEPEST = 50;

interface Context {
  readonly directory: string | undefined;
  /** How many graphs are around this one. */
  readonly depth: number;
}

function readGraph(proto: onnx.IGraphProto, context: Context): OnnxGraph {
  if (context.depth > DEEPEST) throw new Unreadable(`graphs are nested more than ${DEEPEST} deep`);
  if (proto.sparseInitializer?.length) throw new Unreadable('sparse initializers are not supported');
  return {
    name: proto.name ?? '',
    inputs: (proto.input ?? []).map(readValueInfo),
    outputs: (proto.output ?? []).map(readValueInfo),
    initializers: (proto.initializer ?? []).map((tensor) => readTensor(tensor, context)),
    nodes: (proto.node ?? []).map((node) => readNode(node, context)),
    ...(proto.docString ? { docString: proto.docString } : {}),
  };
}

function readNode(proto: onnx.INodeProto, context: Context): OnnxNode {
  const name = proto.name ?? '';
  const opType = proto.opType ?? '';
  return {
    name,
    opType,
    domain: proto.domain ?? '',
    inputs: [...(proto.input ?? [])],
    outputs: [...(proto.output ?? [])],
    attributes: (proto.attribute ?? []).map((attribute) =>
      readAttribute(attribute, `attribute ${attribute.name ?? ''} of ${opType} node "${name}"`, context),
    ),
  };
}

function readAttribute(proto: onnx.IAttributeProto, where: string, context: Context): OnnxAttribute {
  const { AttributeType } = onnx.AttributeProto;
  const name = proto.name ?? '';
  switch (proto.type) {
    case AttributeType.INT:
      return { name, type: 'int', value: exactInteger(proto.i ?? 0, where) };
    case AttributeType.FLOAT:
      return { name, type: 'float', value: proto.f ?? 0 };
    case AttributeType.STRING:
      return { name, type: 'string', value: utf8(proto.s ?? new Uint8Array(), where) };
    case AttributeType.INTS:
      return { name, type: 'ints', value: (proto.ints ?? []).map((value) => exactInteger(value, where)) };
    case AttributeType.FLOATS:
      return { name, type: 'floats', value: [...(proto.floats ?? [])] };
    case AttributeType.STRINGS:
      return { name, type: 'strings', value: (proto.strings ?? []).map((value) => utf8(value, where)) };
    case AttributeType.TENSOR:
      if (!proto.t) throw new Unreadable(`${where} has no tensor`);
      return { name, type: 'tensor', value: readTensor(proto.t, context) };
    case AttributeType.GRAPH:
      if (!proto.g) throw new Unreadable(`${where} has no graph`);
      return { name, type: 'graph', value: readGraph(proto.g, { ...context, depth: context.depth + 1 }) };
    default:
      throw new Unreadable(`${where} is of type ${proto.type}, which is not supported`);
  }
}

function readTensor(proto: onnx.ITensorProto, context: Context): OnnxTensor {
  const name = proto.name ?? '';
  const where = `tensor "${name}"`;
  const dtype = dtypeOf(proto.dataType ?? 0, where);
  const shape = (proto.dims ?? []).map((size) => dimension(size, where));
  return { name, dtype, shape, data: readTensorData(proto, dtype, shape, where, context.directory) };
}

function readValueInfo(proto: onnx.IValueInfoProto): OnnxValueInfo {
  const name = proto.name ?? '';
  const where = `value "${name}"`;
  const tensor = proto.type?.tensorType;
  if (!tensor) throw new Unreadable(`${where} is no tensor, or its type is not given`);
  if (!tensor.shape) throw new Unreadable(`${where} has no shape`);
  const shape = (tensor.shape.dim ?? []).map(({ dimParam, dimValue }): Dim =>
    dimValue === undefined || dimValue === null ? (dimParam ?? '') : dimension(dimValue, where),
  );
  return { name, dtype: dtypeOf(tensor.elemType ?? 0, where), shape };
}

function dimension(value: unknown, where: string): number {
  const size = exactInteger(value, `the shape of ${where}`);
  if (size < 0) throw new Unreadable(`the shape of ${where} has the size ${size}`);
  return size;
}
