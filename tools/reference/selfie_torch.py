"""Selfie's two tasks in plain PyTorch: the reference that the ONNX training graphs are compared with.

A model is built from a resolved recipe (the `recipe` of a bundle's manifest.json; src/bundle/recipe.ts says what each
key means). `state_dict()` has the names of a bundle's parameters and buffers, less `num_batches_tracked`.
`model(batch) -> {'loss': [B], 'accuracy': [B], 'logits', ...}`: one value an example, and the predictions. In training
mode a classifier's loss is the one that it trains on: label smoothing, mixup, consistency with unlabelled images.
"""

from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import nn

EXPANSION = 4


def conv(inputs, outputs, size, stride=1):
    return nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)


class BottleneckV1(nn.Module):
    """torchvision's: the norm follows each convolution, ReLU follows the sum."""

    def __init__(self, inputs, middle, stride):
        super().__init__()
        outputs = middle * EXPANSION
        self.conv1, self.bn1 = conv(inputs, middle, 1), nn.BatchNorm2d(middle)
        self.conv2, self.bn2 = conv(middle, middle, 3, stride), nn.BatchNorm2d(middle)
        self.conv3, self.bn3 = conv(middle, outputs, 1), nn.BatchNorm2d(outputs)
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))
        else:
            self.downsample = nn.Identity()

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + self.downsample(x))


class BottleneckV2(nn.Module):
    """Pre-activation: norm and ReLU come before each convolution, nothing follows the sum.

    Where the shape changes the shortcut is a convolution of the pre-activated input, without a norm; else it is x.
    """

    def __init__(self, inputs, middle, stride):
        super().__init__()
        outputs = middle * EXPANSION
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), conv(inputs, middle, 1)
        self.bn2, self.conv2 = nn.BatchNorm2d(middle), conv(middle, middle, 3, stride)
        self.bn3, self.conv3 = nn.BatchNorm2d(middle), conv(middle, outputs, 1)
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(conv(inputs, outputs, 1, stride))

    def forward(self, x):
        active = F.relu(self.bn1(x))
        shortcut = self.downsample(active) if hasattr(self, 'downsample') else x
        y = F.relu(self.bn2(self.conv1(active)))
        y = F.relu(self.bn3(self.conv2(y)))
        return self.conv3(y) + shortcut


@contextmanager
def without_tracking(model):
    """Inside, training-mode norms use the batch's statistics and their running ones stay as they are."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.track_running_stats = False
    yield
    for norm in norms:
        norm.track_running_stats = True


class ResNet(nn.Module):
    """Stem and stages; `embed` maps normalized images [N, C, H, W] to their pooled features [N, features]."""

    def __init__(self, recipe):
        super().__init__()
        self.recipe = recipe
        image, net = recipe['image'], recipe['network']
        self.imagenet_stem = net['stem'] == 'imagenet'
        self.v1 = net['version'] == 'v1'
        width = net['width']
        self.conv1 = conv(image['channels'], width, 7, 2) if self.imagenet_stem else conv(image['channels'], width, 3)
        if self.v1:
            self.bn1 = nn.BatchNorm2d(width)
        block = BottleneckV1 if self.v1 else BottleneckV2
        channels = width
        self.stages = []
        for stage, depth in enumerate(net['stages']):
            middle = width * 2**stage
            blocks = []
            for index in range(depth):
                blocks.append(block(channels, middle, 2 if stage > 0 and index == 0 else 1))
                channels = middle * EXPANSION
            self.stages.append(f'layer{stage + 1}')
            self.add_module(self.stages[-1], nn.Sequential(*blocks))
        self.features = channels
        self.has_norm = not self.v1 and net['finalNorm']
        if self.has_norm:
            self.norm = nn.BatchNorm2d(channels)

    def embed(self, x):
        x = self.conv1(x)
        if self.v1:
            x = F.relu(self.bn1(x))
        if self.imagenet_stem:
            x = F.max_pool2d(x, 3, 2, 1)
        for stage in self.stages:
            x = getattr(self, stage)(x)
        if self.has_norm:
            x = F.relu(self.norm(x))
        return self.pool(x)

    def pool(self, x):
        return x.mean((2, 3))

    def map_side(self, side):
        """Side of the map of square images."""
        for _ in range(2 * self.imagenet_stem + len(self.stages) - 1):
            side = -(-side // 2)
        return side

    def normalize(self, images):
        """uint8 [B, H, W, C] -> normalized [B, C, H, W] in the dtype of the parameters."""
        like = self.conv1.weight
        mean, std = (like.new_tensor(self.recipe['image'][key]) for key in ('mean', 'std'))
        return ((images.to(like.dtype) / 255 - mean) / std).permute(0, 3, 1, 2)


def cut(images, p):
    """[B, C, H, W] -> [B * n, C, p, p]: all patches of p x p, row-major in each image's grid."""
    b, c, size, _ = images.shape
    g = size // p
    return images.reshape(b, c, g, p, g, p).permute(0, 2, 4, 1, 3, 5).reshape(b * g * g, c, p, p)


