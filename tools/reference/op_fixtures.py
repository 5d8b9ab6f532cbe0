"""Writes test/fixtures/torch/ops-<family>.safetensors and ops.json: values and gradients of single operations.

    python tools/reference/op_fixtures.py

Everything is computed and stored in float64. README.md beside this file describes the layout.
"""

import json
import zlib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save

FOLDER = Path(__file__).resolve().parents[2] / 'test/fixtures/torch'
index, families = [], {}


def tensor(*shape):
    return torch.randn(shape, dtype=torch.float64)


def distinct(*shape):
    """Values at least 0.05 apart and off zero, so that no maximum is a tie and no ReLU sits on its kink."""
    count = int(np.prod(shape))
    return ((torch.randperm(count) - count / 2 + 0.25) * 0.05).double().reshape(shape)


def add(family, case, op, function, inputs, attrs=None, fixed=()):
    """Stores one case: `function(*inputs)` -> y, or {'y': y, further outputs}, and the gradients of sum(y * dy).

    Integer inputs and those named in `fixed` have no gradient.
    """
    leaves = {k: v.clone().requires_grad_(v.is_floating_point() and k not in fixed) for k, v in inputs.items()}
    result = function(*leaves.values())
    outputs = result if isinstance(result, dict) else {'y': result}
    dy = torch.randn_like(outputs['y'])
    wanted = [k for k, v in leaves.items() if v.requires_grad]
    gradients = torch.autograd.grad(outputs['y'], [leaves[k] for k in wanted], dy) if wanted else ()
    tensors = {f'x_{k}': v for k, v in leaves.items()} | outputs | {'dy': dy}
    tensors |= {f'grad_{k}': g for k, g in zip(wanted, gradients)}
    stored = families.setdefault(family, {})
    stored |= {f'{case}/{k}': v.detach().contiguous().numpy() for k, v in tensors.items()}
    index.append(
        {
            'family': family,
            'case': case,
            'op': op,
            'attrs': attrs or {},
            'inputs': list(leaves),
            'outputs': list(outputs),
            'grads': wanted,
        }
    )


def convolutions():
    # case: (input, weight, stride, padding, dilation, groups)
    cases = {
        'plain': ([2, 3, 5, 6], [4, 3, 3, 3], 1, 0, 1, 1),
        'same': ([2, 3, 5, 5], [4, 3, 3, 3], 1, 1, 1, 1),
        'one-by-one': ([2, 5, 4, 3], [6, 5, 1, 1], 1, 0, 1, 1),
        'one-by-one-strided': ([2, 5, 5, 4], [6, 5, 1, 1], 2, 0, 1, 1),
        'strided': ([2, 3, 7, 7], [4, 3, 3, 3], 2, 1, 1, 1),
        'strided-rest': ([2, 3, 8, 8], [4, 3, 3, 3], 2, 1, 1, 1),
        'stem': ([1, 3, 17, 17], [2, 3, 7, 7], 2, 3, 1, 1),
        'small-map': ([3, 4, 2, 2], [4, 4, 3, 3], 1, 1, 1, 1),
        'small-map-strided': ([3, 4, 2, 2], [4, 4, 3, 3], 2, 1, 1, 1),
        'single-pixel': ([3, 4, 1, 1], [4, 4, 3, 3], 1, 1, 1, 1),
        'even-kernel': ([2, 3, 6, 5], [4, 3, 2, 4], 1, 1, 1, 1),
        'even-kernel-strided': ([2, 3, 7, 8], [4, 3, 4, 2], 3, 1, 1, 1),
        'oblong': ([2, 2, 6, 9], [3, 2, 1, 5], 2, 2, 1, 1),
        'wide-padding': ([2, 2, 3, 4], [3, 2, 3, 3], 1, 3, 1, 1),
        'dilated': ([2, 3, 8, 7], [4, 3, 3, 3], 1, 2, 2, 1),
        'dilated-strided': ([2, 3, 9, 10], [4, 3, 3, 2], 2, 3, 3, 1),
        'groups': ([2, 6, 5, 5], [4, 3, 3, 3], 1, 1, 1, 2),
        'depthwise': ([2, 4, 6, 6], [8, 1, 3, 3], 2, 1, 1, 4),
        'groups-dilated-strided': ([1, 6, 9, 8], [9, 2, 3, 3], 2, 2, 2, 3),
        'wide-stride': ([2, 3, 9, 8], [4, 3, 2, 2], 4, 0, 1, 1),
    }
    for case, (x, weight, stride, padding, dilation, groups) in cases.items():
        add(
            'conv',
            case,
            'Conv',
            lambda x, weight: F.conv2d(x, weight, None, stride, padding, dilation, groups),
            {'x': tensor(*x), 'weight': tensor(*weight)},
            {'strides': [stride] * 2, 'pads': [padding] * 4, 'dilations': [dilation] * 2, 'group': groups},
        )


