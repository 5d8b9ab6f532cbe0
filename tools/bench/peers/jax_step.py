"""JAX's training step of a bundle's recipe, under jit with donated state."""

import time

from common import Job, skip
from network import Network, decay_of, missing, to_channels_last

try:
    import jax
    import jax.numpy as jnp
except ImportError as error:
    skip(str(error))


class Ops:
    """What network.py computes with."""

    reshape = staticmethod(jnp.reshape)
    transpose = staticmethod(jnp.transpose)
    matmul = staticmethod(jnp.matmul)
    concat = staticmethod(jnp.concatenate)
    broadcast = staticmethod(jnp.broadcast_to)
    relu = staticmethod(jax.nn.relu)
    softmax = staticmethod(jax.nn.softmax)
    rsqrt = staticmethod(jax.lax.rsqrt)
    unstack = staticmethod(list)

    @staticmethod
    def conv(x, weight, stride):
        pads = [(weight.shape[0] // 2,) * 2, (weight.shape[1] // 2,) * 2]
        layout = ('NHWC', 'HWIO', 'NHWC')
        return jax.lax.conv_general_dilated(x, weight, (stride, stride), pads, dimension_numbers=layout)

    @staticmethod
    def batch_norm(x, scale, bias):
        mean = x.mean((0, 1, 2))
        variance = ((x - mean) ** 2).mean((0, 1, 2))
        count = x.size // x.shape[-1]
        return (x - mean) * (scale * jax.lax.rsqrt(variance + 1e-5)) + bias, mean, variance * (count / (count - 1))

    @staticmethod
    def gelu(x):
        return jax.nn.gelu(x, approximate=False)

    @staticmethod
    def mean(x, axes, keep=False):
        return x.mean(axes, keepdims=keep)

    @staticmethod
    def float(x):
        return x.astype(jnp.float32)

    @staticmethod
    def constant(values):
        return jnp.array(values, jnp.float32)

    @staticmethod
    def constant_integers(values):
        return jnp.array(values)

    @staticmethod
    def take_patches(features, order):
        return jnp.take_along_axis(features, order[:, :, None], 1)

    @staticmethod
    def take_rows(table, rows):
        return table[rows]

    @staticmethod
    def cross_entropy(logits, labels):
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1).mean()


def main():
    job = Job()
    recipe = job.recipe
    why = missing(recipe)
    if why:
        skip(why)
    start = time.perf_counter()
    state = {name: jnp.asarray(to_channels_last(name, value)) for name, value in job.take_parameters().items()}
    running = {name: value for name, value in state.items() if '.running_' in name}
    parameters = {name: value for name, value in state.items() if name not in running}
    del state
    momenta = {name: jnp.zeros_like(value) for name, value in parameters.items()}
    batch = {name: jnp.asarray(value) for name, value in job.batch.items()}
    network = Network(recipe, Ops)
    settings, rate = recipe['optimizer'], job.learning_rate
    momentum, nesterov = settings['momentum'], settings['nesterov']

    def train(parameters, momenta, running, batch):
        (loss, statistics), gradients = jax.value_and_grad(network.loss, has_aux=True)(parameters, batch)
        new_parameters, new_momenta = {}, {}
        for name, value in parameters.items():
            gradient = gradients[name] + decay_of(recipe, name, value) * value
            new_momenta[name] = momentum * momenta[name] + gradient
            update = gradient + momentum * new_momenta[name] if nesterov else new_momenta[name]
            new_parameters[name] = value - rate * update
        new_running = {name: 0.9 * value + 0.1 * statistics[name] for name, value in running.items()}
        return new_parameters, new_momenta, new_running, loss

    compiled = jax.jit(train, donate_argnums=(0, 1, 2))

    def step():
        nonlocal parameters, momenta, running
        parameters, momenta, running, loss = jax.block_until_ready(compiled(parameters, momenta, running, batch))
        return loss

    job.measure(step, time.perf_counter() - start, f'jax {jax.__version__}')


if __name__ == '__main__':
    main()
