"""Loads exported weights into torchvision's ResNet-50 with strict=True and compares its logits with the trainer's.

    python tools/consumers/torchvision_load.py WEIGHTS.safetensors SAMPLES.safetensors

SAMPLES holds `image` float32 [N, 3, H, W], normalized, and `logits` float32 [N, classes]. Prints one line of JSON:
{"version": ..., "difference": largest difference over the largest logit}, or {"missing": why}.
"""

import json
import sys

try:
    import torch
    import torchvision
    from safetensors.torch import load_file
except ImportError as error:
    print(json.dumps({'missing': f'{error}'}))
    sys.exit()

weights, samples = load_file(sys.argv[1]), load_file(sys.argv[2])
model = torchvision.models.resnet50(num_classes=len(weights['fc.bias']))
model.load_state_dict(weights, strict=True)
with torch.inference_mode():
    logits = model.eval()(samples['image'])
difference = (logits - samples['logits']).abs().max() / samples['logits'].abs().max()
print(json.dumps({'version': torchvision.__version__, 'difference': difference.item()}))
