/** A bundle's inference graph and a state become one self-contained model. */
import type { Manifest } from '../bundle/manifest';
import { UserError } from '../errors';
import type { HostTensor } from '../onnx/dtype';
import type { OnnxGraph, OnnxModel, OnnxNode } from '../onnx/model';
import { simplify, type RewriteName } from './simplify';

/** What an exported file computes: `encoder` images -> embedding, `classifier` images -> logits. */
export type ExportKind = 'encoder' | 'classifier';

export const OUTPUT_OF: Readonly<Record<ExportKind, string>> = { encoder: 'embedding', classifier: 'logits' };

/** The nodes that `outputs` need, in order. */
function neededNodes(graph: OnnxGraph, outputs: readonly string[]): OnnxNode[] {
  const needed = new Set(outputs);
  const kept: OnnxNode[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    kept.push(node);
    node.inputs.forEach((name) => needed.add(name));
  }
  return kept.reverse();
}

/**
 * The inference model with `state` as initializers, the one output of `kind`, and only what it needs, simplified for these
 * weights: a tensor that no rewrite changed keeps its name. Throws a UserError where the graph has no such output or the
 * state lacks a tensor.
 */
export function embedState(
  model: OnnxModel,
  state: ReadonlyMap<string, HostTensor>,
  kind: ExportKind,
  metadata: Readonly<Record<string, string>>,
  without: readonly RewriteName[] = [],
): OnnxModel {
  const { graph } = model;
  const output = graph.outputs.find(({ name }) => name === OUTPUT_OF[kind]);
  if (!output) {
    const there = graph.outputs.map(({ name }) => name).join(', ');
    throw new UserError(`--kind ${kind}: the model has no output ${OUTPUT_OF[kind]} (it has: ${there})`);
  }
  const nodes = neededNodes(graph, [output.name]);
  const used = new Set(nodes.flatMap((node) => node.inputs));
  const [images, ...stateInputs] = graph.inputs;
  const weights = stateInputs
    .filter(({ name }) => used.has(name))
    .map(({ name }) => {
      const tensor = state.get(name);
      if (!tensor) throw new UserError(`the checkpoint has no tensor ${name}, which the model needs`);
      return { name, ...tensor };
    });
  const embedded = {
    ...graph,
    name: kind,
    inputs: [images],
    outputs: [output],
    initializers: [...graph.initializers.filter(({ name }) => used.has(name)), ...weights],
    nodes,
  };
  return { ...model, metadata, graph: simplify(embedded, without) };
}

export interface ExportDetails {
  readonly classes: readonly string[] | null;
  readonly license: string | null;
  readonly step: number;
}

/** metadata_props of an exported model: strings, lists as JSON. */
export function exportMetadata(
  { recipe, recipeName, producer }: Manifest,
  kind: ExportKind,
  { classes, license, step }: ExportDetails,
): Record<string, string> {
  const optional: Record<string, string> = {};
  if (classes && kind === 'classifier') optional.classes = JSON.stringify(classes);
  if (license !== null) optional.data_license = license;
  return {
    kind,
    task: recipe.task,
    recipe_name: recipeName,
    recipe: JSON.stringify(recipe),
    producer,
    step: String(step),
    mean: JSON.stringify(recipe.image.mean),
    std: JSON.stringify(recipe.image.std),
    input: `images uint8 [batch, ${recipe.image.size}, ${recipe.image.size}, ${recipe.image.channels}], channels last, 0 to 255; scaling and normalization are inside`,
    ...optional,
  };
}
