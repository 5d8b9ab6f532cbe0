"""Writes test/fixtures/torch/<case>.safetensors and .json: what PyTorch computes in ten training steps of tiny nets.

    python tools/reference/step_fixtures.py [CASE ...]

README.md beside this file describes the layout. A seed is skipped where rounding alone, in a float32 run and in runs
from a state with noise in its last bits, strays from the float64 run by a fifth of what the tests allow (a ReLU or a
maximum that tips over): such a case would measure rounding and not the graph.
"""

import json
import sys
import zlib
from pathlib import Path

import numpy as np
import torch
from optimizers import load_optimizer_state, make_optimizer, optimizer_state, train_step
from safetensors.numpy import save
from selfie_torch import build, load_model_state, model_state

FOLDER = Path(__file__).resolve().parents[2] / 'test/fixtures/torch'
STEPS = 10
# What the tests allow: the first loss relative, a state's first update relative to its norm, the last loss relative.
FIRST_LOSS, FIRST_STATE, LAST_LOSS = 1e-5, 1e-4, 1e-3


def recipe(task, image=32, patch=8, hidden=0.25, network=None, pooling=None, position=None, optimizer=None, batch=3, precision='exact'):
    """A recipe with every key that PyTorch's side reads."""
    return {
        'task': task,
        'image': {'size': image, 'channels': 3, 'mean': [0.4914, 0.4822, 0.4465], 'std': [0.247, 0.2435, 0.2616]},
        'patch': {'size': patch, 'hidden': hidden},
        'network': {
            'version': 'v2',
            'stages': [1, 1, 1],
            'width': 4,
            'stem': 'cifar',
            'classes': 7,
            'finalNorm': True,
            **(network or {}),
        },
        'pooling': {'layers': 1, 'heads': 4, 'feedForward': 24, 'dropout': 0, 'scaleLogits': False, **(pooling or {})},
        'position': {'kind': 'table', 'onVisible': True, **(position or {})},
        'batch': batch,
        'optimizer': {
            'name': 'sgd',
            'momentum': 0.9,
            'nesterov': True,
            'weightDecay': 1e-3,
            'decayAll': True,
            'beta1': 0.9,
            'beta2': 0.999,
            'epsilon': 1e-8,
            'trust': 0.001,
            'clipNorm': 0,
            **(optimizer or {}),
        },
        'precision': precision,
        'provider': 'cpu',
    }


# case -> (recipe, peak learning rate)
CASES = {
    'pretrain-v2': (recipe('pretrain', position={'kind': 'rowColumn'}), 0.02),
    'pretrain-v1': (
        recipe(
            'pretrain',
            network={'version': 'v1'},
            pooling={'scaleLogits': True, 'heads': 8},
            position={'onVisible': False},
        ),
        0.02,
    ),
    'pretrain-imagenet-stem': (
        recipe(
            'pretrain',
            64,
            32,
            0.5,
            network={'stem': 'imagenet', 'stages': [1, 1], 'finalNorm': False},
            pooling={'layers': 2},
            batch=4,
        ),
        0.02,
    ),
    'pretrain-two-blocks': (
        recipe(
            'pretrain',
            24,
            network={'stages': [2, 1]},
            pooling={'heads': 2},
            optimizer={'nesterov': False},
            batch=5,
        ),
        0.02,
    ),
    'pretrain-adamw': (
        recipe(
            'pretrain',
            network={'stages': [1, 1]},
            optimizer={'name': 'adamw', 'weightDecay': 0.05, 'decayAll': False},
        ),
        0.002,
    ),
    'finetune-v2': (recipe('finetune', 19, network={'stages': [1, 1, 1, 1]}, batch=5), 0.02),
    'finetune-v1': (recipe('finetune', 33, network={'version': 'v1', 'stem': 'imagenet', 'width': 8}, batch=6), 0.02),
    # wide enough for what `precision: fast` adds: Winograd F(4x4), Gram matrices
    'finetune-wide': (
        recipe('finetune', network={'version': 'v1', 'stages': [1, 1], 'width': 16}, batch=8, precision='fast'),
        0.02,
    ),
    'finetune-hybrid': (
        recipe('finetune', 16, network={'stages': [1, 1], 'globalPool': 'attention'}, pooling={'heads': 4}, batch=5),
        0.02,
    ),
    'finetune-lars': (
        recipe(
            'finetune',
            15,
            network={'stages': [2, 1]},
            optimizer={'name': 'lars', 'trust': 0.02, 'clipNorm': 0.5, 'decayAll': False},
            batch=6,
        ),
        0.5,
    ),
}


def initial_state(settings):
    """Float32 parameters, statistics and optimizer state, none of them trivial (0 or 1) throughout."""
    model = build(settings)
    optimizer = make_optimizer(model, settings)
    state = {**model_state(model), **optimizer_state(model, optimizer, settings)}
    for name, value in state.items():
        noise = torch.randn_like(value)
        if name == 'optim.step':
            value.fill_(3)
        elif name.startswith('optim.exp_avg_sq.') or name.endswith('.running_var'):
            value.copy_((0.5 + torch.rand_like(value)) * (1e-4 if name.startswith('optim.') else 1))
        elif name.startswith('optim.'):
            value.copy_(0.01 * noise)
        elif name.startswith('position.') or name.endswith('.u0'):
            value.copy_(0.2 * noise)
        elif value.ndim == 4:
            value.copy_(noise * (2 / value[0].numel()) ** 0.5)
        elif value.ndim == 1:
            value.copy_((1.0 if name.endswith('.weight') else 0.0) + 0.1 * noise)
    return {name: value.detach().clone() for name, value in state.items()}


