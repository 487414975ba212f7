"""The forward pass of the PyTorch half: outputs of networks of 2 to 5 layers, held against ours."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import erf
from typing import Any

import numpy as np

from fcnet.arrays import Array
from fcnet.judge.case import Case
from fcnet.judge.forms import shape_text
from fcnet.judge.isolation import Failure, Submission
from fcnet.judge.pytorch_layers import HIDDEN, C, D, Layer, find_layers, target_of, weights_of
from fcnet.judge.report import Shown
from fcnet.judge.student import Answer, array_of
from fcnet.two_layernet import log_softmax, relu, softmax

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


@dataclass(frozen=True)
class Fit:
    """What gives the outputs of a network.

    Attributes
    ----------
    hidden, last : the functions of the hidden layers and of the last one
    ones_first : whether the input that is always 1 comes before the others, where biases are in the matrices
    """

    hidden: Sequence[Function]
    last: Function
    ones_first: bool

    @property
    def plain(self) -> bool:
        """Whether all hidden layers have one activation, and the last layer has none."""
        return len(set(self.hidden)) == 1 and same not in self.hidden and self.last is same


def judge_forward(case: Case, submission: Submission) -> Fit | None:
    """Hold the outputs of all four networks against ours; what gives those of the last, if anything does."""
    fit = None
    for hidden in reversed(HIDDEN):
        asked, fit = judge_one(case, submission, hidden)
        if not asked:
            return None
    return fit


def judge_one(case: Case, submission: Submission, hidden: Sequence[int]) -> tuple[bool, Fit | None]:
    """One network's outputs: whether the next has to be asked, and what gives them."""
    target, rng = target_of(hidden), case.rng
    question = {
        "layers": len(hidden) + 1,
        "N": N,
        "input size": D,
        "hidden layers": list(hidden),
        "classes": C,
    }
    held = submission.call("attributes", target=target)
    if held.failure is not None:
        told_failure(case, held.failure, question)
        return False, None
    attributes = held.value
    layers = find_layers(attributes, hidden)
    values = {
        path: rng.normal(0, 0.7, np.shape(v)).astype(np.float32) for path, v in weights_of(attributes).items()
    }
    values |= {
        layer.bias: rng.uniform(0.3, 0.8, np.shape(attributes[layer.bias])).astype(np.float32)
        for layer in layers
        if layer.bias
    }
    submission.call("assign", target=target, values=values)
    X = rng.normal(0, 1, (N, D)).astype(np.float32)
    answer = ask(submission, target, X)
    if answer.failure is not None:
        told_failure(case, answer.failure, question)
        return False, None
    array = array_of(answer.value)
    if array is None or array.shape != (N, C):
        code = "PT_FORWARD_UNIMPLEMENTED" if answer.value is None else "PT_OUTPUT_FORM"
        case.add(code, question, f"logits of shape ({N}, {C})", shape_text(answer.value))
        return False, None
    second = array_of(ask(submission, target, X, seed=1).value)
    if second is None or not np.allclose(array, second, atol=1e-6):
        case.add("PT_DROPOUT_ALWAYS_ON", question, "the same outputs twice", "others")
        return False, None
    if isinstance(answer.value, dict) and answer.value.get("grad") is False:
        case.add("PT_DETACHED", question, "an output with a gradient", "requires_grad is False")
    extra = [path for path in attributes if path not in values]
    fit = judge_output(case, array, X, layers, values, question, extra)
    one = ask(submission, target, X[:1])
    alone = array_of(one.value)
    if alone is None or alone.shape != (1, C):
        got = shape_text(one.value) if one.failure is None else one.failure.text
        case.add("PT_BATCH_OF_ONE", {**question, "N": 1}, f"logits of shape (1, {C})", got)
    return True, fit


def ask(submission: Submission, target: str, X: Array, seed: int = 0) -> Answer:
    """The network's outputs, in evaluation mode."""
    return Answer.of(
        submission.call(
            "call", target=target, method="__call__", args=[X], tensors=True, evaluate=True, seed=seed
        )
    )


def told_failure(case: Case, failure: Failure, question: Mapping[str, Any]) -> None:
    got = failure.text
    if failure.type == "NotImplementedError":
        code = "PT_FORWARD_UNIMPLEMENTED"
    elif "is invalid for input of size" in got:
        code = "PT_BATCH_VIEW"
    else:
        code = "PT_FORWARD_FAILS"
    case.add(code, dict(question), f"logits of shape ({N}, {C})", got, line=failure.line)


def patterns(hidden: int) -> list[tuple[str, list[Function]]]:
    """What the hidden layers may do, each with the kind of mistake that it is."""
    found: list[tuple[str, list[Function]]] = [(code, [f] * hidden) for code, f in HIDDEN_FUNCTIONS]
    for pattern in range(1, 2**hidden - 1):
        some: list[Function] = [relu if pattern >> place & 1 else same for place in range(hidden)]
        found.append(("PT_ACTIVATION_MISSING_SOMEWHERE", some))
    return found


def agree(got: Array, other: Array) -> bool:
    """Whether outputs of the submission are ours, but for the rounding of float32."""
    return bool(np.allclose(got, other, rtol=CLOSE, atol=CLOSE * max(1.0, float(np.abs(other).max()))))


def judge_output(
    case: Case, got: Array, X: Array, layers: Sequence[Layer], values: Mapping[str, Array],
    question: Mapping[str, Any], extra: Sequence[str],
) -> Fit | None:  # fmt: skip
    """Name what the forward pass does, and give it."""
    orders = (False, True) if any(layer.with_bias for layer in layers) else (False,)
    ordered = {first: [layer.parts(values, first) for layer in layers] for first in orders}
    hidden = len(layers) - 1
    for ones_first, (code, functions), (last_code, last) in product(orders, patterns(hidden), LAST_FUNCTIONS):
        weights, biases = zip(*ordered[ones_first], strict=True)
        if not agree(got, passed(X, weights, biases, functions, last)):
            continue
        partly = code == "PT_NO_ACTIVATION" and case.has("PT_ACTIVATION_MISSING_SOMEWHERE")
        right = passed(X, weights, biases, [relu] * hidden, same)
        for one in (code if not partly else "", last_code):
            if one:
                case.add(one, *shown_logits(question, right, got))
        return Fit(functions, last, ones_first)
    if extra:
        case.notes.append("the network has further layers: its outputs were not compared")
        return None
    weights, biases = zip(*ordered[False], strict=True)
    right = passed(X, weights, biases, [relu] * hidden, same)
    case.add("PT_FORWARD_UNKNOWN", *shown_logits(question, right, got))
    return None


def shown_logits(question: Mapping[str, Any], right: Array, got: Array) -> Shown:
    """The first example's outputs."""
    return Shown(dict(question), {"logits of the first example": right[0]}, {"output": got[0]})
