"""PyTorch's encoder of a recipe: eager, channels-last, compile (channels-last), or `export` to ONNX.

One JSON argument (tools/bench/inferenceJob.ts); the network is tools/reference/selfie_torch.py. `export` writes the file
named by `embedding` with the TorchScript exporter, batch size free, batch norm folded as it does by default.
"""

import json
import sys
import time
import warnings
from pathlib import Path

import torch
from common import answer, peak_mb
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'reference'))
from selfie_torch import build, load_model_state  # noqa: E402

WARMUP = 2
OPSET = 17


class Encoder(torch.nn.Module):
    """uint8 images [B, H, W, C] -> embedding [B, features]."""

    def __init__(self, recipe, state):
        super().__init__()
        self.network = build(recipe).eval()
        with torch.no_grad():
            load_model_state(self.network, state)

    def forward(self, images):
        return self.network.embed(self.network.normalize(images))


def export(encoder, images, file):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        torch.onnx.export(
            encoder,
            images,
            str(file),
            dynamo=False,
            opset_version=OPSET,
            input_names=['image'],
            output_names=['embedding'],
            dynamic_axes={'image': {0: 'batch'}, 'embedding': {0: 'batch'}},
        )


def main():
    job = json.loads(sys.argv[1])
    torch.set_num_threads(job['threads'])
    directory = Path(job['directory'])
    recipe = json.loads((directory / 'recipe.json').read_text())
    encoder = Encoder(recipe, load_file(directory / 'state.safetensors')).eval()
    images = load_file(directory / 'images.safetensors')['images'][: job['batch']].clone()
    version = f'torch {torch.__version__}'
    if job['variant'] == 'export':
        start = time.perf_counter()
        export(encoder, images, directory / job['embedding'])
        answer({'seconds': [time.perf_counter() - start], 'peakMb': peak_mb(), 'version': version})
        return
    layout = torch.contiguous_format if job['variant'] == 'eager' else torch.channels_last
    encoder = encoder.to(memory_format=layout)
    # images come as [B, H, W, C]: without this the plain variant would be a channels-last one from the first layer on
    encoder.network.conv1.register_forward_pre_hook(lambda _, args: (args[0].contiguous(memory_format=layout),))
    forward = torch.compile(encoder) if job['variant'] == 'compile' else encoder
    with torch.inference_mode():
        if job['seconds'] > 0:
            for _ in range(WARMUP):
                forward(images)
        seconds = []
        end = time.perf_counter() + job['seconds']
        while not seconds or time.perf_counter() < end:
            start = time.perf_counter()
            embedding = forward(images)
            seconds.append(time.perf_counter() - start)
    save_file({'embedding': embedding.clone().contiguous()}, directory / job['embedding'])
    answer({'seconds': seconds, 'peakMb': peak_mb(), 'version': version})


if __name__ == '__main__':
    main()
