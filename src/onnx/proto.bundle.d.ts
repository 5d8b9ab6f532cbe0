/** ONNX's protobuf messages. Built in (tools/build/bundles.mjs): onnx-proto asks for protobufjs 6, which is not safe. */
export { onnx } from 'onnx-proto';
