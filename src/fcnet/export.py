"""A trained network as an ONNX model: from uint8 images to class scores and probabilities, pixels included.

The graph is written out node by node, since there are few kinds: it needs the package `onnx` and no PyTorch,
and the same code exports what either engine trained.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fcnet.extras import require
from fcnet.files import write_atomically
from fcnet.train.model import Model

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 17
"""Version of the operators; runtimes of 2022 and later have it."""

IR_VERSION = 8
"""Version of the file format that belongs to it."""


def export_onnx(model: Model, path: Path) -> None:
    """Write a trained network as an ONNX model, atomically.

    Its input is `images` (N, channels, height, width) uint8, or `features` (N, D) float32 where it was
    trained on rows of features; its outputs are `logits` (N, K) and `probabilities` (N, K), float32. The
    classes' names are in its metadata, as JSON.

    Raises
    ------
    MissingExtraError : the package onnx is not installed
    RunError : the file cannot be written
    """
    require("onnx", "onnx")
    write_atomically(path, graph(model).SerializeToString())


def graph(model: Model) -> ModelProto:
    """The network as ONNX nodes: flatten, cast, (x - mean) / scale, Gemm and Relu in turn, Softmax."""
    from onnx import TensorProto, checker, helper, numpy_helper

    if model.preprocessing.takes == "float32":
        given = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", model.sizes[0]])
    else:
        given = helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", *model.image_shape])
    nodes: list[Any] = [
        helper.make_node("Flatten", [given.name], ["flat"]),
        helper.make_node("Cast", ["flat"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["pixels", "mean"], ["centred"]),
        helper.make_node("Mul", ["centred", "inverse_scale"], ["a1"]),
    ]
    constants = {
        "mean": model.preprocessing.mean.astype(np.float32),
        "inverse_scale": np.array(1 / model.preprocessing.scale, dtype=np.float32),
        **{name: value.astype(np.float32) for name, value in model.params.items()},
    }
    layers = len(model.params) // 2
    for number in range(1, layers + 1):
        z = "logits" if number == layers else f"z{number + 1}"
        nodes.append(helper.make_node("Gemm", [f"a{number}", f"W{number}", f"b{number}"], [z]))
        if number < layers:
            nodes.append(helper.make_node("Relu", [z], [f"a{number + 1}"]))
    nodes.append(helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1))
    shape: list[str | int | None] = ["N", len(model.classes)]
    whole = helper.make_graph(
        nodes,
        "fully_connected_network",
        [given],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name in ("logits", "probabilities")
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    proto = helper.make_model(
        whole, producer_name="fcnet", ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)]
    )
    helper.set_model_props(proto, {"classes": json.dumps(model.classes)})
    checker.check_model(proto, full_check=True)
    return proto
