/** `selfie print-graph FILE.onnx` */
import { statSync } from 'node:fs';
import { UserError } from '../base/errors';
import { readModel } from '../onnx/files';
import { formatModel } from '../onnx/text';
import { defineCommand, positional, print } from './command';

export const printGraph = defineCommand({
  name: 'print-graph',
  describe: 'print an .onnx file as text',
  examples: [['print-graph models/cifar10-pretrain/graph/train.onnx', 'the training step, node by node']],
  positionals: { file: positional('an .onnx file') },
  options: {},
  run: ({ file }) => {
    if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw new UserError(`${file}: no such file`);
    print(formatModel(readModel(file)).trimEnd());
  },
});
