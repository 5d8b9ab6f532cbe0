/** Which ONNX Runtime this is. */
import { env } from 'onnxruntime-node';

/** `1.30.0`, of the package onnxruntime-node. */
export function runtimeVersion(): string {
  const { node, common } = env.versions;
  return node ?? common;
}
