/** A model as text, for people and for snapshots: stable, one line a node, no weights beyond a digest. */
import { createHash } from 'node:crypto';

import { toBytes } from '../tensors/dtype';
import type { DType, TypedArray } from '../tensors/dtype';
import type { Dim, OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode, OnnxTensor } from './model';

/** Tensors up to this many elements are written out. */
const WRITTEN_OUT = 8;

export interface ValueType {
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}
/** Types of values by name. */
export type ValueTypes = ReadonlyMap<string, ValueType>;

/**
 * The text of `model`. A node's line is `name: out = Op<attribute=value>(in, ...)  // dtype[shape]`, the comment for
 * outputs whose type is known: those of a graph, and those in `types`. Graphs that a node holds follow it, indented.
 */
export function formatModel(model: OnnxModel, types: ValueTypes = new Map()): string {
  const opsets = model.opsets.map(({ domain, version }) => `${domain || 'ai.onnx'} ${version}`).join(', ');
  const lines = [
    `IR ${model.irVersion}, opset ${opsets}`,
    `producer ${quote(model.producerName)} ${quote(model.producerVersion)}`,
    ...Object.entries(model.metadata).map(([key, value]) => `metadata ${quote(key)} = ${quote(value)}`),
    ...formatGraph(model.graph, types),
  ];
  return `${lines.join('\n')}\n`;
}

function formatGraph(graph: OnnxGraph, outer: ValueTypes): string[] {
  const types = new Map([
    ...outer,
    ...graph.outputs.map((value): [string, ValueType] => [value.name, value]),
  ]);
  return [
    `graph ${quote(graph.name)}`,
    ...(graph.docString === undefined ? [] : [`  doc ${quote(graph.docString)}`]),
    ...graph.inputs.map((value) => `  input ${value.name}: ${formatType(value)}`),
    ...graph.outputs.map((value) => `  output ${value.name}: ${formatType(value)}`),
    ...graph.initializers.map((tensor) => `  initializer ${tensor.name}: ${formatTensor(tensor)}`),
    ...graph.nodes.flatMap((node) => formatNode(node, types)).map((line) => `  ${line}`),
  ];
}

function formatNode(node: OnnxNode, types: ValueTypes): string[] {
  const attributes = node.attributes.map((attribute) => `${attribute.name}=${formatValue(attribute)}`);
  const operator = node.domain === '' ? node.opType : `${node.domain}.${node.opType}`;
  const known = node.outputs.some((output) => types.has(output));
  const comment = node.outputs.map((output) => {
    const type = types.get(output);
    return type ? formatType(type) : '?';
  });
  const line =
    (node.name === '' ? '' : `${node.name}: `) +
    `${node.outputs.join(', ')} = ${operator}` +
    (attributes.length === 0 ? '' : `<${attributes.join(', ')}>`) +
    `(${node.inputs.join(', ')})` +
    (known ? `  // ${comment.join(', ')}` : '');
  const graphs = node.attributes.flatMap((attribute) =>
    attribute.type === 'graph'
      ? [`  ${attribute.name}:`, ...formatGraph(attribute.value, types).map((inner) => `    ${inner}`)]
      : [],
  );
  return [line, ...graphs];
}

function formatValue(attribute: OnnxAttribute): string {
  switch (attribute.type) {
    case 'int':
      return String(attribute.value);
    case 'float':
      return formatFloat(attribute.value);
    case 'string':
      return quote(attribute.value);
    case 'ints':
      return `[${attribute.value.join(', ')}]`;
    case 'floats':
      return `[${attribute.value.map(formatFloat).join(', ')}]`;
    case 'strings':
      return `[${attribute.value.map(quote).join(', ')}]`;
    case 'tensor':
      return formatTensor(attribute.value);
    case 'graph':
      return quote(attribute.value.name);
  }
}

function formatType({ dtype, shape }: ValueType): string {
  return `${dtype}[${shape.map((size) => (size === '' ? '?' : size)).join(', ')}]`;
}

function formatTensor(tensor: OnnxTensor): string {
  const type = formatType(tensor);
  if (tensor.data.length > WRITTEN_OUT) return `${type} sha256:${digest(tensor.data)}`;
  return `${type} {${elements(tensor).join(', ')}}`;
}

function digest(data: TypedArray): string {
  return createHash('sha256').update(toBytes(data)).digest('hex').slice(0, 12);
}

function elements({ dtype, data }: OnnxTensor): string[] {
  const values: readonly (number | bigint)[] = [...data];
  switch (dtype) {
    case 'float32':
      return values.map((value) => formatFloat(Number(value)));
    case 'float16':
      return values.map((bits) => `0x${bits.toString(16).padStart(4, '0')}`);
    case 'bool':
      return values.map((value) => (Number(value) === 0 ? 'false' : 'true'));
    default:
      return values.map((value) => (Object.is(value, -0) ? '-0' : String(value)));
  }
}

/** The fewest digits that give the same float32: 0.1 and not 0.10000000149011612. */
function formatFloat(value: number): string {
  if (Object.is(value, -0)) return '-0';
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === Math.fround(value)) return String(short);
  }
  return String(Number(value.toPrecision(9)));
}

function quote(text: string): string {
  return JSON.stringify(text);
}
