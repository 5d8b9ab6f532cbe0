"""Writes test/fixtures/onnx: small files by the official onnx and safetensors packages, for the decoders' tests.

Run from the repository's root: python tools/reference/onnx_fixtures.py (needs numpy, onnx, safetensors, torch).
"""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch_file

FOLDER = Path("test/fixtures/onnx")


def typed(name, data_type, dims, values):
    """A tensor in the typed field of its dtype, not as raw bytes."""
    return helper.make_tensor(name, data_type, dims, values, raw=False)


def loop_model():
    """sum = x * 2^trip + bias, by a Loop that doubles, and an If; one initializer in each typed field."""
    value = lambda name, dtype, shape: helper.make_tensor_value_info(name, dtype, shape)
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"], name="keep"),
            helper.make_node("Add", ["v", "v"], ["v_next"], name="double"),
        ],
        "body",
        [value("i", TensorProto.INT64, []), value("go", TensorProto.BOOL, []), value("v", TensorProto.FLOAT, ["n"])],
        [value("go_on", TensorProto.BOOL, []), value("v_next", TensorProto.FLOAT, ["n"])],
    )
    branches = {
        f"{kind}_branch": helper.make_graph(
            [helper.make_node(op, ["doubled", "bias"], [f"{kind}_out"], name=f"{kind}_{op}")],
            kind,
            [],
            [value(f"{kind}_out", TensorProto.FLOAT, ["n"])],
        )
        for kind, op in (("then", "Add"), ("else", "Sub"))
    }
    constant = numpy_helper.from_array(np.array([[1.5, -2.5]], np.float32), "value")
    graph = helper.make_graph(
        [
            helper.make_node("Loop", ["trip", "go_in", "x"], ["doubled"], name="loop", body=body),
            helper.make_node("If", ["flag"], ["sum"], name="choose", **branches),
            helper.make_node("Constant", [], ["c"], name="constant", value=constant),
            helper.make_node("Gemm", ["c", "weights", ""], ["g"], name="gemm", alpha=0.5, transB=1),
            helper.make_node("Transpose", ["g"], ["t"], name="transpose", perm=[1, 0]),
        ],
        "fixture",
        [value("x", TensorProto.FLOAT, ["n"]), value("flag", TensorProto.BOOL, [])],
        [value("sum", TensorProto.FLOAT, ["n"]), value("t", TensorProto.FLOAT, [3, 1])],
        [
            typed("trip", TensorProto.INT64, [], [3]),
            typed("go_in", TensorProto.BOOL, [], [True]),
            typed("bias", TensorProto.FLOAT, [1], [0.25]),
            typed("weights", TensorProto.FLOAT, [3, 2], [1, 2, 3, 4, 5, 6]),
            typed("f64", TensorProto.DOUBLE, [2], [0.1, -1e300]),
            typed("f16", TensorProto.FLOAT16, [2], [1.0, -2.0]),
            typed("i8", TensorProto.INT8, [2], [-128, 127]),
            typed("u8", TensorProto.UINT8, [2], [0, 255]),
            typed("i32", TensorProto.INT32, [2], [-(2**31), 2**31 - 1]),
            typed("i64", TensorProto.INT64, [2], [-(2**63), 2**63 - 1]),
            typed("u32", TensorProto.UINT32, [2], [0, 2**32 - 1]),
            typed("u64", TensorProto.UINT64, [2], [0, 2**64 - 1]),
            numpy_helper.from_array(np.zeros((0, 3), np.float32), "empty"),
        ],
        doc_string="made by the onnx package",
    )
    model = helper.make_model(
        graph,
        ir_version=9,
        opset_imports=[helper.make_opsetid("", 17)],
        producer_name="fixture",
        producer_version="1",
    )
    helper.set_model_props(model, {"author": "onnx", "empty": ""})
    onnx.checker.check_model(model, full_check=True)
    return model


def external_model():
    """y = x + weight, the weight in external.data."""
    weight = np.arange(600, dtype=np.float32)
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [600])
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "weight"], ["y"], name="add")],
        "external",
        [value("x")],
        [value("y")],
        [numpy_helper.from_array(weight, "weight")],
    )
    return helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 17)])


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "external.data").unlink(missing_ok=True)
    onnx.save(loop_model(), FOLDER / "python.onnx")
    onnx.save(
        external_model(),
        FOLDER / "external.onnx",
        save_as_external_data=True,
        location="external.data",
        size_threshold=1024,
    )
    tensors = {
        "f64": np.array([0.1, -1e300]),
        "f32.b": np.array([[1, 2, 3], [-4, 5.5, 0.1]], np.float32),
        "f32.a": np.array(7, np.float32),
        "f32.é\U0001f600": np.ones(1, np.float32),
        "f32.\uffee": np.ones(2, np.float32),
        "f16": np.array([1, -2, 65504], np.float16),
        "i64": np.array([-(2**63), 2**63 - 1]),
        "u64": np.array([2**64 - 1], np.uint64),
        "i32": np.array([-(2**31)], np.int32),
        "u32": np.array([2**32 - 1], np.uint32),
        "i8": np.array([-128, 127, 0], np.int8),
        "u8": np.array([255], np.uint8),
        "bool": np.array([True, False, True]),
        "empty": np.zeros((0, 3), np.float32),
        "0": np.zeros(1, np.float32),
    }
    save_file(tensors, FOLDER / "python.safetensors", {"text": 'quote " é \n'})
    halves = torch.tensor([1.0, -2.5, 3.140625, float("inf")], dtype=torch.bfloat16)
    save_torch_file({"halves": halves}, FOLDER / "bfloat16.safetensors")


if __name__ == "__main__":
    main()
