"""A trained network as an ONNX model: from uint8 images to class scores and probabilities, pixels included.

Each layer writes its own nodes: this needs the package `onnx` and no PyTorch, and the same code exports what
either engine trained.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fcnet.extras import require
from fcnet.files import write_atomically
from fcnet.net.onnx_graph import Graph
from fcnet.train.model import Model

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 17
"""Version of the operators; runtimes of 2022 and later have it."""

IR_VERSION = 8
"""Version of the file format that belongs to it."""


def export_onnx(model: Model, path: Path) -> None:
    """Write a trained network as an ONNX model, atomically.

    Its input is `images` (N, channels, height, width) uint8, or `features` (N, D) of the type that it was
    trained on, float32 where that has all digits of the features, else float64; its outputs are `logits`
    (N, K) and `probabilities` (N, K), float32. The classes' names are in its metadata, as JSON, and so are
    those of the features of a table.

    Raises
    ------
    MissingExtraError : the package onnx is not installed
    RunError : the file cannot be written
    """
    require("onnx", "onnx")
    write_atomically(path, graph(model).SerializeToString())


def graph(model: Model) -> ModelProto:
    """The network as ONNX nodes: flatten, cast, (x - mean) / scale, the layers' own nodes, Softmax."""
    from onnx import TensorProto, checker, helper, numpy_helper

    kind = helper.np_dtype_to_tensor_dtype(np.dtype(model.preprocessing.takes))
    features = model.image_shape[1] == 1
    shape: list[str | int | None] = ["N", *((model.architecture.inputs,) if features else model.image_shape)]
    given = helper.make_tensor_value_info("features" if features else "images", kind, shape)
    graph = Graph()
    x = _prepared(graph, graph.node("Flatten", given.name), model)
    logits = graph.rename(graph.row(model.network().layers, x), "logits")
    graph.rename(graph.node("Softmax", logits, axis=1), "probabilities")
    whole = helper.make_graph(
        graph.nodes,
        "fully_connected_network",
        [given],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", len(model.classes)])
            for name in ("logits", "probabilities")
        ],
        [numpy_helper.from_array(value, name) for name, value in graph.constants.items()],
    )
    proto = helper.make_model(
        whole, producer_name="fcnet", ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)]
    )
    about = {"classes": json.dumps(model.classes)}
    if model.mapping is not None:
        about["features"] = json.dumps(model.mapping.names)
    helper.set_model_props(proto, about)
    checker.check_model(proto, full_check=True)
    return proto


def _prepared(graph: Graph, x: str, model: Model) -> str:
    """(x - mean) / scale as nodes; of features in float64, as in training, and then float32."""
    from onnx import TensorProto

    preprocessing = model.preprocessing
    if preprocessing.of_features:
        x = graph.node("Cast", x, to=TensorProto.DOUBLE)
        x = graph.node("Sub", x, graph.constant(preprocessing.mean, "mean"))
        x = graph.node("Div", x, graph.constant(np.asarray(preprocessing.scale, dtype=np.float64), "scale"))
        return graph.node("Cast", x, to=TensorProto.FLOAT)
    x = graph.node("Cast", x, to=TensorProto.FLOAT)
    x = graph.node("Sub", x, graph.constant(preprocessing.mean.astype(np.float32), "mean"))
    inverse = np.array(1 / preprocessing.scale, dtype=np.float32)
    return graph.node("Mul", x, graph.constant(inverse, "inverse_scale"))
