"""The forward pass of the PyTorch half: outputs of networks of 2 to 5 layers, held against ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from math import erf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.judge.asked import Asked
from fcnet.judge.case import Case
from fcnet.judge.forms import shape_text
from fcnet.judge.isolation import Failure, Reply
from fcnet.judge.pytorch_layers import HIDDEN, C, D, expected_shapes, lines_of, target_of, weights_of
from fcnet.judge.report import Shown
from fcnet.judge.student import array_of
from fcnet.two_layernet import log_softmax, relu, softmax

Array = NDArray[Any]

N = 4
CLOSE = 1e-4
"""The class computes in float32."""


Function = Callable[[Array], Array]


def sigmoid(z: Array) -> Array:
    result: Array = 1 / (1 + np.exp(-z))
    return result


def leaky(slope: float) -> Function:
    """The leaky ReLU, with another slope for negative numbers than 0."""
    return lambda z: np.where(z > 0, z, slope * z)


def elu(z: Array) -> Array:
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def silu(z: Array) -> Array:
    return z * sigmoid(z)


def gelu(z: Array) -> Array:
    result: Array = z * (1 + np.vectorize(erf)(z / np.sqrt(2))) / 2
    return result


def softplus(z: Array) -> Array:
    result: Array = np.logaddexp(0, z)
    return result


def same(z: Array) -> Array:
    return z


HIDDEN_FUNCTIONS: tuple[tuple[str, Function], ...] = (
    ("", relu),
    ("PT_NO_ACTIVATION", same),
    ("PT_OTHER_ACTIVATION", sigmoid),
    ("PT_OTHER_ACTIVATION", np.tanh),
    *(("PT_OTHER_ACTIVATION", leaky(slope)) for slope in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.3)),
    *(("PT_OTHER_ACTIVATION", function) for function in (elu, silu, gelu, softplus)),
)
LAST_FUNCTIONS: tuple[tuple[str, Function], ...] = (
    ("", same),
    ("PT_SOFTMAX_IN_FORWARD", softmax),
    ("PT_LOG_SOFTMAX", log_softmax),
    ("PT_ACTIVATION_AFTER_LAST", relu),
    ("PT_SIGMOID_AFTER_LAST", sigmoid),
)
"""What the hidden layers and the last layer may do, each with the kind of mistake that it is."""


def passed(
    X: Array, weights: Sequence[Array], biases: Sequence[Array], hidden: Sequence[Function], last: Function
) -> Array:
    """A forward pass with a function for each hidden layer and one for the last."""
    a = X
    for W, b, f in zip(weights, biases, [*hidden, last], strict=True):
        a = f(a @ W.T + b)
    return a


def judge_forward(case: Case, submission: Asked, name: str) -> None:
    """Hold the outputs of all four networks against ours."""
    spans = lines_of(case, name, "forward", "__init__")
    for hidden in reversed(HIDDEN):
        if not judge_one(case, submission, name, hidden, spans):
            return


def judge_one(
    case: Case, submission: Asked, name: str, hidden: Sequence[int], spans: list[tuple[int, int]]
) -> bool:
    """One network's outputs; whether the next has to be asked."""
    target, rng = target_of(hidden), case.rng
    attributes = submission.call("attributes", target=target).value["attributes"]
    values = {
        path: rng.normal(0, 0.7, np.shape(v)).astype(np.float32) for path, v in weights_of(attributes).items()
    }
    biases = {
        f"{path.rpartition('.')[0]}.bias": rng.uniform(0.3, 0.8, len(value)).astype(np.float32)
        for path, value in values.items()
    }
    biases = {path: value for path, value in biases.items() if path in attributes}
    submission.call("assign", target=target, values={**values, **biases})
    X = rng.normal(0, 1, (N, D)).astype(np.float32)
    question = {
        "layers": len(hidden) + 1,
        "N": N,
        "input size": D,
        "hidden layers": list(hidden),
        "classes": C,
    }
    answer = ask(submission, target, X)
    if answer.failure is not None:
        told_failure(case, answer.failure, question, spans)
        return False
    array = array_of(answer.value["value"])
    if array is None or array.shape != (N, C):
        nothing = answer.value["value"] is None
        case.add("PT_FORWARD_UNIMPLEMENTED" if nothing else "PT_OUTPUT_FORM", question,
                 f"logits of shape ({N}, {C})", shape_text(answer.value["value"]), spans=spans)  # fmt: skip
        return False
    again = ask(submission, target, X, seed=1)
    second = array_of(again.value["value"]) if again.ok else None
    if second is None or not np.allclose(array, second, atol=1e-6):
        case.add("PT_DROPOUT_ALWAYS_ON", question, "the same outputs twice", "others", spans=spans)
        return False
    if isinstance(answer.value["value"], dict) and answer.value["value"].get("grad") is False:
        case.add("PT_DETACHED", question, "an output with a gradient", "requires_grad is False", spans=spans)
    ordered = in_order(values, biases, hidden)
    extra = [path for path in attributes if path not in values and path not in biases]
    judge_output(case, array, X, ordered, hidden, question, spans, extra)
    one = ask(submission, target, X[:1])
    alone = array_of(one.value["value"]) if one.ok else None
    if alone is None or alone.shape != (1, C):
        got = shape_text(one.value["value"]) if one.failure is None else one.failure.text
        case.add("PT_BATCH_OF_ONE", {**question, "N": 1}, f"logits of shape (1, {C})", got, spans=spans)
    return True


