"""Writes test/fixtures/triton-model-config.json: the schema of Triton's config.pbtxt, as NVIDIA's client package has it.

    python -m venv /tmp/triton && /tmp/triton/bin/pip install 'tritonclient[grpc]==2.73.0'
    /tmp/triton/bin/python tools/reference/triton_schema.py

README.md beside this file describes it.
"""

import json
from importlib.metadata import version
from pathlib import Path

from google.protobuf.descriptor import FieldDescriptor
from tritonclient.grpc import model_config_pb2

FILE = Path(__file__).resolve().parents[2] / 'test/fixtures/triton-model-config.json'
SCALARS = {
    FieldDescriptor.TYPE_BOOL: 'bool',
    FieldDescriptor.TYPE_BYTES: 'bytes',
    FieldDescriptor.TYPE_DOUBLE: 'double',
    FieldDescriptor.TYPE_FLOAT: 'float',
    FieldDescriptor.TYPE_INT32: 'int32',
    FieldDescriptor.TYPE_INT64: 'int64',
    FieldDescriptor.TYPE_STRING: 'string',
    FieldDescriptor.TYPE_UINT32: 'uint32',
    FieldDescriptor.TYPE_UINT64: 'uint64',
}


def describe(field):
    named = field.message_type or field.enum_type
    described = {'type': named.full_name.removeprefix('inference.') if named else SCALARS[field.type]}
    if field.is_repeated:
        described['repeated'] = True
    if field.containing_oneof:
        described['oneof'] = field.containing_oneof.name
    return described


def walk(descriptors, enums, messages):
    for descriptor in descriptors:
        name = descriptor.full_name.removeprefix('inference.')
        messages[name] = {field.name: describe(field) for field in descriptor.fields}
        enums.update({e.full_name.removeprefix('inference.'): list(e.values_by_name) for e in descriptor.enum_types})
        walk(descriptor.nested_types, enums, messages)


def main():
    file = model_config_pb2.DESCRIPTOR
    messages = {}
    enums = {name: list(enum.values_by_name) for name, enum in file.enum_types_by_name.items()}
    walk(file.message_types_by_name.values(), enums, messages)
    schema = {
        'source': f'{file.name} in tritonclient {version("tritonclient")}',
        'license': 'BSD-3-Clause, Copyright (c) 2020, NVIDIA CORPORATION',
        'enums': dict(sorted(enums.items())),
        'messages': dict(sorted(messages.items())),
    }
    FILE.write_text(json.dumps(schema, indent=1) + '\n')


main()
