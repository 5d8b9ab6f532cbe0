"""Runs an exported model in one runtime: a request for each line on stdin, an answer for each on stdout, both JSON.

    python tools/consumers/consume.py RUNTIME

RUNTIME is a function below. The first line out is {"version": ...}, or {"missing": why} where it cannot be imported.
A request is {"model": FILE.onnx, "inputs": FILE.safetensors with "image", "outputs": FILE.safetensors to write,
"names": [...]}; its answer {"ok": true} or {"error": why}.
"""

import json
import sys

import numpy as np
from safetensors.numpy import load_file, save_file


def onnxruntime():
    import onnxruntime

    def run(model, image, names):
        session = onnxruntime.InferenceSession(model, providers=['CPUExecutionProvider'])
        return session.run(names, {'image': image})

    return onnxruntime.__version__, run


def reference():
    import onnx
    from onnx.reference import ReferenceEvaluator

    def run(model, image, names):
        return ReferenceEvaluator(model).run(names, {'image': image})

    return onnx.__version__, run


def opencv():
    import cv2

    def run(model, image, names):
        net = cv2.dnn.readNetFromONNX(model)
        results = []
        # one image at a time: OpenCV keeps the batch size that it has seen first
        for one in image:
            net.setInput(one[None], 'image')
            results.append([part.copy() for part in net.forward(names)])
        return [np.concatenate(parts) for parts in zip(*results)]

    return cv2.__version__, run


def openvino():
    import openvino

    def run(model, image, names):
        core = openvino.Core()
        # the processor's native half precision would be OpenVINO's choice, not the model's
        compiled = core.compile_model(core.read_model(model), 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})
        result = compiled({'image': image})
        return [result[name] for name in names]

    return openvino.__version__.split('-')[0], run


def main():
    try:
        version, run = globals()[sys.argv[1]]()
    except ImportError as error:
        print(json.dumps({'missing': f'{error}'}), flush=True)
        return
    print(json.dumps({'version': version}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            image = load_file(request['inputs'])['image']
            results = run(request['model'], image, request['names'])
            tensors = {n: np.ascontiguousarray(r, np.float32) for n, r in zip(request['names'], results)}
            save_file(tensors, request['outputs'])
            answer = {'ok': True}
        except Exception as error:  # whatever a runtime refuses a model with is what the table says
            answer = {'error': ' '.join(f'{type(error).__name__}: {error}'.split())[:300]}
        print(json.dumps(answer), flush=True)


main()
