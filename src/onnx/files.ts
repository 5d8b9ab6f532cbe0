/** Model files: one `.onnx`, and a file of weights beside it where protobuf's 2 GiB would be passed. */
import path from 'node:path';

import { writeFileAtomic } from '../base/files';
import { readRegular } from '../base/regularFile';
import { decodeModel } from './decode';
import { toBytes } from '../tensors/dtype';
import { allGraphs, encodeModel, PROTOBUF_LIMIT } from './encode';
import type { ExternalData } from './encode';
import type { OnnxModel, OnnxTensor } from './model';

/** Initializers below this stay in the model, so that shapes and scalars are there for whoever reads only the graph. */
const SMALLEST_EXTERNAL = 1024;
/** External tensors start at a multiple of this, so that a runtime can map them into memory. */
const PAGE = 4096;

export interface WriteOptions {
  /** Bytes that the file may have before its initializers move to `<file>.data`; protobuf's 2 GiB unless told. */
  readonly externalThreshold?: number;
}

/**
 * Writes `model` to `file`; where it would pass the threshold, initializers of 1 KiB and more go to `<file>.data`,
 * written first. Each file is written atomically. UserError where the system refuses.
 */
export function writeModel(file: string, model: OnnxModel, options: WriteOptions = {}): void {
  const threshold = Math.min(options.externalThreshold ?? PROTOBUF_LIMIT, PROTOBUF_LIMIT);
  const weights = largeInitializers(model);
  const weightBytes = weights.reduce((sum, tensor) => sum + tensor.data.byteLength, 0);
  if (weightBytes <= threshold) {
    const bytes = encodeModel(model);
    if (bytes.length <= threshold || weights.length === 0) {
      writeFileAtomic(file, bytes);
      return;
    }
  }
  const dataFile = `${file}.data`;
  const external = placeExternally(weights, path.basename(dataFile));
  const bytes = encodeModel(model, { external });
  writeFileAtomic(dataFile, externalPieces(external));
  writeFileAtomic(file, bytes);
}

/** The model in `file`, with its external data. UserError naming the file where it is missing or no ONNX model. */
export function readModel(file: string): OnnxModel {
  return decodeModel(readRegular(file), { file, externalDirectory: path.dirname(file) });
}

function largeInitializers(model: OnnxModel): OnnxTensor[] {
  const initializers = [...allGraphs(model.graph)].flatMap((graph) => graph.initializers);
  return initializers.filter((tensor) => tensor.data.byteLength >= SMALLEST_EXTERNAL);
}

function placeExternally(tensors: readonly OnnxTensor[], location: string): Map<OnnxTensor, ExternalData> {
  const places = new Map<OnnxTensor, ExternalData>();
  let end = 0;
  for (const tensor of tensors) {
    if (places.has(tensor)) continue;
    const offset = Math.ceil(end / PAGE) * PAGE;
    const length = tensor.data.byteLength;
    places.set(tensor, { location, offset, length });
    end = offset + length;
  }
  return places;
}

function* externalPieces(places: ReadonlyMap<OnnxTensor, ExternalData>): Generator<Uint8Array> {
  let end = 0;
  for (const [tensor, { offset, length }] of places) {
    yield new Uint8Array(offset - end);
    yield toBytes(tensor.data);
    end = offset + length;
  }
}
