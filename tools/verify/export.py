"""Compares an exported classifier with the trainer's predictions, in two runtimes that are not the trainer's.

    python tools/verify/export.py FILE.onnx PREDICTIONS.json --data cifar10:PATH [--count 1000] [--reference-count 8]

PREDICTIONS.json is what `selfie evaluate DIR --data cifar10:PATH --predictions PREDICTIONS.json` wrote:
{"logits": [[float, ...], ...], "labels": [int, ...]}, the test split in its order. Stock ONNX Runtime runs the first
`count` images, onnx.reference.ReferenceEvaluator (slow) the first `reference-count`. Logits must lie within 1e-4 of the
largest one, and the class must be the same wherever the best two differ by more than that.
Needs numpy, onnx, onnxruntime. Exits 1 on a disagreement.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator

TOLERANCE = 1e-4
BATCH = 100


def read_cifar10_test(folder, count):
    """The first `count` test records of the binary layout: uint8 images [count, 32, 32, 3] and labels [count]."""
    file = Path(folder) / 'test_batch.bin'
    records = np.fromfile(file, np.uint8, count * 3073)
    if len(records) != count * 3073:
        raise SystemExit(f'{file}: {len(records)} bytes, {count} images need {count * 3073}')
    records = records.reshape(count, 3073)
    return records[:, 1:].reshape(count, 3, 32, 32).transpose(0, 2, 3, 1).copy(), records[:, 0]


def check(name, logits, wanted):
    """Exits where the logits differ from the trainer's."""
    if logits.shape != wanted.shape:
        raise SystemExit(f'FAIL  {name}: logits have shape {logits.shape}, the predictions {wanted.shape}')
    allowed = TOLERANCE * np.abs(wanted).max()
    error = np.abs(logits - wanted).max(1)
    worst = int(np.argmax(error))
    if not error[worst] <= allowed:
        raise SystemExit(f'FAIL  {name}: logits of image {worst} differ by {error[worst]:.2e}, allowed {allowed:.2e}')
    best = np.sort(wanted, 1)
    clear = best[:, -1] - best[:, -2] > 2 * allowed
    differ = np.flatnonzero(clear & (logits.argmax(1) != wanted.argmax(1)))
    if len(differ):
        raise SystemExit(f'FAIL  {name}: another class for image {differ[0]}')
    print(f'ok    {name}: {len(logits)} images, largest difference {error[worst]:.2e} of {allowed:.2e} allowed')


def as_input(session, images):
    """uint8 images as the model takes them: as they are, or normalized and channels first by what its metadata says."""
    if session.get_inputs()[0].type == 'tensor(uint8)':
        return images
    metadata = session.get_modelmeta().custom_metadata_map
    mean, std = (np.array(json.loads(metadata[key]), np.float32) for key in ('mean', 'std'))
    return ((images / np.float32(255) - mean) / std).transpose(0, 3, 1, 2).astype(np.float32)


def main():
    parser = argparse.ArgumentParser(description="Compares an exported classifier with the trainer's predictions.")
    parser.add_argument('model', type=Path)
    parser.add_argument('predictions', type=Path)
    parser.add_argument('--data', required=True, help='cifar10:PATH')
    parser.add_argument('--count', type=int, default=1000)
    parser.add_argument('--reference-count', type=int, default=8)
    args = parser.parse_args()
    kind, _, folder = args.data.partition(':')
    if kind != 'cifar10' or not folder:
        raise SystemExit(f'--data {args.data}: expected cifar10:PATH')

    predictions = json.loads(args.predictions.read_text())
    wanted = np.asarray(predictions['logits'], np.float64)
    count = min(args.count, len(wanted))
    if count == 0:
        raise SystemExit(f'{args.predictions}: no predictions')
    images, labels = read_cifar10_test(folder, count)
    if list(labels) != predictions['labels'][:count]:
        raise SystemExit(f'FAIL  {args.predictions}: labels are not those of the test split in its order')

    try:
        onnx.checker.check_model(str(args.model), full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise SystemExit(f'FAIL  {args.model}: onnx.checker: {" ".join(str(error).split())}') from None
    print('ok    onnx.checker')
    session = onnxruntime.InferenceSession(str(args.model), providers=['CPUExecutionProvider'])
    inputs = as_input(session, images)
    batches = [inputs[i : i + BATCH] for i in range(0, count, BATCH)]
    logits = np.concatenate([session.run(['logits'], {'image': batch})[0] for batch in batches])
    check('ONNX Runtime', logits, wanted[:count])
    print(f'      accuracy on these images {np.mean(logits.argmax(1) == labels):.4f}')
    few = min(args.reference_count, count)
    reference = ReferenceEvaluator(str(args.model))
    check('ONNX reference evaluator', reference.run(['logits'], {'image': inputs[:few]})[0], wanted[:few])


if __name__ == '__main__':
    main()