def ask(submission: Asked, target: str, X: Array, seed: int = 0) -> Reply:
    """The network's outputs, in evaluation mode."""
    return submission.call(
        "call", target=target, method="__call__", args=[X], tensors=True, evaluate=True, seed=seed
    )


def told_failure(
    case: Case, failure: Failure, question: Mapping[str, Any], spans: list[tuple[int, int]]
) -> None:
    got = failure.text
    if failure.type == "NotImplementedError":
        code = "PT_FORWARD_UNIMPLEMENTED"
    elif "is invalid for input of size" in got:
        code = "PT_BATCH_VIEW"
    else:
        code = "PT_FORWARD_FAILS"
    case.add(code, dict(question), f"logits of shape ({N}, {C})", got, line=failure.line, spans=spans)


def in_order(
    values: Mapping[str, Array], biases: Mapping[str, Array], hidden: Sequence[int]
) -> tuple[list[Array], list[Array]]:
    """Weights and biases from the input to the output, found by their shapes, which all differ."""
    weights, found = [], []
    for shape in expected_shapes(hidden):
        path = next(path for path, value in values.items() if value.shape == shape)
        weights.append(values[path].astype(np.float64))
        found.append(biases.get(f"{path.rpartition('.')[0]}.bias", np.zeros(shape[0])).astype(np.float64))
    return weights, found


def judge_output(
    case: Case, got: Array, X: Array, ordered: tuple[list[Array], list[Array]], hidden: Sequence[int],
    question: Mapping[str, Any], spans: list[tuple[int, int]], extra: Sequence[str],
) -> None:  # fmt: skip
    """Name what the forward pass does."""
    weights, biases = ordered
    right = passed(X, weights, biases, [relu] * len(hidden), same)
    shown = Shown(dict(question), {"logits of the first example": right[0]}, {"output": got[0]})

    def agrees(other: Array) -> bool:
        return bool(np.allclose(got, other, rtol=CLOSE, atol=CLOSE * max(1.0, float(np.abs(right).max()))))

    patterns: list[tuple[str, list[Function]]] = [(code, [f] * len(hidden)) for code, f in HIDDEN_FUNCTIONS]
    for pattern in range(1, 2 ** len(hidden) - 1):
        some: list[Function] = [relu if pattern >> place & 1 else same for place in range(len(hidden))]
        patterns.append(("PT_ACTIVATION_MISSING_SOMEWHERE", some))
    for (code, functions), (last_code, last) in product(patterns, LAST_FUNCTIONS):
        if agrees(passed(X, weights, biases, functions, last)):
            partly = code == "PT_NO_ACTIVATION" and case.has("PT_ACTIVATION_MISSING_SOMEWHERE")
            for one in (code if not partly else "", last_code):
                if one:
                    case.add(one, *shown, spans=spans)
            return
    if extra:
        case.notes.append("the network has further layers: its outputs were not compared")
        return
    case.add("PT_FORWARD_UNKNOWN", *shown, spans=spans)
