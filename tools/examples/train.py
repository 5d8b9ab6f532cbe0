"""Trains a bundle of selfie-onnx by its manifest.json alone: onnxruntime, numpy and safetensors, nothing else.

    python train.py BUNDLE BATCHES [--steps 100] [--seed 0] [--out checkpoint.safetensors]

BATCHES is an .npz or .safetensors file: for every batch input one array with a leading axis over the steps (images uint8 or uint16
[N, B, H, W, C], patch_order int64 [N, B, n], ...); or a folder of such files without that axis, a step each, by name. They
are taken in turn. Where it also has random or hyper inputs (dropout_seed, learning_rate, ...), those are taken too.
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np
import onnxruntime
from safetensors.numpy import load_file, save_file


def load(file):
    return load_file(file) if file.suffix == '.safetensors' else dict(np.load(file))


def scalars(recipe, step, steps, random):
    """What the manifest's random and hyper inputs are, for the update that follows `step` finished ones."""
    schedule, mixup = recipe['schedule'], recipe['regularize']['mixup']
    warmup = min(schedule['warmupSteps'], steps // 10)
    rate = {'cosine': (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2, 'constant': 1.0}
    rate['step'] = schedule['factor'] ** sum(step >= at * steps for at in schedule['milestones'])
    factor = (step + 1) / warmup if step < warmup else rate[schedule['kind']]
    average = min(recipe['average']['decay'], (1 + step) / (10 + step))
    drawn = {'dropout_seed': random.integers(2**31), 'mixup_weight': random.beta(mixup, mixup) if mixup else 1}
    return {**drawn, 'learning_rate': schedule['peak'] * factor, 'average_decay': average}


parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
parser.add_argument('bundle', type=Path)
parser.add_argument('batches', type=Path)
parser.add_argument('--steps', type=int, default=100)
parser.add_argument('--seed', type=int, default=0)
parser.add_argument('--out', type=Path, default=Path('checkpoint.safetensors'))
args = parser.parse_args()
manifest = json.loads((args.bundle / 'manifest.json').read_text())
train, state = manifest['graphs']['train'], load_file(args.bundle / manifest['initialState'])
session = onnxruntime.InferenceSession(str(args.bundle / train['file']), providers=['CPUExecutionProvider'])
random = np.random.default_rng(args.seed)
files = sorted(args.batches.iterdir()) if args.batches.is_dir() else []
stacked = {} if files else load(args.batches)
names = [p['name'] for p in train['outputs']]
metrics = [p['name'] for p in train['outputs'] if p['role'] == 'metric']
for step in range(args.steps):
    given = load(files[step % len(files)]) if files else {k: v[step % len(v)] for k, v in stacked.items()}
    values = {**scalars(manifest['recipe'], step, args.steps, random), **given, **state}
    feeds = {p['name']: np.asarray(values[p['name']], p['dtype']) for p in train['inputs']}
    outputs = dict(zip(names, session.run(names, feeds)))
    state |= {p['replaces']: outputs[p['name']] for p in train['outputs'] if p['role'] == 'state'}
    print(json.dumps({'step': step + 1, **{name: float(outputs[name]) for name in metrics}}))
save_file(state, args.out, {'step': str(args.steps)})
