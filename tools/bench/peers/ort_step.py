"""Our training graphs in Python's stock ONNX Runtime, by the bundle's manifest. Variant: train.

The state stays on the device (bound outputs become the next call's inputs); the batch goes there each call.
"""

import time

import numpy as np
from common import Job, skip

try:
    import onnxruntime
except ImportError as error:
    skip(str(error))

PROVIDERS = {'cpu': 'CPUExecutionProvider', 'cuda': 'CUDAExecutionProvider'}


def fixed_inputs(job, contract, k):
    """Everything but the state, by name; for K steps a call with the leading axis of train-loop.onnx."""
    scalars = {'learning_rate': np.float32(job.learning_rate), 'dropout_seed': np.int64(1)}
    values = {}
    for port in contract['inputs']:
        if port['role'] != 'state':
            value = np.asarray(job.batch[port['name']] if port['role'] == 'batch' else scalars[port['name']])
            values[port['name']] = np.stack([value] * k) if k > 1 else value
    return values


def main():
    job = Job()
    k, provider = job.steps_per_run, PROVIDERS[job.device]
    if provider not in onnxruntime.get_available_providers():
        skip(f'onnxruntime {onnxruntime.__version__} has no {provider}')
    if job.device == 'cuda' and hasattr(onnxruntime, 'preload_dlls'):
        onnxruntime.preload_dlls()
    contract = job.manifest['graphs']['train' if k == 1 else 'train-loop']
    start = time.perf_counter()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = job.threads
    session = onnxruntime.InferenceSession(str(job.graph / contract['file']), options, providers=[provider])
    if session.get_providers()[0] != provider:
        raise SystemExit(f'{provider} did not start: the session runs on {session.get_providers()[0]}')
    fixed = fixed_inputs(job, contract, k)
    upload = onnxruntime.OrtValue.ortvalue_from_numpy
    state = {name: upload(value, job.device, 0) for name, value in job.state.items()}
    job.state = {}
    names = [port['name'] for port in contract['outputs']]
    replaces = {port['name']: port['replaces'] for port in contract['outputs'] if 'replaces' in port}

    def step():
        binding = session.io_binding()
        for name, value in fixed.items():
            binding.bind_cpu_input(name, value)
        for port in contract['inputs']:
            if port['role'] == 'state':
                binding.bind_ortvalue_input(port['name'], state[port['name']])
        for name in names:
            binding.bind_output(name, job.device if name in replaces else 'cpu')
        session.run_with_iobinding(binding)
        outputs = dict(zip(names, binding.get_outputs()))
        state.update({old: outputs[new] for new, old in replaces.items()})
        return np.atleast_1d(outputs['loss'].numpy()).tolist()

    def save():
        from safetensors.numpy import save_file

        save_file({name: np.ascontiguousarray(value.numpy()) for name, value in state.items()}, job.save_state)

    setup_seconds = time.perf_counter() - start
    job.measure(step, setup_seconds, f'onnxruntime (Python) {onnxruntime.__version__}', save if job.save_state else None)


if __name__ == '__main__':
    main()
