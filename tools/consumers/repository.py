"""Checks an exported model repository by the schemas of others' Python packages.

    python tools/consumers/repository.py triton|kserve FILE...

Prints {"version": ..., "checked": n}, {"missing": why}, or {"error": why}, as a line of JSON.
"""

import json
import sys
from importlib.metadata import version


def triton(files):
    """config.pbtxt by the messages of Triton's client."""
    from google.protobuf import text_format
    from tritonclient.grpc.model_config_pb2 import ModelConfig

    for file in files:
        with open(file, encoding='utf-8') as text:
            text_format.Parse(text.read(), ModelConfig())
    return f'tritonclient {version("tritonclient")}'


def kserve(files):
    """kserve.yaml by the models of KServe's client: every field must be known, and its value of the right type."""
    import kserve.models
    import kubernetes.client
    import yaml

    scalars = {'str': str, 'bool': bool, 'int': int, 'float': float}

    def check(kind, value, where):
        if kind in scalars or kind == 'object':
            if not isinstance(value, scalars.get(kind, object)):
                raise TypeError(f'{where}: {value!r} is no {kind}')
            return
        model = getattr(kserve.models, kind, None)
        if model is None:  # Kubernetes' own check themselves, but for fields that they do not know
            model = getattr(kubernetes.client, kind)
            if not hasattr(model, 'model_fields'):  # versions before their models could check
                return
            unknown = set(value) - {field.alias or name for name, field in model.model_fields.items()}
            if unknown:
                raise TypeError(f'{where}: {kind} has no {unknown}')
            model.model_validate(value)
            return
        kinds = {model.attribute_map[name]: of for name, of in model.openapi_types.items()}
        for name, inner in value.items():
            if name not in kinds:
                raise TypeError(f'{where}.{name}: {kind} has no such field')
            check(kinds[name], inner, f'{where}.{name}')

    for file in files:
        with open(file, encoding='utf-8') as text:
            check('V1beta1InferenceService', yaml.safe_load(text), file)
    return f'kserve {version("kserve")}'


def main():
    check, *files = sys.argv[1:]
    try:
        answer = {'version': globals()[check](files), 'checked': len(files)}
    except ImportError as error:
        answer = {'missing': f'{error}'}
    except Exception as error:  # whatever a schema refuses a file with is what the table says
        answer = {'error': ' '.join(f'{type(error).__name__}: {error}'.split())[:300]}
    print(json.dumps(answer), flush=True)


main()
