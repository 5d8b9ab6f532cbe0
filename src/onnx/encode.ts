/** Model -> bytes of a ModelProto, through onnx-proto. */
import { Writer } from 'protobufjs/minimal';

import { DTYPES, toBytes, sizeOf } from '../tensors/dtype';
import type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode, OnnxTensor, OnnxValueInfo } from './model';
import { onnx } from './proto.bundle';

/** What protobuf, and so every ONNX reader, takes as one message. */
export const PROTOBUF_LIMIT = 2 ** 31 - 1;

/** Where a tensor's bytes are when they are not in the model: `location` is relative to the model's folder. */
export interface ExternalData {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

export interface EncodeOptions {
  /** Initializers whose bytes are elsewhere. */
  readonly external?: ReadonlyMap<OnnxTensor, ExternalData>;
}

/**
 * The model as bytes; the same model gives the same bytes. Tensors are raw little-endian data.
 * Errors: an integer that JavaScript does not hold exactly, a tensor whose data does not fill its shape, or more than
 * 2 GiB (`writeModel` moves weights to a second file).
 */
export function encodeModel(model: OnnxModel, options: EncodeOptions = {}): Uint8Array {
  const external = options.external ?? new Map<OnnxTensor, ExternalData>();
  const inline = countInlineBytes(model.graph, external);
  if (inline.bytes > PROTOBUF_LIMIT) throw tooLarge(inline.bytes);
  const proto = new onnx.ModelProto();
  proto.irVersion = integer(model.irVersion, 'the IR version');
  proto.opsetImport = model.opsets.map(({ domain, version }) =>
    onnx.OperatorSetIdProto.create({ domain, version: integer(version, `the opset of "${domain}"`) }),
  );
  proto.producerName = model.producerName;
  proto.producerVersion = model.producerVersion;
  proto.metadataProps = entries(model.metadata);
  proto.graph = graphProto(model.graph, external);
  const bytes = onnx.ModelProto.encode(proto, writerFor(inline.bytes + 512 * inline.messages)).finish(true);
  if (bytes.length > PROTOBUF_LIMIT) throw tooLarge(bytes.length);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Every graph inside `graph`, itself first. */
export function* allGraphs(graph: OnnxGraph): Generator<OnnxGraph> {
  yield graph;
  for (const node of graph.nodes) {
    for (const attribute of node.attributes) {
      if (attribute.type === 'graph') yield* allGraphs(attribute.value);
    }
  }
}

function countInlineBytes(root: OnnxGraph, external: ReadonlyMap<OnnxTensor, ExternalData>) {
  let bytes = 0;
  let messages = 1;
  for (const graph of allGraphs(root)) {
    const constants = graph.nodes.flatMap((node) =>
      node.attributes.flatMap((attribute) => (attribute.type === 'tensor' ? [attribute.value] : [])),
    );
    const inline = graph.initializers.filter((tensor) => !external.has(tensor));
    for (const tensor of [...inline, ...constants]) bytes += tensor.data.byteLength;
    messages += graph.nodes.length + graph.initializers.length + constants.length;
  }
  return { bytes, messages };
}

/** A writer with room for `size` bytes: growing by doubling would take twice the memory of large models. */
function writerFor(size: number): Writer {
  const usual = Writer.initialBufferSize;
  Writer.initialBufferSize = size;
  try {
    return Writer.create();
  } finally {
    Writer.initialBufferSize = usual;
  }
}

function tooLarge(bytes: number): Error {
  return new RangeError(
    `the model takes ${bytes} bytes, over the ${PROTOBUF_LIMIT} of one protobuf message; its largest initializers need external data`,
  );
}

function graphProto(graph: OnnxGraph, external: ReadonlyMap<OnnxTensor, ExternalData>): onnx.IGraphProto {
  return onnx.GraphProto.create({
    name: graph.name,
    node: graph.nodes.map((node) => nodeProto(node, external)),
    initializer: graph.initializers.map((tensor) => tensorProto(tensor, external.get(tensor))),
    input: graph.inputs.map(valueInfoProto),
    output: graph.outputs.map(valueInfoProto),
    ...(graph.docString === undefined ? {} : { docString: graph.docString }),
  });
}

function nodeProto(node: OnnxNode, external: ReadonlyMap<OnnxTensor, ExternalData>): onnx.INodeProto {
  return onnx.NodeProto.create({
    name: node.name,
    opType: node.opType,
    domain: node.domain,
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: node.attributes.map((attribute) => {
      const where = `attribute ${attribute.name} of ${node.opType} node "${node.name}"`;
      return onnx.AttributeProto.create({
        name: attribute.name,
        ...attributeValue(attribute, where, external),
      });
    }),
  });
}

function attributeValue(
  attribute: OnnxAttribute,
  where: string,
  external: ReadonlyMap<OnnxTensor, ExternalData>,
): onnx.IAttributeProto {
  const { AttributeType } = onnx.AttributeProto;
  switch (attribute.type) {
    case 'int':
      return { type: AttributeType.INT, i: integer(attribute.value, where) };
    case 'float':
      return { type: AttributeType.FLOAT, f: attribute.value };
    case 'string':
      return { type: AttributeType.STRING, s: Buffer.from(attribute.value, 'utf8') };
    case 'ints':
      return { type: AttributeType.INTS, ints: attribute.value.map((value) => integer(value, where)) };
    case 'floats':
      return { type: AttributeType.FLOATS, floats: [...attribute.value] };
    case 'strings':
      return {
        type: AttributeType.STRINGS,
        strings: attribute.value.map((value) => Buffer.from(value, 'utf8')),
      };
    case 'tensor':
      return { type: AttributeType.TENSOR, t: tensorProto(attribute.value) };
    case 'graph':
      return { type: AttributeType.GRAPH, g: graphProto(attribute.value, external) };
  }
}

function tensorProto(tensor: OnnxTensor, external?: ExternalData): onnx.ITensorProto {
  const { name, dtype, shape, data } = tensor;
  if (data.byteLength !== sizeOf(shape) * DTYPES[dtype].bytes) {
    throw new RangeError(`tensor "${name}": ${data.length} elements for ${dtype}[${shape.join(', ')}]`);
  }
  const proto = onnx.TensorProto.create({
    name,
    dataType: DTYPES[dtype].onnx,
    dims: shape.map((size) => integer(size, `the shape of tensor "${name}"`)),
  });
  if (external) {
    proto.dataLocation = onnx.TensorProto.DataLocation.EXTERNAL;
    const { location, offset, length } = external;
    proto.externalData = entries({ location, offset: String(offset), length: String(length) });
  } else {
    proto.rawData = toBytes(data);
  }
  return proto;
}

function valueInfoProto({ name, dtype, shape }: OnnxValueInfo): onnx.IValueInfoProto {
  const dim = shape.map((size) =>
    onnx.TensorShapeProto.Dimension.create(
      typeof size === 'string' ? { dimParam: size } : { dimValue: integer(size, `the shape of "${name}"`) },
    ),
  );
  return onnx.ValueInfoProto.create({
    name,
    type: { tensorType: { elemType: DTYPES[dtype].onnx, shape: { dim } } },
  });
}

function entries(record: Readonly<Record<string, string>>): onnx.StringStringEntryProto[] {
  return Object.entries(record).map(([key, value]) => onnx.StringStringEntryProto.create({ key, value }));
}

function integer(value: number, what: string): number {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${what}: ${value} is no exact integer within 2^53`);
  return value;
}
