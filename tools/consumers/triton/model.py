"""Triton's backend `onnxruntime` in Python, for a Triton that has none of its own: PyPI's has the Python backend alone.

Everything else is Triton's: it reads the repository, its configurations and labels, warms up, batches, chains ensembles and speaks the protocol.
"""

import os
import sys

# the process that runs this begins without PYTHONPATH
sys.path.append(os.environ['SELFIE_SITE_PACKAGES'])

import onnxruntime
import triton_python_backend_utils as triton


class TritonPythonModel:
    def initialize(self, args):
        file = os.path.join(args['model_repository'], args['model_version'], 'model.onnx')
        self.session = onnxruntime.InferenceSession(file, providers=['CPUExecutionProvider'])

    def execute(self, requests):
        responses = []
        for request in requests:
            names = list(request.requested_output_names())
            results = self.session.run(names, {tensor.name(): tensor.as_numpy() for tensor in request.inputs()})
            tensors = [triton.Tensor(name, result) for name, result in zip(names, results)]
            responses.append(triton.InferenceResponse(tensors))
        return responses