def pools():
    # case: (input, kernel, stride, padding)
    cases = {
        'plain': ([2, 3, 4, 6], 2, 2, 0),
        'stem': ([2, 3, 7, 8], 3, 2, 1),
        'overlapping': ([2, 2, 5, 5], 3, 1, 1),
        'gaps': ([2, 2, 8, 7], 2, 3, 0),
        'small-map': ([3, 2, 2, 1], 3, 2, 1),
    }
    for case, (x, kernel, stride, padding) in cases.items():
        attrs = {'kernel_shape': [kernel] * 2, 'strides': [stride] * 2, 'pads': [padding] * 4}
        add(
            'pool',
            f'max-{case}',
            'MaxPool',
            lambda x: F.max_pool2d(x, kernel, stride, padding),
            {'x': distinct(*x)},
            attrs,
        )
        for include in (0, 1):
            add(
                'pool',
                f'average-{case}-{"with" if include else "without"}-padding',
                'AveragePool',
                lambda x: F.avg_pool2d(x, kernel, stride, padding, count_include_pad=bool(include)),
                {'x': tensor(*x)},
                {**attrs, 'count_include_pad': include},
            )
    for case, shape in {'global': [2, 3, 4, 5], 'global-single-pixel': [2, 3, 1, 1]}.items():
        add('pool', case, 'GlobalAveragePool', lambda x: x.mean((2, 3)), {'x': tensor(*shape)})


def norms():
    def batch_norm(x, scale, bias):
        variance, mean = torch.var_mean(x, (0, 2, 3), correction=0)
        return {'y': F.batch_norm(x, None, None, scale, bias, True, eps=1e-5), 'mean': mean, 'var': variance}

    for case, shape in {
        'batch': [3, 4, 5, 2],
        'batch-single-pixel': [6, 3, 1, 1],
        'batch-one-image': [1, 3, 4, 4],
    }.items():
        channels = shape[1]
        add(
            'norm',
            case,
            'BatchNormalization',
            batch_norm,
            {'x': 2 * tensor(*shape) + 1, 'scale': tensor(channels), 'bias': tensor(channels)},
            {'epsilon': 1e-5, 'training_mode': 1},
        )
    add(
        'norm',
        'batch-inference',
        'BatchNormalization',
        lambda x, scale, bias, mean, var: F.batch_norm(x, mean, var, scale, bias, False, eps=1e-5),
        {
            'x': tensor(2, 3, 4, 4),
            'scale': tensor(3),
            'bias': tensor(3),
            'mean': tensor(3),
            'var': tensor(3) ** 2 + 0.1,
        },
        {'epsilon': 1e-5, 'training_mode': 0},
        fixed=('x', 'scale', 'bias', 'mean', 'var'),
    )
    for case, shape in {'layer': [2, 3, 8], 'layer-matrix': [5, 7]}.items():
        features = shape[-1]
        add(
            'norm',
            case,
            'LayerNormalization',
            lambda x, scale, bias: F.layer_norm(x, (features,), scale, bias, 1e-5),
            {'x': 2 * tensor(*shape) + 1, 'scale': tensor(features), 'bias': tensor(features)},
            {'axis': -1, 'epsilon': 1e-5},
        )


