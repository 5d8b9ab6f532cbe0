"""Reads a folder of `selfie export --to hub` as the Hub's own libraries do.

    python tools/consumers/hub_load.py FOLDER

huggingface_hub loads the card with its results; transformers' image processor, from preprocessor_config.json, prepares
FOLDER/photo.jpg for model.onnx. Prints what the programs of the card print.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
from huggingface_hub import ModelCard
from PIL import Image
from transformers import BitImageProcessor

folder = Path(sys.argv[1])
with warnings.catch_warnings():
    warnings.simplefilter('error')
    card = ModelCard.load(folder / 'README.md').data
fields = card.to_dict()
for field in ('license', 'library_name', 'pipeline_tag', 'tags'):
    assert fields[field], f'the card has no {field}'
is_classifier = fields['pipeline_tag'] == 'image-classification'
results = card.eval_results or []
assert len(results) == int(is_classifier), f'the card has {len(results)} results'
assert all(r.metric_type == 'accuracy' and 0 <= r.metric_value <= 1 for r in results)

processor = BitImageProcessor.from_pretrained(folder)
image = processor(Image.open(folder / 'photo.jpg'), return_tensors='np')['pixel_values']
output = 'probabilities' if is_classifier else 'embedding'
session = onnxruntime.InferenceSession(folder / 'model.onnx')
values = session.run([output], {'image': np.asarray(image, np.float32)})[0][0]
if is_classifier:
    labels = (folder / 'labels.txt').read_text(encoding='utf-8').splitlines()
    for i in values.argsort()[::-1][:5]:
        print(f'{labels[i]}: {values[i]:.4f}')
else:
    print(' '.join(f'{x:.4f}' for x in values[:8]))
