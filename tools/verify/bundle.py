"""Trains a bundle with stock ONNX Runtime by its manifest alone and compares it with PyTorch.

    python tools/verify/bundle.py DIR [--steps 3] [--learning-rate 3e-6] [--seed 0] [--without-pytorch]

DIR is what `selfie build-graph --out DIR` wrote. Checked, on random images:
  - onnx.checker with full shape inference passes on every file, and its ports are the manifest's;
  - train-loop.onnx, and grad.onnx followed by apply.onnx, do what train.onnx does;
  - metrics, the state after the first step, eval.onnx and encoder.onnx agree with selfie_torch.py (dropout 0 only).
PyTorch in float64 is the truth. The tolerance is a fixed one or three times the distance of PyTorch's own float32 run
from the truth, whichever is larger: deep nets at their start amplify rounding, and at a high learning rate
the losses of any two float32 runs part within a few steps; hence the low default.
Needs onnx, onnxruntime, safetensors, torch. Exits 1 after a line for every disagreement.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from safetensors.numpy import load_file

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'reference'))
from optimizers import (  # noqa: E402
    average_state,
    average_step,
    load_optimizer_state,
    make_average,
    make_optimizer,
    optimizer_state,
    train_step,
)
from selfie_torch import build, load_model_state, model_state  # noqa: E402

SAME = 1e-4  # train, train-loop and grad + apply against each other
FIRST_LOSS, LATER_LOSS, STATE, PREDICTION = 1e-5, 1e-3, 1e-4, 1e-4  # against PyTorch
ELEMENT_TYPES = {'float32': 1, 'uint8': 2, 'uint16': 4, 'int64': 7}
failures = []


def report(passed, line):
    print(('ok    ' if passed else 'FAIL  ') + line, flush=True)
    if not passed:
        failures.append(line)


def stop_on_failures(directory):
    if failures:
        raise SystemExit(f'{directory}: {len(failures)} disagreement(s), first: {failures[0]}')


def distance(value, truth):
    """|value - truth| / |truth|, not divided where the truth is 0; infinite for another shape or what is no number."""
    value, truth = np.asarray(value, np.float64), np.asarray(truth, np.float64)
    if value.shape != truth.shape or not np.isfinite(value).all():
        return float('inf')
    norm = np.linalg.norm(truth)
    return float(np.linalg.norm(value - truth) / (norm if norm > 0 else 1))


def distances(values, truths):
    """name -> distance, for every name of the truth."""
    return {name: distance(values[name], truth) if name in values else float('inf') for name, truth in truths.items()}


def compare(what, values, truths, allowed):
    """Reports the largest distance of several arrays."""
    found = distances(values, truths)
    worst = max(found, key=found.get)
    report(found[worst] <= allowed, f'{what}: {found[worst]:.1e} of {allowed:.1e} allowed ({worst})')


def compare_with_torch(what, values, truths, torch32, allowed):
    """Reports the median and the largest distance from PyTorch's float64 of several arrays."""
    ours, theirs = distances(values, truths), distances(torch32, truths)
    for name, of in {'median': np.median, 'largest': np.max}.items():
        mine, yardstick = (float(of(list(found.values()))) for found in (ours, theirs))
        limit = max(allowed, 3 * yardstick)
        where = f' ({max(ours, key=ours.get)})' if name == 'largest' else ''
        line = f"{what}, {name}: {mine:.1e} of {limit:.1e} allowed, PyTorch's float32 has {yardstick:.1e}{where}"
        report(mine <= limit, line)


class Graph:
    """One file of the bundle: checked, loaded, run by port names."""

    def __init__(self, folder, name, contract):
        path = folder / contract['file']
        self.name, self.contract = name, contract
        try:
            onnx.checker.check_model(str(path), full_check=True)
        except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
            raise SystemExit(f'FAIL  {path}: onnx.checker: {" ".join(str(error).split())}') from None
        report(True, f'{name}: onnx.checker')
        graph = onnx.load(path, load_external_data=False).graph
        for side, ports in (('inputs', graph.input), ('outputs', graph.output)):
            actual = {p.name: describe(p.type.tensor_type) for p in ports}
            wanted = {p['name']: (ELEMENT_TYPES[p['dtype']], p['shape']) for p in contract[side]}
            wrong = sorted(k for k in actual.keys() | wanted.keys() if actual.get(k) != wanted.get(k))
            report(not wrong, f"{name}: {side} are the manifest's{': ' if wrong else ''}{', '.join(wrong[:5])}")
        self.session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])

    def ports(self, side, *roles):
        return [p for p in self.contract[side] if p['role'] in roles]

    def run(self, values):
        """All outputs by name; `values` may hold more than the graph takes."""
        names = [p['name'] for p in self.contract['outputs']]
        feeds = {p['name']: values[p['name']] for p in self.contract['inputs']}
        return dict(zip(names, self.session.run(names, feeds)))

    def next_state(self, outputs):
        return {p['replaces']: outputs[p['name']] for p in self.ports('outputs', 'state')}

    def metrics(self, outputs):
        return {p['name']: outputs[p['name']] for p in self.ports('outputs', 'metric')}


