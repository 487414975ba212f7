"""Networks whose layers are all as wide as the input: a shortcut past a layer fits there, and is seen."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from fcnet.arrays import Array
from fcnet.judge.case import Case
from fcnet.judge.isolation import Submission
from fcnet.judge.pytorch_forward import Fit, Function, N, agree, ask, passed, shown_logits
from fcnet.judge.pytorch_layers import (
    EQUAL,
    C,
    D,
    Layer,
    Shape,
    find_layers,
    make,
    target_of,
)
from fcnet.judge.student import array_of


def judge_shortcuts(case: Case, submission: Submission, fit: Fit) -> None:
    """Hold the outputs of a network with equal widths against ours.

    Its hidden layers all get one symmetric matrix and one bias, so that neither their order nor the
    orientation of their matrices has to be known.

    fit : what gives the outputs of networks whose widths differ
    """
    reply = make(case, submission, EQUAL)
    attributes = reply.value if reply.ok else {}
    layers = find_layers(attributes, EQUAL)
    known = {path for layer in layers for path in (layer.weight, layer.bias)} - {""}
    if len(layers) <= len(EQUAL) or known != set(attributes):
        return  # a layer was not found, or there are further parameters
    values = equal_values(case.rng, attributes, layers)
    X = case.rng.normal(0, 1, (N, D)).astype(np.float32)
    submission.call("assign", target=target_of(EQUAL), values=values)
    got = array_of(ask(submission, target_of(EQUAL), X).value)
    if got is None or got.shape != (N, C):
        return  # forward.py has said so of other networks, or it cannot be told
    parts = [layer.parts(values, fit.ones_first) for layer in layers]
    weights, biases = zip(*parts, strict=True)
    right = passed(X, weights, biases, [fit.hidden[0]] * len(EQUAL), fit.last)
    if agree(got, right):
        return
    shortcut = any(agree(got, other) for other in with_shortcuts(X, weights, biases, fit))
    case.add(
        "PT_SHORTCUT" if shortcut else "PT_FORWARD_UNKNOWN",
        *shown_logits({"N": N, "input size": D, "hidden layers": EQUAL, "classes": C}, right, got),
    )


def equal_values(
    rng: np.random.Generator, attributes: Mapping[str, Any], layers: Sequence[Layer]
) -> dict[str, Array]:
    """Parameters of a network with equal widths: the same for all matrices, and all vectors, of one shape."""
    matrices: dict[Shape, Array] = {}
    vectors: dict[int, Array] = {}
    values = {}
    for layer in layers:
        shape = np.shape(attributes[layer.weight])
        square = shape[0] == shape[1]
        matrix = matrices.setdefault(shape, rng.normal(0, 0.7, shape))
        values[layer.weight] = ((matrix + matrix.T) / 2 if square else matrix).astype(np.float32)
        if layer.bias:
            shape = np.shape(attributes[layer.bias])
            size = int(np.prod(shape))
            vector = vectors.setdefault(size, rng.uniform(0.3, 0.8, size))
            values[layer.bias] = vector.reshape(shape).astype(np.float32)
    return values


def with_shortcuts(X: Array, weights: Sequence[Array], biases: Sequence[Array], fit: Fit) -> Iterator[Array]:
    """Outputs of networks in which hidden layers get the output of an earlier one, or the input, added.

    It is added before the activation or after it.
    """
    f: Function = fit.hidden[0]
    ways = ((0, False), *product((1, 2, 3), (True, False)))
    for chosen in product(ways, repeat=len(EQUAL)):
        outputs = [X.astype(np.float64)]
        for W, b, (back, inside) in zip(weights, biases, chosen, strict=False):
            z = outputs[-1] @ W.T + b
            added = outputs[max(len(outputs) - back, 0)] if back else np.zeros_like(z)
            outputs.append(f(z + added) if inside else f(z) + added)
        yield fit.last(outputs[-1] @ weights[-1].T + biases[-1])
