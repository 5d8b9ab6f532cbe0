"""Starts PyPI's Triton (nvidia-pytriton) on a model repository, with model.py in the place of its ONNX Runtime backend.

    python tools/consumers/triton/serve.py REPOSITORY HTTP_PORT GRPC_PORT FOLDER

The first line out is {"version": ...}, or {"missing": why} where this Python cannot run it. FOLDER is for the backends.
"""

import importlib.util
import json
import os
import shutil
import sys
import sysconfig
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def find():
    """The folder of Triton in the package, and why it cannot run here."""
    spec = importlib.util.find_spec('pytriton')
    if spec is None:
        return None, 'no nvidia-pytriton'
    triton = Path(spec.origin).parent / 'tritonserver'
    stub = triton / 'python_backend_stubs' / f'{sys.version_info[0]}.{sys.version_info[1]}'
    if not (triton / 'bin/tritonserver').exists() or not stub.exists():
        return None, f'nvidia-pytriton has no server for Python {sys.version_info[0]}.{sys.version_info[1]} here'
    try:
        if int(version('numpy').split('.')[0]) > 1:
            return None, f'nvidia-pytriton needs numpy<2, and numpy {version("numpy")} is here'
        version('onnxruntime')
    except PackageNotFoundError as error:
        return None, f'no {error}'
    return triton, None


def main():
    repository, http, grpc, folder = sys.argv[1:]
    triton, missing = find()
    print(json.dumps({'missing': missing} if missing else {'version': f'pytriton {version("nvidia-pytriton")}'}), flush=True)
    if missing:
        return
    backends = Path(folder)
    shutil.copytree(triton / 'backends/python', backends / 'python')
    stubs = triton / 'python_backend_stubs' / f'{sys.version_info[0]}.{sys.version_info[1]}'
    shutil.copy(stubs / 'triton_python_backend_stub', backends / 'python')
    (backends / 'onnxruntime').mkdir()
    shutil.copy(Path(__file__).with_name('model.py'), backends / 'onnxruntime')
    site = triton.parent.parent
    libraries = [site / 'nvidia_pytriton.libs', sysconfig.get_config_var('LIBDIR'), os.environ.get('LD_LIBRARY_PATH')]
    environment = {
        **os.environ,
        'LD_LIBRARY_PATH': ':'.join(str(each) for each in libraries if each),
        'PYTHONHOME': sys.base_prefix,
        'SELFIE_SITE_PACKAGES': sysconfig.get_path('purelib'),
    }
    server = str(triton / 'bin/tritonserver')
    options = {
        'model-repository': repository,
        'backend-directory': backends,
        'http-address': '127.0.0.1',
        'http-port': http,
        'grpc-address': '127.0.0.1',
        'grpc-port': grpc,
        'allow-metrics': 'false',
    }
    os.execve(server, [server, *(f'--{name}={value}' for name, value in options.items())], environment)


main()