def describe(tensor_type):
    dims = [d.dim_param if d.HasField('dim_param') else d.dim_value for d in tensor_type.shape.dim]
    return tensor_type.elem_type, dims


def draw_inputs(graph, recipe, random):
    """Random values for a training graph's `batch` and `random` ports."""
    values = {}
    for port in graph.ports('inputs', 'batch', 'random'):
        name, shape = port['name'], port['shape']
        if name in ('images', 'unlabelled_weak', 'unlabelled_strong'):
            dtype = np.dtype(port['dtype'])
            values[name] = random.integers(0, np.iinfo(dtype).max + 1, shape, dtype)
        elif name == 'labels':
            values[name] = random.integers(0, recipe['network']['classes'], shape)
        elif name == 'patch_order':
            values[name] = random.permuted(np.tile(np.arange(shape[1]), (shape[0], 1)), axis=1)
        elif name == 'dropout_seed':
            values[name] = np.asarray(random.integers(0, 2**31), np.int64)
        elif name == 'mixup_weight':
            values[name] = np.asarray(random.uniform(), np.float32)
        else:
            raise SystemExit(f'{graph.name}: unknown {port["role"]} port {name}')
    return values


def train(graphs, state, inputs):
    """Each step by running `graphs` one after the other; (list of metrics, list of states)."""
    metrics, states = [], []
    for values in inputs:
        values, found, after = {**values, **state}, {}, dict(state)
        for graph in graphs:
            outputs = graph.run(values)
            values |= {p['name']: outputs[p['name']] for p in graph.ports('outputs', 'gradient')}
            found |= graph.metrics(outputs)
            after |= graph.next_state(outputs)
        state = after
        metrics.append(found)
        states.append(state)
    return metrics, states


def train_torch(recipe, state, inputs, dtype):
    """(list of metrics, state after the first step, eval outputs of the initial state on the first inputs)."""
    model = build(recipe, dtype)
    optimizer = make_optimizer(model, recipe)
    load_model_state(model, {k: v for k, v in state.items() if not k.startswith(('optim.', 'ema.'))})
    load_optimizer_state(model, optimizer, recipe, {k: v for k, v in state.items() if k.startswith('optim.')})
    # at the start the average is the model itself
    average = make_average(model) if recipe['average']['decay'] > 0 else None
    scalars = ('learning_rate', 'average_decay')
    batches = [{k: torch.from_numpy(v) for k, v in values.items() if k not in scalars} for values in inputs]
    with torch.no_grad():
        evaluated = model.eval()(batches[0])
        images = model.normalize(batches[0]['images'])
        evaluated['embedding'] = model.embed(images)
        if recipe['task'] == 'pretrain':
            evaluated['pooled'] = model.pooled(images)
    model.train()
    metrics, first = [], None
    for values, batch in zip(inputs, batches):
        metrics.append(train_step(model, optimizer, recipe, batch, float(values['learning_rate'])))
        if average:
            average_step(average, model, float(values['average_decay']))
        if first is None:
            averages = average_state(average) if average else {}
            now = {**model_state(model), **optimizer_state(model, optimizer, recipe), **averages}
            first = {k: v.double().numpy().copy() for k, v in now.items()}
    return metrics, first, {k: v.double().numpy() for k, v in evaluated.items()}


def check_graphs(graphs, state, inputs):
    """The three ways of training against each other; returns train.onnx's metrics and states."""
    metrics, states = train([graphs['train']], state, inputs)
    stacked = {k: np.stack([values[k] for values in inputs]) for k in inputs[0]}
    outputs = graphs['train-loop'].run({**stacked, **state})
    looped = graphs['train-loop'].metrics(outputs)
    together = {k: np.stack([m[k] for m in metrics]) for k in metrics[0]}
    compare(f'train-loop equals {len(inputs)} steps, metrics', looped, together, SAME)
    compare('train-loop equals train, state', {**state, **graphs['train-loop'].next_state(outputs)}, states[-1], SAME)
    cut_metrics, cut_states = train([graphs['grad'], graphs['apply']], state, inputs[:1])
    compare('grad + apply equals train, metrics', cut_metrics[0], metrics[0], SAME)
    compare('grad + apply equals train, state', cut_states[0], states[0], SAME)
    return metrics, states


