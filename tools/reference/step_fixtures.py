"""Writes test/fixtures/torch/<case>.safetensors and .json: what PyTorch computes in ten training steps of tiny nets.

    python tools/reference/step_fixtures.py [CASE ...]

README.md beside this file describes the layout. A seed is skipped where rounding alone, in a float32 run and in runs
from a state with noise in its last bits, strays from the float64 run by a fifth of what the tests allow (a ReLU or a
maximum that tips over): such a case would measure rounding and not the graph. With unlabelled images a seed is skipped,
too, where in one of the steps none or all of them count, or a probability is close to the threshold or to a tie.
"""

import json
import sys
import zlib
from pathlib import Path

import numpy as np
import torch
from optimizers import (
    average_state,
    average_step,
    load_optimizer_state,
    make_average,
    make_optimizer,
    optimizer_state,
    train_step,
)
from safetensors.numpy import save
from selfie_torch import build, copy_into, load_model_state, model_state

FOLDER = Path(__file__).resolve().parents[2] / 'test/fixtures/torch'
STEPS = 10
# What the tests allow: the first loss relative, a state's first update relative to its norm, the last loss relative.
FIRST_LOSS, FIRST_STATE, LAST_LOSS = 1e-5, 1e-4, 1e-3
# Between the threshold and a largest probability, between the two largest, at least.
CLEARANCE = 1e-4


def recipe(
    task,
    image=32,
    patch=8,
    hidden=0.25,
    network=None,
    pooling=None,
    position=None,
    optimizer=None,
    batch=3,
    precision='exact',
    **sections,
):
    """A recipe with every key that PyTorch's side reads; `sections` are those that few cases have."""
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
        **sections,
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
    # each patch through the encoder by itself, as in pretraining
    'finetune-hybrid-patches': (
        recipe(
            'finetune',
            16,
            network={'stages': [1, 1], 'globalPool': 'attention', 'tokens': 'patches'},
            pooling={'heads': 4},
            batch=5,
        ),
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
    # an odd batch: the image in the middle is its own partner
    'finetune-mixup-smoothing-average': (
        recipe(
            'finetune',
            16,
            network={'version': 'v1', 'stages': [1, 1]},
            optimizer={'name': 'adamw', 'weightDecay': 0.05, 'decayAll': False},
            batch=5,
            regularize={'labelSmoothing': 0.1, 'mixup': 0.8},
            average={'decay': 0.3},
        ),
        0.002,
    ),
    'finetune-consistency-average': (
        recipe(
            'finetune',
            16,
            network={'stages': [1, 1], 'classes': 10},
            batch=4,
            regularize={'labelSmoothing': 0.2, 'mixup': 0},
            consistency={'ratio': 3, 'weight': 0.7, 'threshold': 0.45},
            average={'decay': 0.3},
        ),
        0.01,
    ),
}


def option(settings, section, key):
    """0 where the recipe does not have it."""
    return settings.get(section, {}).get(key, 0)


def initial_state(settings):
    """Float32 parameters, statistics, optimizer state and averages, none of them trivial (0, 1, equal) throughout."""
    state = whole_state(settings, *make(settings, torch.float32))
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
        elif name.endswith('fc.weight') and option(settings, 'consistency', 'ratio') > 0:
            value.mul_(8)  # some answers sure, some not
        elif value.ndim == 1:
            value.copy_((1.0 if name.endswith('.weight') else 0.0) + 0.1 * noise)
        elif name.startswith('ema.'):
            value.add_(0.02 * noise)
    return {name: value.detach().clone() for name, value in state.items()}


