/**
 * Trains a bundle of selfie-onnx by its manifest.json alone, with any ONNX Runtime for JavaScript and no part of selfie-onnx.
 * ort: onnxruntime-web (a page: train.html) or onnxruntime-node. read(name): bytes of a file of the bundle. batches: bytes of a
 * .safetensors file that has each batch input under its name, with a leading axis over the steps; they are taken in turn. Where
 * it has random and hyper inputs (dropout_seed, ...), those are taken too. Gives the state after `steps` as .safetensors bytes.
 */
import { decode, encode } from './safetensors.mjs';

export async function train({ ort, read, batches, steps, random = Math.random, onStep = console.log }) {
  const manifest = JSON.parse(new TextDecoder().decode(await read('manifest.json')));
  const { file, inputs, outputs } = manifest.graphs.train;
  const session = await ort.InferenceSession.create(await read(file));
  const state = decode(await read(manifest.initialState));
  const stacked = decode(batches);
  for (let step = 0; step < steps; step++) {
    const values = scalars(manifest.recipe, step, steps, random);
    const feed = ({ name, dtype, role }) => {
      if (role === 'state') return new ort.Tensor(dtype, state[name].data, state[name].shape);
      if (stacked[name]) return new ort.Tensor(dtype, ...slice(stacked[name], step));
      return new ort.Tensor(dtype, [dtype === 'int64' ? BigInt(values[name]) : values[name]], []);
    };
    const results = await session.run(Object.fromEntries(inputs.map((port) => [port.name, feed(port)])));
    const metrics = { step: step + 1 };
    for (const { name, dtype, role, replaces } of outputs) {
      const { data, dims: shape } = results[name];
      if (role === 'state') state[replaces] = { dtype, shape, data };
      if (role === 'metric') metrics[name] = Number(data[0]);
    }
    onStep(metrics);
  }
  return encode(state, { step: String(steps) });
}

/** Data and shape of one step's part. */
function slice({ data, shape: [count, ...shape] }, step) {
  const each = data.length / count;
  const at = (step % count) * each;
  return [data.slice(at, at + each), shape];
}

/** What the random and hyper inputs are, for the update that follows `step` finished ones. */
function scalars({ schedule, regularize: { mixup }, average }, step, steps, random) {
  const { kind, peak, warmupSteps, milestones, factor } = schedule;
  const warmup = Math.min(warmupSteps, Math.floor(steps / 10));
  const cosine = (1 + Math.cos((Math.PI * (step - warmup)) / (steps - warmup))) / 2;
  const rates = { cosine, constant: 1, step: factor ** milestones.filter((at) => step >= at * steps).length };
  let [x, y] = mixup > 0 ? [1, 1] : [1, 0];
  while (!(x + y > 0 && x + y <= 1)) [x, y] = [random() ** (1 / mixup), random() ** (1 / mixup)]; // x / (x + y) is Beta(a, a)
  return {
    dropout_seed: Math.floor(random() * 2 ** 31),
    mixup_weight: x / (x + y),
    learning_rate: peak * (step < warmup ? (step + 1) / warmup : rates[kind]),
    average_decay: Math.min(average.decay, (1 + step) / (10 + step)),
  };
}
