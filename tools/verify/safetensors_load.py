"""Loads a checkpoint of ours, or a bundle's initial state, into the PyTorch models, strictly.

    python tools/verify/safetensors_load.py FILE.safetensors [--manifest manifest.json]

The recipe is the manifest's, or the `recipe` in the file's own metadata. Every parameter, running statistic and
optimizer state must be there with PyTorch's shape, finite, and nothing else. Needs safetensors, torch. Exits 1 if not.
"""

import argparse
import json
import sys
from pathlib import Path

import torch
from safetensors import safe_open

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'reference'))
from optimizers import load_optimizer_state, make_optimizer  # noqa: E402
from selfie_torch import build, load_model_state  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description='Loads a checkpoint into the PyTorch models, strictly.')
    parser.add_argument('file', type=Path)
    parser.add_argument('--manifest', type=Path)
    args = parser.parse_args()
    with safe_open(args.file, 'pt') as file:
        metadata = file.metadata() or {}
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    if args.manifest:
        recipe = json.loads(args.manifest.read_text())['recipe']
    elif 'recipe' in metadata:
        recipe = json.loads(metadata['recipe'])
    else:
        raise SystemExit(f'{args.file}: no recipe in its metadata; give --manifest')

    model = build(recipe)
    optimizer = make_optimizer(model, recipe)
    ours = {k: v for k, v in tensors.items() if not k.startswith('optim.')}
    try:
        load_model_state(model, ours)
        load_optimizer_state(model, optimizer, recipe, {k: v for k, v in tensors.items() if k not in ours})
    except ValueError as error:
        raise SystemExit(f'{args.file}: {error}') from None
    broken = [k for k, v in tensors.items() if not torch.isfinite(v).all()]
    if broken:
        raise SystemExit(f'{args.file}: not finite: {", ".join(broken)}')
    parameters = sum(w.numel() for w in model.parameters())
    print(f'{args.file}: {len(tensors)} tensors loaded, {parameters:,} parameters, recipe {recipe["task"]}')


if __name__ == '__main__':
    main()