def draw_batch(settings):
    b, size = settings['batch'], settings['image']['size']
    batch = {'images': torch.randint(0, 256, (b, size, size, 3), dtype=torch.uint8)}
    if settings['task'] == 'finetune':
        batch['labels'] = torch.randint(0, settings['network']['classes'], (b,))
        unlabelled = b * option(settings, 'consistency', 'ratio')
        colours = torch.randint(0, 193, (unlabelled, 1, 1, 3))
        for name in ('unlabelled_weak', 'unlabelled_strong') if unlabelled else ():
            batch[name] = (colours + torch.randint(0, 64, (unlabelled, size, size, 3))).to(torch.uint8)
    else:
        patches = (size // settings['patch']['size']) ** 2
        batch['patch_order'] = torch.stack([torch.randperm(patches) for _ in range(b)])
    return batch


def draw_scalars(settings, peak):
    """What the scalar inputs of a training step are fed with, ten numbers each."""
    scalars = {'learning_rate': [peak * min(1, (step + 1) / 4) for step in range(STEPS)]}
    mixup, decay = option(settings, 'regularize', 'mixup'), option(settings, 'average', 'decay')
    if mixup > 0:
        scalars['mixup_weight'] = torch.distributions.Beta(mixup, mixup).sample((STEPS,)).tolist()
    if decay > 0:
        scalars['average_decay'] = [min(decay, (1 + step) / (10 + step)) for step in range(STEPS)]
    return {name: [float(np.float32(value)) for value in values] for name, values in scalars.items()}


def make(settings, dtype):
    """A model, an optimizer and a moving average (or None) of `dtype`."""
    model = build(settings, dtype)
    average = make_average(model) if option(settings, 'average', 'decay') > 0 else None
    return model, make_optimizer(model, settings), average


def whole_state(settings, model, optimizer, average):
    """All of the state by our names; the tensors are those of the three."""
    averages = average_state(average) if average else {}
    return {**model_state(model), **optimizer_state(model, optimizer, settings), **averages}


def load(settings, state, dtype):
    """A model, an optimizer and a moving average of `dtype` that hold `state`."""
    model, optimizer, average = make(settings, dtype)
    part = {'': {}, 'optim': {}, 'ema': {}}
    for name, value in state.items():
        prefix = name.split('.')[0]
        part[prefix if prefix in part else ''][name] = value
    load_model_state(model, part[''])
    load_optimizer_state(model, optimizer, settings, part['optim'])
    copy_into(average_state(average) if average else {}, part['ema'])
    return model, optimizer, average


def clearance(model, batch):
    """How far the unlabelled images are from counting otherwise; 0 where none or all of them count."""
    if 'unlabelled_weak' not in batch:
        return float('inf')
    first, second = model.weak_probabilities(batch).topk(2, 1).values.T
    beyond = first - model.recipe['consistency']['threshold']
    mixed = (beyond > 0).any() and (beyond < 0).any()
    return min(beyond.abs().min(), (first - second).min()).item() if mixed else 0.0


class Run:
    """Ten steps.

    `first` is the state after one of them, in float64; `metrics` are lists with a value a step; `averaged_loss` is the
    loss of each example by the moving average in the end; `clearance` is the smallest of all steps.
    """

    def __init__(self, settings, state, batch, scalars, dtype):
        model, optimizer, average = load(settings, state, dtype)
        self.metrics, self.first, self.averaged_loss, self.clearance = {}, {}, [], float('inf')
        for step in range(STEPS):
            now = {name: values[step] for name, values in scalars.items()}
            self.clearance = min(self.clearance, clearance(model, batch))
            weight = {'mixup_weight': torch.tensor(now['mixup_weight'], dtype=dtype)} if 'mixup_weight' in now else {}
            metrics = train_step(model, optimizer, settings, {**batch, **weight}, now['learning_rate'])
            for name, value in metrics.items():
                self.metrics.setdefault(name, []).append(value)
            if average:
                average_step(average, model, now['average_decay'])
            if not self.first:
                both = whole_state(settings, model, optimizer, average)
                self.first = {name: value.double().clone() for name, value in both.items()}
        if average:
            with torch.no_grad():
                self.averaged_loss = average.module.eval()(batch)['loss'].tolist()


def evaluate(settings, state, batch):
    """Per-example metrics and predictions of the initial state with running statistics, in float64."""
    model, _, average = load(settings, state, torch.float64)
    model = (average.module if average else model).eval()
    with torch.no_grad():
        images = model.normalize(batch['images'])
        outputs = {**model(batch), 'embedding': model.embed(images)}
        return {**outputs, 'pooled': model.pooled(images)} if settings['task'] == 'pretrain' else outputs


def stray(run, truth):
    """How far a run lies from the truth, in parts of the tests' tolerances (1 = just allowed), the largest of all."""
    losses = [abs(a - b) / abs(b) for a, b in zip(run.metrics['loss'], truth.metrics['loss'])]
    later = losses + [abs(a - b) / abs(b) for a, b in zip(run.averaged_loss, truth.averaged_loss)]
    states = [((run.first[k] - v).norm() / v.norm()).item() for k, v in truth.first.items()]
    counts = ('accuracy', 'accuracy_top5', 'confident')
    same = all(np.allclose(run.metrics[k], truth.metrics[k], 0, 1e-6) for k in counts if k in truth.metrics)
    return max(losses[0] / FIRST_LOSS, max(states) / FIRST_STATE, max(later) / LAST_LOSS) if same else float('inf')


def draw(case, seed):
    """The tensors and the index of a case from one seed, and how far float32 rounding strays in it."""
    settings, peak = CASES[case]
    torch.manual_seed(zlib.crc32(f'{case}/{seed}'.encode()))
    state, batch = initial_state(settings), draw_batch(settings)
    scalars = draw_scalars(settings, peak)
    f32, f64 = (Run(settings, state, batch, scalars, dtype) for dtype in (torch.float32, torch.float64))
    strays = [stray(f32, f64) if f64.clearance > CLEARANCE else float('inf')]
    for _ in range(4):
        rounded = {k: v.double() * (1 + 2e-7 * torch.randn(v.shape, dtype=torch.float64)) for k, v in state.items()}
        strays.append(stray(Run(settings, rounded, batch, scalars, torch.float64), f64))
    tensors = {f'initial/{k}': v for k, v in state.items()}
    tensors |= {f'batch/{k}': v for k, v in batch.items()}
    tensors |= {f'f32/{k}': v.float() for k, v in f32.first.items()}
    tensors |= {f'f64/{k}': v.float() for k, v in f64.first.items()}
    tensors |= {f'eval/{k}': v.float() for k, v in evaluate(settings, state, batch).items()}
    arrays = {k: v.detach().contiguous().numpy() for k, v in tensors.items()}
    index = {'recipe': settings, 'learningRates': scalars.pop('learning_rate')}
    index |= {'scalars': scalars} if scalars else {}
    index |= {'f32': f32.metrics, 'f64': f64.metrics}
    index |= {'averagedLoss': f64.averaged_loss} if f64.averaged_loss else {}
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
