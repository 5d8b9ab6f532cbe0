/** A consumer's CommonJS module: predicts with the run that the command line trained, and differentiates a graph. */
'use strict';
const assert = require('node:assert/strict');
const path = require('node:path');

const { readBundle } = require('selfie-onnx/bundle');
assert.equal(readBundle('fine').manifest.recipe.task, 'finetune');
const native = Object.keys(require.cache).filter((file) => /onnxruntime|sharp/.test(file));
assert.deepEqual(native, [], 'reading a bundle loads no runtime');

const { Graph, gradients, ops, predict } = require('selfie-onnx');
const graph = new Graph('square');
const x = graph.input('x', 'float32', [3]);
const [gradient] = gradients(ops.reduceSum(ops.mul(x, x)), [x]);
assert.deepEqual(gradient.shape, [3]);

const picture = path.join(
  path.dirname(require.resolve('selfie-onnx/package.json')),
  'src/data/sources/embedded/embedded.png',
);
const predictFirst = async () => {
  const { each } = await predict({ model: 'fine', images: [picture], top: 2 });
  const { value } = await each.next();
  await each.return();
  return value;
};
predictFirst().then((prediction) => {
  assert.equal(prediction.classes?.length, 2, prediction.error);
});
