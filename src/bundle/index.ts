/** `selfie-onnx/bundle`: what a trainer of one's own reads and writes; loads no runtime. */
export { UserError } from '../base/errors';
export {
  manifestSchema,
  type GraphContract,
  type GraphName,
  type Manifest,
  type Port,
  type Role,
  type StateEntry,
} from './manifest';
export { graphPath, initialStatePath, readBundle, type Bundle } from './read';
export { recipeSchema, type Recipe, type RecipeInput } from './recipe';
export { readSafetensors, writeSafetensors, type Safetensors } from '../tensors/safetensors';
export type { DType, HostTensor, TypedArray } from '../tensors/dtype';
