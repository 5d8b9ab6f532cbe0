"""TensorFlow's training step of a bundle's recipe, under tf.function."""

import time

from common import Job, skip
from network import Network, decay_of, missing, to_channels_last

try:
    import tensorflow as tf
except ImportError as error:
    skip(str(error))


class Ops:
    """What network.py computes with."""

    reshape = staticmethod(tf.reshape)
    transpose = staticmethod(tf.transpose)
    matmul = staticmethod(tf.matmul)
    concat = staticmethod(tf.concat)
    broadcast = staticmethod(tf.broadcast_to)
    relu = staticmethod(tf.nn.relu)
    softmax = staticmethod(tf.nn.softmax)
    rsqrt = staticmethod(tf.math.rsqrt)
    unstack = staticmethod(tf.unstack)
    take_rows = staticmethod(tf.gather)

    @staticmethod
    def conv(x, weight, stride):
        if stride == 1 or weight.shape[0] == 1:
            return tf.nn.conv2d(x, weight, stride, 'SAME')
        # SAME would pad strided kernels on one side only
        pads = [[0, 0], [weight.shape[0] // 2] * 2, [weight.shape[1] // 2] * 2, [0, 0]]
        return tf.nn.conv2d(x, weight, stride, pads)

    @staticmethod
    def batch_norm(x, scale, bias):
        # the variance comes out unbiased, as the running one wants it
        return tf.compat.v1.nn.fused_batch_norm(x, scale, bias, epsilon=1e-5, is_training=True)

    @staticmethod
    def gelu(x):
        return tf.nn.gelu(x, approximate=False)

    @staticmethod
    def mean(x, axes, keep=False):
        return tf.reduce_mean(x, axes, keepdims=keep)

    @staticmethod
    def float(x):
        return tf.cast(x, tf.float32)

    @staticmethod
    def constant(values):
        return tf.constant(values, tf.float32)

    @staticmethod
    def constant_integers(values):
        return tf.constant(values)

    @staticmethod
    def take_patches(features, order):
        return tf.gather(features, order, axis=1, batch_dims=1)

    @staticmethod
    def cross_entropy(logits, labels):
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))


def main():
    job = Job()
    recipe = job.recipe
    why = missing(recipe)
    if why:
        skip(why)
    tf.config.threading.set_intra_op_parallelism_threads(job.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    start = time.perf_counter()
    arrays = {name: to_channels_last(name, value) for name, value in job.take_parameters().items()}
    running = {name: tf.Variable(value) for name, value in arrays.items() if '.running_' in name}
    parameters = {name: tf.Variable(value) for name, value in arrays.items() if name not in running}
    decays = {name: decay_of(recipe, name, arrays[name]) for name in parameters}
    del arrays
    momenta = {name: tf.Variable(tf.zeros_like(value)) for name, value in parameters.items()}
    batch = {name: tf.constant(value) for name, value in job.batch.items()}
    network = Network(recipe, Ops)
    settings = recipe['optimizer']

    @tf.function
    def train(batch):
        with tf.GradientTape() as tape:
            values = {name: tf.convert_to_tensor(value) for name, value in parameters.items()}
            tape.watch(values)
            loss, statistics = network.loss(values, batch)
        gradients = tape.gradient(loss, values)
        for name, value in parameters.items():
            gradient = tf.convert_to_tensor(gradients[name]) + decays[name] * values[name]
            tf.raw_ops.ResourceApplyKerasMomentum(
                var=value.handle,
                accum=momenta[name].handle,
                lr=job.learning_rate,
                grad=gradient,
                momentum=settings['momentum'],
                use_nesterov=settings['nesterov'],
            )
        for name, value in running.items():
            value.assign(0.9 * value + 0.1 * statistics[name])
        return loss

    job.measure(lambda: train(batch), time.perf_counter() - start, f'tensorflow {tf.__version__}')


if __name__ == '__main__':
    main()
