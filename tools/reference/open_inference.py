"""Writes test/fixtures/open_inference: the gRPC protocol as its vendors publish it, a FileDescriptorSet of each.

    python tools/reference/open_inference.py triton    (needs tritonclient[grpc])
    python tools/reference/open_inference.py kserve    (needs kserve, also one installed with --no-deps, grpcio and protobuf)
"""

import importlib.util
import os
import sys

from google.protobuf import descriptor_pb2

OUT = os.path.join(os.path.dirname(__file__), '..', '..', 'test', 'fixtures', 'open_inference')


def triton():
    from tritonclient.grpc import model_config_pb2, service_pb2

    return [model_config_pb2, service_pb2]


def kserve():
    # the package imports all of a cluster's client; this module alone needs none of it
    folder = importlib.util.find_spec('kserve').submodule_search_locations[0]
    sys.path.insert(0, os.path.join(folder, 'protocol', 'grpc'))
    import grpc_predict_v2_pb2

    return [grpc_predict_v2_pb2]


def main(vendor):
    files = descriptor_pb2.FileDescriptorSet()
    for module in globals()[vendor]():
        module.DESCRIPTOR.CopyToProto(files.file.add())
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(OUT, f'{vendor}.binpb'), 'wb') as file:
        file.write(files.SerializeToString(deterministic=True))


main(sys.argv[1])
