"""Compares a mixed-precision bundle's loss and gradients with PyTorch's float16 autocast.

    python tools/verify/mixed.py DIR [--seed 0] [--scale 256]

DIR is what `selfie build-graph --out DIR --set compute=float16` wrote. grad.onnx runs once on random images from the
initial state with the loss scale given. The truth is PyTorch in float64, the yardstick PyTorch's autocast on the CPU:
medians and maxima over the gradients of |g - truth| / |truth| may be at most twice autocast's. The runtime's CPU provider
keeps some products' results in float32 where autocast rounds them, so that ours may well be closer.
Needs onnx, onnxruntime, safetensors, torch. Exits 1 after a line for every disagreement.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from bundle import Graph, distance, draw_inputs, failures, report, stop_on_failures
from safetensors.numpy import load_file
from selfie_torch import build, load_model_state

MOST = 2.0


def torch_gradients(recipe, state, batch, scale, dtype, autocast):
    """(loss, gradients by name), divided by the scale in float64."""
    model = build(recipe, dtype)
    load_model_state(model, {k: v for k, v in state.items() if not k.startswith('optim.')})
    with torch.autocast('cpu', torch.float16, enabled=autocast):
        loss = model(batch)['loss'].mean()
    (loss * scale).backward()
    return float(loss.detach()), {k: p.grad.double().numpy() / scale for k, p in model.named_parameters()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('directory', type=Path)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--scale', type=float, default=256)
    options = parser.parse_args()
    folder = options.directory / 'graph' if (options.directory / 'graph').is_dir() else options.directory
    manifest = json.loads((folder / 'manifest.json').read_text())
    recipe = manifest['recipe']
    if recipe['compute'] != 'float16':
        raise SystemExit(f'{folder}: compute is {recipe["compute"]}; build it with --set compute=float16')
    for name in ('train', 'train-loop', 'apply'):
        onnx.checker.check_model(str(folder / manifest['graphs'][name]['file']), full_check=True)
        report(True, f'{name}: onnx.checker')
    graph = Graph(folder, 'grad', manifest['graphs']['grad'])
    inputs = draw_inputs(graph, recipe, np.random.default_rng(options.seed))
    state = load_file(folder / manifest['initialState'])
    state['optim.loss_scale'] = np.asarray(options.scale, np.float32)
    outputs = graph.run({**inputs, **state})
    ours = {p['name'][5:]: outputs[p['name']] / options.scale for p in graph.ports('outputs', 'gradient')}

    batch = {k: torch.from_numpy(v) for k, v in inputs.items() if k != 'dropout_seed'}
    run = lambda dtype, autocast: torch_gradients(recipe, state, batch, options.scale, dtype, autocast)  # noqa: E731
    loss, truth = run(torch.float64, False)
    their_loss, theirs = run(torch.float32, True)
    mine, yardstick = distance(outputs['loss'], loss), distance(their_loss, loss)
    report(mine <= max(MOST * yardstick, 1e-3), f'loss: {mine:.1e} from float64, autocast {yardstick:.1e}')
    for name, of in {'median': np.median, 'largest': np.max}.items():
        mine, yardstick = (float(of([distance(g[k], truth[k]) for k in truth])) for g in (ours, theirs))
        report(mine <= MOST * yardstick, f'gradients, {name}: {mine:.1e} from float64, autocast {yardstick:.1e}')
    stop_on_failures(options.directory)


if __name__ == '__main__':
    sys.exit(main())
