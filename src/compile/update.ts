/** The second half of a training step: unscaling, clipping, the optimizer, and what a skipped step leaves as it was. */
import type { Recipe } from '../bundle/recipe';
import type { Value } from '../graph/graph';
import type { Parameter } from '../nn/state';
import { adamw } from '../optim/adamw';
import { allFinite, nextLossScale } from '../optim/lossScale';
import { clipByGlobalNorm, globalNorm, type Optimizer } from '../optim/optimizer';
import { lars, sgd } from '../optim/sgd';
import { add, mul, reciprocal, where } from '../ops/elementwise';
import type { Averages } from './average';
import type { Ports } from './ports';

/** State tensors of loss scaling; both [], float32. */
export const LOSS_SCALE = 'optim.loss_scale';
const GOOD_STEPS = 'optim.good_steps';

function optimizerOf({ optimizer: o }: UpdateSettings): Optimizer {
  switch (o.name) {
    case 'sgd':
      return sgd(o);
    case 'lars':
      return lars(o);
    case 'adamw':
      return adamw(o);
  }
}

/** Of a recipe. */
export type UpdateSettings = Pick<Recipe, 'optimizer' | 'lossScale'>;

interface Trainable {
  readonly name: string;
  readonly state: Parameter;
  readonly value: Value;
}

/**
 * The optimizer's state as inputs, then every parameter's update as outputs. With a loss scale the gradients are divided by
 * it, and where one is not finite every state stays as it was (moving averages go on towards it). Returns whether they are,
 * or null without a loss scale.
 */
export function update(
  ports: Ports,
  settings: UpdateSettings,
  parameters: readonly Trainable[],
  scaledGrads: readonly Value[],
  learningRate: Value,
  scale: Value | null,
  averages: Averages | null,
): Value | null {
  const { graph } = ports;
  const { weightDecay, decayAll, clipNorm } = settings.optimizer;
  const optimizer = optimizerOf(settings);
  const stateInput = (name: string, value: Value) => ports.input('state', name, value.dtype, value.shape);
  const slots = parameters.map(({ name, value }) =>
    optimizer.slots.map((slot) => stateInput(`optim.${slot}.${name}`, value)),
  );
  const scalar = graph.scalar(1, parameters[0].value.dtype);
  const steps = optimizer.countsSteps ? stateInput('optim.step', scalar) : null;
  const goodSteps = scale && stateInput(GOOD_STEPS, scale);

  return graph.phase('optimizer', () =>
    graph.scope('optim', () => {
      const finite = scale && graph.scope('loss_scale', () => allFinite(scaledGrads));
      const next = (name: string, value: Value, before: Value): Value => {
        const kept = finite ? where(finite, value, before) : value;
        ports.next(name, kept);
        return kept;
      };
      let grads = scaledGrads;
      if (scale && goodSteps && finite) {
        ports.output('metric', 'skipped', where(finite, graph.scalar(0, 'float32'), 1));
        const following = graph.scope('loss_scale', () =>
          nextLossScale(finite, { scale, goodSteps }, settings.lossScale),
        );
        ports.next(LOSS_SCALE, following.scale);
        ports.next(GOOD_STEPS, following.goodSteps);
        const unscale = reciprocal(scale);
        grads = scaledGrads.map((g) => mul(g, unscale));
      }
      let clipped = grads;
      if (clipNorm > 0) {
        const norm = globalNorm(grads);
        ports.output('metric', 'gradient_norm', finite ? where(finite, norm, 0) : norm);
        clipped = clipByGlobalNorm(grads, norm, clipNorm);
      }
      const step = steps && add(steps, 1);
      if (steps && step) next('optim.step', step, steps);
      parameters.forEach(({ name, state, value }, i) => {
        const decays = decayAll || (state.isWeight && state.shape.length > 1);
        const result = graph.scope(name.replaceAll('.', '/'), () =>
          optimizer.update({
            parameter: value,
            gradient: clipped[i],
            slots: slots[i],
            weightDecay: decays ? weightDecay : 0,
            learningRate,
            step,
          }),
        );
        const updated = next(name, result.parameter, value);
        averages?.follow(name, updated);
        optimizer.slots.forEach((slot, k) => next(`optim.${slot}.${name}`, result.slots[k], slots[i][k]));
      });
      return finite;
    }),
  );
}
