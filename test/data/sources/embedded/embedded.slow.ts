/** How much of the embedded classes a linear model on pixels sees. The images' bytes are pinned in embedded.test.ts. */
import {
  EMBEDDED_CLASSES,
  EMBEDDED_SIZE,
  embeddedImage,
  type EmbeddedSplit,
} from '../../../../src/data/sources/embedded/embedded';
import { Random } from '../../../../src/base/random';

const PIXELS = EMBEDDED_SIZE * EMBEDDED_SIZE * 3;
const CLASSES = EMBEDDED_CLASSES.length;

/** The first `count` images: pixels in [-1, 1], and labels. */
function images(of: EmbeddedSplit, count: number): { inputs: Float32Array; labels: number[] } {
  const inputs = new Float32Array(count * PIXELS);
  const labels: number[] = [];
  for (let i = 0; i < count; i++) {
    const { pixels, label } = embeddedImage(0, of, i);
    for (let k = 0; k < PIXELS; k++) inputs[i * PIXELS + k] = pixels[k] / 127.5 - 1;
    labels.push(label);
  }
  return { inputs, labels };
}

function logits(weights: Float32Array, inputs: Float32Array, image: number, out: Float64Array): void {
  out.fill(0);
  for (let k = 0; k < PIXELS; k++) {
    const value = inputs[image * PIXELS + k];
    for (let c = 0; c < CLASSES; c++) out[c] += value * weights[k * CLASSES + c];
  }
}

/** Softmax regression on pixels by stochastic gradient descent: weights [pixels, classes]. */
function fitLinear(inputs: Float32Array, labels: number[], epochs: number): Float32Array {
  const weights = new Float32Array(PIXELS * CLASSES);
  const slope = new Float64Array(CLASSES);
  for (let epoch = 0; epoch < epochs; epoch++) {
    const rate = 0.001 * (1 - epoch / epochs);
    for (const image of new Random(0, 'order', epoch).permutation(labels.length)) {
      logits(weights, inputs, image, slope);
      const highest = Math.max(...slope);
      let sum = 0;
      for (let c = 0; c < CLASSES; c++) sum += slope[c] = Math.exp(slope[c] - highest);
      for (let c = 0; c < CLASSES; c++) slope[c] = slope[c] / sum - (c === labels[image] ? 1 : 0);
      for (let k = 0; k < PIXELS; k++) {
        const step = rate * inputs[image * PIXELS + k];
        for (let c = 0; c < CLASSES; c++) weights[k * CLASSES + c] -= step * slope[c];
      }
    }
  }
  return weights;
}

function accuracy(weights: Float32Array, inputs: Float32Array, labels: number[]): number {
  const out = new Float64Array(CLASSES);
  const right = labels.filter((label, image) => {
    logits(weights, inputs, image, out);
    return out.indexOf(Math.max(...out)) === label;
  });
  return right.length / labels.length;
}

test('the embedded images give away little of the class to a linear model on pixels', () => {
  const train = images('train', 1500);
  const test = images('test', 600);
  const weights = fitLinear(train.inputs, train.labels, 8);
  // It does fit what it is shown; what it learns carries over hardly.
  expect(accuracy(weights, train.inputs, train.labels)).toBeGreaterThan(0.4);
  const reached = accuracy(weights, test.inputs, test.labels);
  expect(reached).toBeGreaterThan(0.12);
  expect(reached).toBeLessThan(0.4);
});
