/** A bundle's inference graph and a state become one self-contained model. */
import type { Recipe } from '../../bundle/recipe';
import { emitGraph, toModel } from '../../graph/emit';
import type { Graph } from '../../graph/graph';
import type { OnnxModel } from '../../onnx/model';
import { halfPrecision } from '../../passes/mixedPrecision';
import type { HostTensor } from '../../tensors/dtype';
import type { ExportForm, Precision } from '../form';
import { withInput } from './input';
import { networkOf } from './network';
import { forOpset } from './opset';
import { quantize, type Range } from './quantize';
import { simplify, type RewriteName } from './simplify';

/** The inference graph of a bundle and the tensors that go into it. */
export interface Weighted {
  readonly model: OnnxModel;
  readonly state: ReadonlyMap<string, HostTensor>;
  readonly image: Recipe['image'];
}

export interface BakeOptions {
  readonly without?: readonly RewriteName[];
  /** of `int8`: what `calibrate` found for the exact network of the form */
  readonly ranges?: readonly Range[];
}

/** Normalized images -> what the form gives, in float32, simplified for these weights, before anything is rounded. */
export const exactNetwork = (
  { model, state, image }: Weighted,
  form: ExportForm,
  without: readonly RewriteName[] = [],
): Graph => forOpset(simplify(networkOf(model, state, form, image), without), form.opset);

/** What the network computes in; what is done to images before stays float32, as do inputs and outputs. */
function rounded(network: Graph, precision: Precision, ranges: readonly Range[]): Graph {
  // Numbers beyond 65504 would be infinite: the check of the written file tells.
  if (precision === 'float16') return halfPrecision(network);
  return precision === 'int8' ? quantize(network, ranges) : network;
}

/**
 * The model of that form with only what it needs; a tensor that no rewrite changed keeps its name. Throws a UserError where the
 * graph has no such output or the state lacks a tensor.
 */
export function embedState(
  weighted: Weighted,
  form: ExportForm,
  { without = [], ranges = [] }: BakeOptions = {},
): OnnxModel {
  const { input, opset, precision } = form;
  const network = rounded(exactNetwork(weighted, form, without), precision, ranges);
  // Rounded weights must not be those of numbers up to 255, whose range half a precision and 8 bits cannot hold.
  const fold = precision === 'float32' && !without.includes('inputScale');
  return toModel(emitGraph(withInput(network, input, weighted.image, fold), opset), {}, opset);
}
