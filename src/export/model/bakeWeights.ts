/** A bundle's inference graph and a state become one self-contained model. */
import { mapSide } from '../../bundle/checkRecipe';
import type { Recipe } from '../../bundle/recipe';
import { UserError } from '../../base/errors';
import type { HostTensor } from '../../tensors/dtype';
import type { OnnxGraph, OnnxModel, OnnxNode } from '../../onnx/model';
import { toFloat16 } from './float16';
import { OUTPUT_OF, type ExportForm } from '../form';
import { pixelsOf, replaceInput } from './input';
import { toOpset } from './opset';
import { addMap, addProbabilities } from './outputs';
import { simplify, type RewriteName } from './simplify';

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
 * The inference model with `state` as initializers and only what its form needs, simplified for these weights: a tensor that no
 * rewrite changed keeps its name. For int8, which needs images, it is the float32 model to be rounded. Throws a UserError where
 * the graph has no such output or the state lacks a tensor.
 */
export function embedState(
  model: OnnxModel,
  state: ReadonlyMap<string, HostTensor>,
  form: ExportForm,
  { image, network }: Recipe,
  without: readonly RewriteName[] = [],
): OnnxModel {
  const { kind, input } = form;
  const own = withWeights(model.graph, state, form);
  const graph = replaceInput(own, input, image);
  // Rounded weights must not be those of numbers up to 255, whose range half a precision and 8 bits cannot hold.
  const isExact = form.precision === 'float32';
  let simple = simplify(graph, isExact ? without : [...without, 'inputScale']);
  if (kind === 'classifier') simple = addProbabilities(simple);
  if (form.map) simple = addMap(simple, mapSide(network, image.size), kind);
  const fitting = toOpset({ ...model, graph: simple }, form.opset);
  if (form.precision !== 'float16') return fitting;
  return { ...fitting, graph: toFloat16(fitting.graph, pixelsOf(input)) };
}

function withWeights(
  graph: OnnxGraph,
  state: ReadonlyMap<string, HostTensor>,
  { kind }: ExportForm,
): OnnxGraph {
  const wanted = kind === 'classifier' ? ['embedding', OUTPUT_OF.classifier] : [OUTPUT_OF.encoder];
  const outputs = wanted.map((name) => {
    const output = graph.outputs.find((each) => each.name === name);
    if (output) return output;
    const there = graph.outputs.map((each) => each.name).join(', ');
    throw new UserError(`--kind ${kind}: the model has no output ${name} (it has: ${there})`);
  });
  const nodes = neededNodes(graph, wanted);
  const used = new Set(nodes.flatMap((node) => node.inputs));
  const [images, ...stateInputs] = graph.inputs;
  const weights = stateInputs
    .filter(({ name }) => used.has(name))
    .map(({ name }) => {
      const tensor = state.get(name);
      if (!tensor) throw new UserError(`the checkpoint has no tensor ${name}, which the model needs`);
      return { name, ...tensor };
    });
  return {
    ...graph,
    name: kind,
    inputs: [images],
    outputs,
    initializers: [...graph.initializers.filter(({ name }) => used.has(name)), ...weights],
    nodes,
  };
}