def draw_batch(settings):
    b, size = settings['batch'], settings['image']['size']
    batch = {'images': torch.randint(0, 256, (b, size, size, 3), dtype=torch.uint8)}
    if settings['task'] == 'finetune':
        batch['labels'] = torch.randint(0, settings['network']['classes'], (b,))
    else:
        patches = (size // settings['patch']['size']) ** 2
        batch['patch_order'] = torch.stack([torch.randperm(patches) for _ in range(b)])
    return batch


def load(settings, state, dtype):
    """A model and an optimizer of `dtype` that hold `state`."""
    model = build(settings, dtype)
    optimizer = make_optimizer(model, settings)
    load_model_state(model, {k: v for k, v in state.items() if not k.startswith('optim.')})
    load_optimizer_state(model, optimizer, settings, {k: v for k, v in state.items() if k.startswith('optim.')})
    return model, optimizer


def train(settings, state, batch, rates, dtype):
    """(state after the first step in float64, metrics as a list a step)."""
    model, optimizer = load(settings, state, dtype)
    metrics, first = {}, {}
    for rate in rates:
        for name, value in train_step(model, optimizer, settings, batch, rate).items():
            metrics.setdefault(name, []).append(value)
        if not first:
            both = {**model_state(model), **optimizer_state(model, optimizer, settings)}
            first = {name: value.double().clone() for name, value in both.items()}
    return first, metrics


def evaluate(settings, state, batch):
    """Per-example metrics and predictions of the initial state with running statistics, in float64."""
    model, _ = load(settings, state, torch.float64)
    model.eval()
    with torch.no_grad():
        images = model.normalize(batch['images'])
        outputs = {**model(batch), 'embedding': model.embed(images)}
        return {**outputs, 'pooled': model.pooled(images)} if settings['task'] == 'pretrain' else outputs


def stray(run, truth):
    """How far a run lies from the truth, in parts of the tests' tolerances (1 = just allowed), the largest of all."""
    (state, metrics), (true_state, true_metrics) = run, truth
    losses = [abs(a - b) / abs(b) for a, b in zip(metrics['loss'], true_metrics['loss'])]
    states = [((state[k] - v).norm() / v.norm()).item() for k, v in true_state.items()]
    same = np.allclose(metrics['accuracy'], true_metrics['accuracy'], 0, 1e-6)
    return max(losses[0] / FIRST_LOSS, max(states) / FIRST_STATE, max(losses) / LAST_LOSS) if same else float('inf')


def draw(case, seed):
    """The tensors and the index of a case from one seed, and how far float32 rounding strays in it."""
    settings, peak = CASES[case]
    torch.manual_seed(zlib.crc32(f'{case}/{seed}'.encode()))
    state, batch = initial_state(settings), draw_batch(settings)
    rates = [float(np.float32(peak * min(1, (step + 1) / 4))) for step in range(STEPS)]
    f32, f64 = (train(settings, state, batch, rates, dtype) for dtype in (torch.float32, torch.float64))
    strays = [stray(f32, f64)]
    for _ in range(4):
        rounded = {k: v.double() * (1 + 2e-7 * torch.randn(v.shape, dtype=torch.float64)) for k, v in state.items()}
        strays.append(stray(train(settings, rounded, batch, rates, torch.float64), f64))
    tensors = {f'initial/{k}': v for k, v in state.items()}
    tensors |= {f'batch/{k}': v for k, v in batch.items()}
    tensors |= {f'f32/{k}': v.float() for k, v in f32[0].items()}
    tensors |= {f'f64/{k}': v.float() for k, v in f64[0].items()}
    tensors |= {f'eval/{k}': v.float() for k, v in evaluate(settings, state, batch).items()}
    arrays = {k: v.detach().contiguous().numpy() for k, v in tensors.items()}
    index = {'recipe': settings, 'learningRates': rates, 'f32': f32[1], 'f64': f64[1]}
    return arrays, index, max(strays)


def write(case):
    for seed in range(20):
        arrays, index, worst = draw(case, seed)
        if worst < 0.2:
            break
    else:
        raise SystemExit(f'{case}: ill-conditioned for every seed, float32 strays {worst:.2f} of the tolerances')
    data, losses = save(arrays), index['f64']['loss']
    (FOLDER / f'{case}.safetensors').write_bytes(data)
    (FOLDER / f'{case}.json').write_text(json.dumps(index, indent=1) + '\n')
    print(
        f'{case}: seed {seed}, {len(data) // 1000} kB, loss {losses[0]:.4f} -> {losses[-1]:.4f}, '
        f'rounding strays {worst:.3f} of the tolerances'
    )


if __name__ == '__main__':
    torch.set_num_threads(1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or CASES:
        write(name)
