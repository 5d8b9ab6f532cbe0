"""A recipe's network and loss over a small set of operations, for TensorFlow and JAX; channels last.

`ops` gives conv, batch_norm, gather, softmax, ... on the library's arrays. Parameters go by the bundle's names, with
convolutions as [height, width, in, out] (`to_channels_last`). The same sums as tools/reference/selfie_torch.py.
"""

EXPANSION = 4


def missing(recipe):
    """Why this recipe cannot be built here, or None."""
    if recipe['network']['stem'] != 'cifar':
        return 'the 7 x 7 stem is not written for this library'
    if recipe['optimizer']['name'] != 'sgd' or recipe['optimizer']['clipNorm']:
        return 'only SGD without clipping is written for this library'
    if recipe['task'] == 'pretrain' and (recipe['position']['kind'] != 'table' or recipe['pooling']['dropout']):
        return 'only a table of positions and no dropout are written for this library'
    return None


def to_channels_last(name, value):
    """A bundle's array as this network wants it."""
    return value.transpose(2, 3, 1, 0) if value.ndim == 4 else value


def decay_of(recipe, name, value):
    """The weight decay of a parameter."""
    settings = recipe['optimizer']
    decays = settings['decayAll'] or (value.ndim > 1 and not name.startswith('position.'))
    return settings['weightDecay'] if decays else 0.0