class AttentionPooling(nn.Module):
    """[B, tokens, D] -> [B, D]: the output of the learned token u0, put in front of the others.

    Dropout is where the paper has it, on the attention weights and before each residual sum; PyTorch's layer has one
    more, between the feed-forward layers, which is turned off.
    """

    def __init__(self, features, pooling):
        super().__init__()
        self.u0 = nn.Parameter(torch.randn(features) * 0.02)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                features,
                pooling['heads'],
                pooling['feedForward'],
                pooling['dropout'],
                activation='gelu',
                batch_first=True,
                norm_first=False,
            )
            for _ in range(pooling['layers'])
        )
        for layer in self.layers:
            layer.dropout.p = 0.0

    def forward(self, tokens):
        x = torch.cat([self.u0.expand(len(tokens), 1, -1), tokens], 1)
        for layer in self.layers:
            x = layer(x)
        return x[:, 0]


class Position(nn.Module):
    """One vector for each place of a grid of `side` x `side`: a table, or the sum of a row's and a column's vector."""

    def __init__(self, kind, side, features):
        super().__init__()
        self.kind, self.side = kind, side
        names = {'embedding': side * side} if kind == 'table' else {'row': side, 'column': side}
        for name, count in names.items():
            self.register_parameter(name, nn.Parameter(torch.randn(count, features) * 0.02))

    def forward(self, places):
        if self.kind == 'table':
            return self.embedding[places]
        return self.row[places // self.side] + self.column[places % self.side]


class Finetune(ResNet):
    """A classifier of whole images. Batch: `images` uint8 [B, H, W, C], `labels` int64 [B].

    In training mode, where the recipe says so: `mixup_weight` [], and `unlabelled_weak`, `unlabelled_strong` uint8
    [ratio B, H, W, C].
    """

    def __init__(self, recipe):
        super().__init__(recipe)
        self.of_patches = recipe['network'].get('tokens') == 'patches'
        if recipe['network'].get('globalPool') == 'attention':
            self.attention_pooling = AttentionPooling(self.features, recipe['pooling'])
            if not self.of_patches:
                side = self.map_side(recipe['image']['size'])
                self.map_position = Position('rowColumn', side, self.features)
            elif recipe['position']['onVisible']:
                side = recipe['image']['size'] // recipe['patch']['size']
                self.position = Position(recipe['position']['kind'], side, self.features)
        self.fc = nn.Linear(self.features, recipe['network']['classes'])

    def pool(self, x):
        """The average, or the paper's hybrid: attention pooling over the map's pixels with row and column positions."""
        if self.of_patches or not hasattr(self, 'attention_pooling'):
            return super().pool(x)
        places = torch.arange(x.shape[2] * x.shape[3])
        return self.attention_pooling(x.flatten(2).transpose(1, 2) + self.map_position(places))

    def embed(self, x):
        """Of the whole image, or the attention pooling of its patches, each through the encoder by itself."""
        if not self.of_patches:
            return super().embed(x)
        features = super().embed(cut(x, self.recipe['patch']['size']))
        tokens = features.view(len(x), -1, self.features)
        if hasattr(self, 'position'):
            tokens = tokens + self.position(torch.arange(tokens.shape[1]))
        return self.attention_pooling(tokens)

    def forward(self, batch):
        recipe, labels = self.recipe, batch['labels']
        regularize = recipe.get('regularize', {}) if self.training else {}
        images, targets = self.normalize(batch['images']), [(1, labels)]
        if regularize.get('mixup', 0) > 0:
            weight = batch['mixup_weight'].to(images.dtype)
            images = weight * images + (1 - weight) * images.flip(0)
            targets = [(weight, labels), (1 - weight, labels.flip(0))]
        embedding = self.embed(images)
        logits = self.fc(embedding)
        outputs = {'loss': 0, 'accuracy': 0, 'accuracy_top5': 0, 'logits': logits, 'embedding': embedding}
        for weight, own in targets:
            best = logits.topk(min(5, logits.shape[1]), 1).indices == own[:, None]
            smoothing = regularize.get('labelSmoothing', 0)
            outputs['loss'] += weight * F.cross_entropy(logits, own, reduction='none', label_smoothing=smoothing)
            outputs['accuracy'] += weight * best[:, 0].to(logits.dtype)
            outputs['accuracy_top5'] += weight * best.any(1).to(logits.dtype)
        if self.training and recipe.get('consistency', {}).get('ratio', 0) > 0:
            unlabelled = self.consistency(batch)
            total = outputs['loss'] + recipe['consistency']['weight'] * unlabelled['consistency_loss'].mean()
            outputs |= {'supervised_loss': outputs['loss'], 'loss': total, **unlabelled}
        return outputs

    def weak_probabilities(self, batch):
        """Of the weakly augmented images [M, classes]: normalized by themselves, without a gradient."""
        with torch.no_grad(), without_tracking(self):
            return self.fc(self.embed(self.normalize(batch['unlabelled_weak']))).softmax(1)

    def consistency(self, batch):
        """FixMatch's loss of the unlabelled images and which of them count, [M]; a pass of their own for each form."""
        probability, pseudo_label = self.weak_probabilities(batch).max(1)
        with without_tracking(self):
            strong = self.fc(self.embed(self.normalize(batch['unlabelled_strong'])))
        confident = (probability >= self.recipe['consistency']['threshold']).to(strong.dtype)
        loss = confident * F.cross_entropy(strong, pseudo_label, reduction='none')
        return {'consistency_loss': loss, 'confident': confident}


class Pretrain(ResNet):
    """Which hidden patch belongs to which hidden place?

    Batch: `images` uint8 [B, H, W, C]; `patch_order` int64 [B, n], a permutation of the n patches (row-major in the
    grid) per image, the visible ones first, the h = floor(n * patch.hidden) hidden ones last.
    """

    def __init__(self, recipe):
        super().__init__(recipe)
        self.side = recipe['image']['size'] // recipe['patch']['size']
        self.hidden = int(self.side**2 * recipe['patch']['hidden'])
        self.attention_pooling = AttentionPooling(self.features, recipe['pooling'])
        self.position = Position(recipe['position']['kind'], self.side, self.features)

    def pooled(self, images):
        """A's vector of all patches: normalized images [B, C, H, W] -> [B, features]."""
        features = self.embed(cut(images, self.recipe['patch']['size'])).reshape(len(images), self.side**2, -1)
        if self.recipe['position']['onVisible']:
            features = features + self.position(torch.arange(self.side**2))
        return self.attention_pooling(features)

    def forward(self, batch):
        order = batch['patch_order']
        b, n = order.shape
        features = self.embed(cut(self.normalize(batch['images']), self.recipe['patch']['size'])).reshape(b, n, -1)
        features = features.gather(1, order[:, :, None].expand_as(features))
        visible, candidates = features.split([n - self.hidden, self.hidden], 1)
        position = self.position(order)
        if self.recipe['position']['onVisible']:
            visible = visible + position[:, : n - self.hidden]
        queries = self.attention_pooling(visible)[:, None] + position[:, n - self.hidden :]
        logits = queries @ candidates.transpose(1, 2)  # [B, place, candidate]
        if self.recipe['pooling']['scaleLogits']:
            logits = logits / self.features**0.5
        target = torch.arange(self.hidden, device=order.device).expand(b, -1)
        loss = F.cross_entropy(logits.transpose(1, 2), target, reduction='none')
        right = (logits.argmax(2) == target).to(logits.dtype)
        return {'loss': loss.mean(1), 'accuracy': right.mean(1), 'logits': logits}


def build(recipe, dtype=torch.float32):
    """The model of a resolved recipe, in training mode, with PyTorch's default initial values."""
    return {'pretrain': Pretrain, 'finetune': Finetune}[recipe['task']](recipe).to(dtype)


def model_state(model):
    """Parameters and running statistics by name; the tensors are the model's own."""
    return {k: v for k, v in model.state_dict().items() if not k.endswith('num_batches_tracked')}


def copy_into(own, given):
    """Copies the arrays `given` into the tensors `own`; ValueError where names or shapes differ."""
    for what, names in (('missing', own.keys() - given.keys()), ('left over', given.keys() - own.keys())):
        if names:
            raise ValueError(f'{len(names)} state(s) {what}: {", ".join(sorted(names)[:5])}')
    for name, value in own.items():
        tensor = torch.as_tensor(given[name])
        if tensor.shape != value.shape:
            raise ValueError(f'{name}: PyTorch has shape {list(value.shape)}, given {list(tensor.shape)}')
        value.copy_(tensor)


def load_model_state(model, tensors):
    """Copies `tensors` (name -> array) into the model, strictly."""
    copy_into(model_state(model), tensors)