def check_torch(graphs, recipe, state, inputs, metrics, states):
    truth, truth_state, truth_eval = train_torch(recipe, state, inputs, torch.float64)
    torch32, state32, eval32 = train_torch(recipe, state, inputs, torch.float32)
    for step, (ours, right, other) in enumerate(zip(metrics, truth, torch32)):
        limit = max(FIRST_LOSS if step == 0 else LATER_LOSS, 3 * distance(other['loss'], right['loss']))
        compare(f"loss of step {step + 1} is PyTorch's ({right['loss']:.6f})", ours, {'loss': right['loss']}, limit)
    same = [k for k in truth[0] if k in metrics[0] and k != 'loss']
    first = {k: truth[0][k] for k in same}
    limit = max(SAME, 3 * max(distances(torch32[0], first).values()))
    compare("further metrics of step 1 are PyTorch's", metrics[0], first, limit)
    compare_with_torch('state after step 1', states[0], truth_state, state32, STATE)
    moved = {k: v - state[k] for k, v in truth_state.items()}
    compare_with_torch(
        'change of the state in step 1',
        {k: v.astype(np.float64) - state[k] for k, v in states[0].items()},
        moved,
        {k: v - state[k] for k, v in state32.items()},
        10 * STATE,
    )
    outputs = graphs['eval'].run({**inputs[0], **state})
    wanted = {p['name'] for p in graphs['eval'].ports('outputs', 'metric', 'prediction')} & truth_eval.keys()
    compare_with_torch('eval', outputs, *({k: e[k] for k in wanted} for e in (truth_eval, eval32)), PREDICTION)
    few = min(3, len(inputs[0]['images']))  # another batch size than the training's
    outputs = graphs['encoder'].run({**state, 'images': inputs[0]['images'][:few]})
    wanted = [p['name'] for p in graphs['encoder'].ports('outputs', 'prediction')]
    truths = ({k: e[k][:few] for k in wanted} for e in (truth_eval, eval32))
    compare_with_torch(f'encoder on {few} images', outputs, *truths, PREDICTION)


def main():
    parser = argparse.ArgumentParser(description='Compares a bundle, run by stock ONNX Runtime, with PyTorch.')
    parser.add_argument('directory', type=Path)
    parser.add_argument('--steps', type=int, default=3)
    parser.add_argument('--learning-rate', type=float, default=3e-6)
    parser.add_argument('--seed', type=int, default=0, help='of the images')
    parser.add_argument('--without-pytorch', action='store_true', help='compare the graphs with each other only')
    args = parser.parse_args()
    folder = args.directory if (args.directory / 'manifest.json').exists() else args.directory / 'graph'
    manifest = json.loads((folder / 'manifest.json').read_text())
    recipe = manifest['recipe']
    graphs = {name: Graph(folder, name, contract) for name, contract in manifest['graphs'].items()}
    state = load_file(folder / manifest['initialState'])
    listed = {entry['name']: tuple(entry['shape']) for entry in manifest['state']}
    report(listed == {k: v.shape for k, v in state.items()}, f'{manifest["initialState"]}: holds the state listed')
    stop_on_failures(args.directory)  # nothing below can run on another contract

    random = np.random.default_rng(args.seed)
    inputs = [draw_inputs(graphs['train'], recipe, random) for _ in range(args.steps)]
    for values in inputs:
        values['learning_rate'] = np.asarray(args.learning_rate, np.float32)
        values['average_decay'] = np.asarray(recipe['average']['decay'] / 2, np.float32)
    metrics, states = check_graphs(graphs, state, inputs)
    if recipe['task'] == 'pretrain' and recipe['pooling']['dropout'] > 0:
        print('      PyTorch not compared: its dropout draws other numbers; build with --set pooling.dropout=0')
    elif not args.without_pytorch:
        try:
            check_torch(graphs, recipe, state, inputs, metrics, states)
        except ValueError as error:  # the state is not the PyTorch model's
            report(False, str(error))
    stop_on_failures(args.directory)
    print(f'{args.directory}: all checks passed')


if __name__ == '__main__':
    main()