class Network:
    """`loss(parameters, batch)` -> (mean loss, batch statistics by the names of the running ones)."""

    def __init__(self, recipe, ops):
        self.recipe, self.ops = recipe, ops

    def loss(self, parameters, batch):
        self.p, self.statistics = parameters, {}
        run = self.pretrain if self.recipe['task'] == 'pretrain' else self.finetune
        return run(batch), self.statistics

    def conv(self, name, x, stride=1):
        return self.ops.conv(x, self.p[f'{name}.weight'], stride)

    def norm(self, name, x):
        y, mean, variance = self.ops.batch_norm(x, self.p[f'{name}.weight'], self.p[f'{name}.bias'])
        self.statistics[f'{name}.running_mean'] = mean
        self.statistics[f'{name}.running_var'] = variance
        return y

    def linear(self, name, x):
        return self.affine(x, self.p[f'{name}.weight'], self.p[f'{name}.bias'])

    def affine(self, x, weight, bias):
        rows = self.ops.reshape(x, [-1, x.shape[-1]])
        y = self.ops.matmul(rows, self.ops.transpose(weight, [1, 0])) + bias
        return self.ops.reshape(y, [*x.shape[:-1], weight.shape[0]])

    def bottleneck(self, name, x, stride, changes):
        relu = self.ops.relu
        if self.recipe['network']['version'] == 'v1':
            y = relu(self.norm(f'{name}.bn1', self.conv(f'{name}.conv1', x)))
            y = relu(self.norm(f'{name}.bn2', self.conv(f'{name}.conv2', y, stride)))
            y = self.norm(f'{name}.bn3', self.conv(f'{name}.conv3', y))
            if changes:
                x = self.norm(f'{name}.downsample.1', self.conv(f'{name}.downsample.0', x, stride))
            return relu(y + x)
        active = relu(self.norm(f'{name}.bn1', x))
        shortcut = self.conv(f'{name}.downsample.0', active, stride) if changes else x
        y = relu(self.norm(f'{name}.bn2', self.conv(f'{name}.conv1', active)))
        y = relu(self.norm(f'{name}.bn3', self.conv(f'{name}.conv2', y, stride)))
        return self.conv(f'{name}.conv3', y) + shortcut

    def embed(self, x):
        """[N, H, W, C] normalized -> [N, features]."""
        net = self.recipe['network']
        x = self.conv('conv1', x)
        if net['version'] == 'v1':
            x = self.ops.relu(self.norm('bn1', x))
        channels = net['width']
        for stage, depth in enumerate(net['stages']):
            outputs = net['width'] * 2**stage * EXPANSION
            for block in range(depth):
                stride = 2 if stage > 0 and block == 0 else 1
                x = self.bottleneck(f'layer{stage + 1}.{block}', x, stride, stride != 1 or channels != outputs)
                channels = outputs
        if net['version'] == 'v2' and net['finalNorm']:
            x = self.ops.relu(self.norm('norm', x))
        return self.ops.mean(x, (1, 2))

    def normalize(self, images):
        mean, std = (self.ops.constant(self.recipe['image'][key]) for key in ('mean', 'std'))
        return (self.ops.float(images) / 255.0 - mean) / std

    def finetune(self, batch):
        logits = self.linear('fc', self.embed(self.normalize(batch['images'])))
        return self.ops.cross_entropy(logits, batch['labels'])

    def layer_norm(self, name, x):
        mean = self.ops.mean(x, (-1,), keep=True)
        variance = self.ops.mean((x - mean) * (x - mean), (-1,), keep=True)
        return (x - mean) * self.ops.rsqrt(variance + 1e-5) * self.p[f'{name}.weight'] + self.p[f'{name}.bias']

    def transformer_layer(self, name, x):
        """Post-norm, as torch.nn.TransformerEncoderLayer; x [B, T, D]."""
        ops, heads = self.ops, self.recipe['pooling']['heads']
        b, t, d = x.shape
        qkv = self.affine(x, self.p[f'{name}.self_attn.in_proj_weight'], self.p[f'{name}.self_attn.in_proj_bias'])
        q, k, v = ops.unstack(ops.transpose(ops.reshape(qkv, [b, t, 3, heads, d // heads]), [2, 0, 3, 1, 4]))
        weights = ops.softmax(ops.matmul(q, ops.transpose(k, [0, 1, 3, 2])) / (d // heads) ** 0.5)
        merged = ops.reshape(ops.transpose(ops.matmul(weights, v), [0, 2, 1, 3]), [b, t, d])
        x = self.layer_norm(f'{name}.norm1', x + self.linear(f'{name}.self_attn.out_proj', merged))
        hidden = ops.gelu(self.linear(f'{name}.linear1', x))
        return self.layer_norm(f'{name}.norm2', x + self.linear(f'{name}.linear2', hidden))

    def pretrain(self, batch):
        ops, order = self.ops, batch['patch_order']
        images = self.normalize(batch['images'])
        (b, n), size = order.shape, self.recipe['patch']['size']
        grid, channels = images.shape[1] // size, images.shape[3]
        cut = ops.transpose(ops.reshape(images, [b, grid, size, grid, size, channels]), [0, 1, 3, 2, 4, 5])
        features = ops.reshape(self.embed(ops.reshape(cut, [b * n, size, size, channels])), [b, n, -1])
        features = ops.take_patches(features, order)
        position = ops.take_rows(self.p['position.embedding'], order)
        visible = n - int(n * self.recipe['patch']['hidden'])
        tokens, candidates = features[:, :visible], features[:, visible:]
        if self.recipe['position']['onVisible']:
            tokens = tokens + position[:, :visible]
        u0 = ops.broadcast(self.p['attention_pooling.u0'], [b, 1, features.shape[2]])
        x = ops.concat([u0, tokens], 1)
        for layer in range(self.recipe['pooling']['layers']):
            x = self.transformer_layer(f'attention_pooling.layers.{layer}', x)
        queries = x[:, :1] + position[:, visible:]
        logits = ops.matmul(queries, ops.transpose(candidates, [0, 2, 1]))
        if self.recipe['pooling']['scaleLogits']:
            logits = logits / features.shape[2] ** 0.5
        hidden = n - visible
        targets = ops.constant_integers(list(range(hidden)) * b)
        return ops.cross_entropy(ops.reshape(logits, [b * hidden, hidden]), targets)
