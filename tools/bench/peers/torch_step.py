"""PyTorch's training step of a bundle's recipe. Variants: eager, channels-last, compile; bfloat16, float16 (channels-last, autocast).

The network is tools/reference/selfie_torch.py; optimizers are PyTorch's fused ones. On CUDA: TF32 is allowed and
cuDNN looks for its fastest algorithms; the batch comes from pinned memory each step; float16 with a GradScaler.
"""

import sys
import time
from pathlib import Path

from common import Job, skip

try:
    import torch
except ImportError as error:
    skip(str(error))

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'reference'))
from optimizers import make_optimizer
from selfie_torch import build, load_model_state


def fused_optimizer(model, recipe, learning_rate):
    """The recipe's optimizer, in PyTorch's fused kernel where it has one."""
    plain = make_optimizer(model, recipe)
    settings = recipe['optimizer']
    groups = [{key: group[key] for key in ('params', 'weight_decay')} for group in plain.param_groups]
    if settings['name'] == 'sgd':
        momentum, nesterov = settings['momentum'], settings['nesterov'] and settings['momentum'] > 0
        return torch.optim.SGD(groups, learning_rate, momentum, nesterov=nesterov, fused=True)
    if settings['name'] == 'adamw':
        betas = (settings['beta1'], settings['beta2'])
        return torch.optim.AdamW(groups, learning_rate, betas, settings['epsilon'], fused=True)
    for group in plain.param_groups:
        group['lr'] = learning_rate
    return plain


def main():
    job = Job()
    recipe = job.recipe
    device = torch.device(job.device)
    if device.type == 'cuda' and not torch.cuda.is_available():
        skip(f'torch {torch.__version__} sees no CUDA device')
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    if device.type == 'cpu' and job.variant == 'bfloat16' and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        skip('this processor has no bfloat16 instructions: emulated, a step takes minutes')
    torch.set_num_threads(job.threads)
    start = time.perf_counter()
    layout = torch.contiguous_format if job.variant == 'eager' else torch.channels_last
    model = build(recipe)
    with torch.no_grad():
        load_model_state(model, job.take_parameters())
    model = model.to(device, memory_format=layout)
    # images come as [B, H, W, C]: without this the plain variant would be a channels-last one from the first layer on
    model.conv1.register_forward_pre_hook(lambda _, args: (args[0].contiguous(memory_format=layout),))
    optimizer = fused_optimizer(model, recipe, job.learning_rate)
    host = {name: torch.from_numpy(array) for name, array in job.batch.items()}
    if device.type == 'cuda':
        host = {name: tensor.pin_memory() for name, tensor in host.items()}
    half = {'bfloat16': torch.bfloat16, 'float16': torch.float16}.get(job.variant)
    scaler = torch.amp.GradScaler(device.type, recipe['lossScale']['initial'], enabled=job.variant == 'float16')

    def loss_of(batch):
        with torch.autocast(device.type, half, enabled=half is not None):
            return model(batch)['loss'].mean()

    forward = torch.compile(loss_of) if job.variant == 'compile' else loss_of
    clip = recipe['optimizer']['clipNorm']

    def step():
        optimizer.zero_grad()
        loss = forward({name: tensor.to(device, non_blocking=True) for name, tensor in host.items()})
        scaler.scale(loss).backward()
        if clip:
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        scaler.step(optimizer)
        scaler.update()
        return loss.item()

    job.measure(step, time.perf_counter() - start, f'torch {torch.__version__}')


if __name__ == '__main__':
    main()