def activations():
    for case, shape, axis in (('last', [2, 3, 5], -1), ('middle', [2, 4, 3], 1), ('large', [3, 6], -1)):
        scale = 60 if case == 'large' else 1
        x = scale * tensor(*shape)
        add('activation', f'softmax-{case}', 'Softmax', lambda x: x.softmax(axis), {'x': x}, {'axis': axis})
        add('activation', f'log-softmax-{case}', 'LogSoftmax', lambda x: x.log_softmax(axis), {'x': x}, {'axis': axis})
    add('activation', 'relu', 'Relu', F.relu, {'x': distinct(3, 9)})
    grid = torch.cat([torch.linspace(-6, 6, 25), torch.tensor([0.0, 1e-3, -1e-3])]).double()
    add('activation', 'gelu', 'Gelu', F.gelu, {'x': grid}, {'approximate': 'none'})
    add('activation', 'erf', 'Erf', torch.erf, {'x': grid})


def losses():
    for case, x in (('plain', tensor(5, 7)), ('large', 60 * tensor(4, 6)), ('two-classes', tensor(3, 2))):
        labels = torch.randint(0, x.shape[1], (len(x),))
        for reduction in ('mean', 'none'):
            add(
                'loss',
                f'{case}-{reduction}',
                'SoftmaxCrossEntropyLoss',
                lambda logits, labels: F.cross_entropy(logits, labels, reduction=reduction),
                {'logits': x, 'labels': labels},
                {'reduction': reduction},
            )


def matrices():
    # case: shapes of a and b, with numpy's broadcasting of the batch axes
    cases = {
        'matrices': ([3, 4], [4, 5]),
        'batched': ([2, 3, 4], [2, 4, 5]),
        'shared-b': ([2, 6, 3, 4], [4, 5]),
        'shared-a': ([3, 4], [2, 4, 5]),
        'broadcast': ([2, 1, 3, 4], [1, 3, 4, 2]),
        'broadcast-rank': ([3, 3, 4], [2, 1, 4, 5]),
        'broadcast-ones': ([1, 3, 4], [5, 4, 2]),
    }
    for case, (a, b) in cases.items():
        add('matrix', f'matmul-{case}', 'MatMul', torch.matmul, {'a': tensor(*a), 'b': tensor(*b)})
    for case, shape in {'matrix': [5, 4], 'tokens': [2, 3, 4]}.items():
        add(
            'matrix',
            f'linear-{case}',
            'linear',
            F.linear,
            {'x': tensor(*shape), 'weight': tensor(6, 4), 'bias': tensor(6)},
        )
    for case, shape, axis, indices in (
        ('rows', [6, 4], 0, [[0, 5, 5], [2, 0, 5]]),
        ('columns', [3, 5], 1, [4, 4, 0]),
        ('middle', [2, 4, 3], 1, [[1, 1], [3, 0]]),
    ):
        add(
            'matrix',
            f'gather-{case}',
            'Gather',
            lambda x, indices: x.index_select(axis, indices.flatten()).unflatten(axis, indices.shape),
            {'x': tensor(*shape), 'indices': torch.tensor(indices)},
            {'axis': axis},
        )


def attentions():
    for case, (batch, tokens, features, heads) in {'one-head': (2, 3, 4, 1), 'heads': (2, 5, 8, 4)}.items():

        def attend(x, in_proj_weight, in_proj_bias, out_proj_weight, out_proj_bias):
            x = x.transpose(0, 1)
            y, _ = F.multi_head_attention_forward(
                x, x, x, features, heads, in_proj_weight, in_proj_bias, None, None, False, 0.0,
                out_proj_weight, out_proj_bias, need_weights=False,
            )  # fmt: skip
            return y.transpose(0, 1)

        add(
            'attention',
            case,
            'selfAttention',
            attend,
            {
                'x': tensor(batch, tokens, features),
                'in_proj_weight': 0.5 * tensor(3 * features, features),
                'in_proj_bias': tensor(3 * features),
                'out_proj_weight': 0.5 * tensor(features, features),
                'out_proj_bias': tensor(features),
            },
            {'num_heads': heads},
        )


if __name__ == '__main__':
    FOLDER.mkdir(parents=True, exist_ok=True)
    for make in (convolutions, pools, norms, activations, losses, matrices, attentions):
        torch.manual_seed(zlib.crc32(make.__name__.encode()))
        make()
    for family, tensors in families.items():
        (FOLDER / f'ops-{family}.safetensors').write_bytes(save(tensors))
    lines = ',\n'.join(json.dumps(entry) for entry in index)
    (FOLDER / 'ops.json').write_text(f'[\n{lines}\n]\n')
    print(f'{len(index)} cases in {len(families)} families')
