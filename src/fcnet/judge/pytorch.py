"""The PyTorch half: the class at 2 to 5 layers, and then the whole script."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.judge.case import Case
from fcnet.judge.forms import shape_text
from fcnet.judge.isolation import Reply, Submission
from fcnet.judge.opening import load
from fcnet.judge.report import Shown
from fcnet.judge.script import judge_script
from fcnet.judge.source import span
from fcnet.judge.student import array_of, items_of

Array = NDArray[Any]

D, C, N = 6, 3, 4
HIDDEN = ([7], [7, 5], [7, 5, 9], [7, 5, 9, 8])
"""Networks of 2, 3, 4 and 5 layers; every width differs."""

CLOSE = 1e-4
"""The class computes in float32."""


def look_at_pytorch(case: Case, submission: Submission) -> None:
    """All stages of the PyTorch half, as far as they can be reached."""
    loaded = load(case, submission)
    if loaded is None:
        return
    case.reached.append("construction")
    described = choose(loaded.get("classes", ()))
    if described is None:
        case.add(
            "PT_NO_CLASS", shown=Shown("the file", "class MultiLayerPerceptron(nn.Module)", "no such class")
        )
        return
    name = str(described["name"])
    if name != "MultiLayerPerceptron":
        case.notes.append(f"the network that is judged is {name}")
    right = judge_construction(case, submission, name)
    if right:
        case.reached.append("forward")
        judge_forward(case, submission, name)
    if not case.has(
        "PT_FORWARD_UNIMPLEMENTED", "PT_FORWARD_FAILS", "PT_OUTPUT_FORM", "PT_DETACHED", "PT_BATCH_VIEW"
    ):
        judge_script(case, submission)


def choose(classes: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The network's class: by its name, else the last that takes three arguments, else the last."""
    modules = [c for c in classes if c.get("module")]
    named = [c for c in modules if re.search(r"multi_?layer_?perceptron|mlp", str(c["name"]), re.I)]
    three = [c for c in modules if len(c["methods"].get("__init__", ())) == 3]
    found = named or three or modules
    return found[-1] if found else None


def lines_of(case: Case, name: str, *methods: str) -> list[tuple[int, int]]:
    """The lines of some methods of the class."""
    found = [part for method in methods for part in span(case.source.method(name, method))]
    return found or [(1, len(case.source.lines))]


# Construction -----------------------------------------------------------------------------------------------
def expected_shapes(hidden: Sequence[int]) -> list[tuple[int, int]]:
    """(out, in) of each layer."""
    sizes = [D, *hidden, C]
    return [(n_out, n_in) for n_in, n_out in pairwise(sizes)]


def make(submission: Submission, name: str, hidden: Sequence[int]) -> Reply:
    """A network under the name of its hidden layers."""
    return submission.call("construct", target=target_of(hidden), cls=name, args=[D, list(hidden), C], seed=0)


def target_of(hidden: Sequence[int]) -> str:
    return "net" + "x".join(map(str, hidden))


def judge_construction(case: Case, submission: Submission, name: str) -> bool:
    """Whether networks of 2 to 5 layers can be made and hold their parameters."""
    spans = lines_of(case, name, "__init__")
    for hidden in HIDDEN:
        question = f"{name}({D}, {hidden}, {C})"
        reply = make(submission, name, hidden)
        if reply.failure is not None:
            got = f"{reply.failure.type}: {reply.failure.message}"
            case.add(
                constructor_code(reply.failure.type, got, len(hidden)),
                line=reply.failure.line,
                spans=spans,
                shown=Shown(question, f"a network of {len(hidden) + 1} layers", got),
            )
            return False
        weights = weights_of(reply.value["attributes"])
        code = construction_code(case, spans, hidden, weights)
        if code:
            shapes = [tuple(value.shape) for value in weights.values()]
            case.add(
                code,
                spans=spans,
                shown=Shown(
                    question,
                    f"weights {expected_shapes(hidden)}",
                    f"weights {shapes}" if shapes else "no parameters",
                ),
            )
            return False
        names = set(reply.value["attributes"])
        missing = [
            path
            for path in weights
            if f"{path.rpartition('.')[0]}.bias" not in names and path.endswith("weight")
        ]
        if missing:
            case.add(
                "PT_BIAS_MISSING",
                spans=spans,
                shown=Shown(question, "a bias for each layer", f"none for {missing}"),
            )
    same = make(submission, name, [D, D, D])
    if same.ok and len(weights_of(same.value["attributes"])) < 4:
        case.add(
            "PT_SHARED_LAYER",
            spans=spans,
            shown=Shown(
                f"{name}({D}, [{D}, {D}, {D}], {C})",
                "4 weight matrices",
                f"{len(weights_of(same.value['attributes']))}",
            ),
        )
        return False
    return True


def weights_of(attributes: Mapping[str, Any]) -> dict[str, Array]:
    """The matrices among a module's parameters, by name."""
    return {path: np.asarray(value) for path, value in attributes.items() if np.ndim(value) == 2}


def constructor_code(kind: str, message: str, layers: int) -> str:
    if kind == "NotImplementedError":
        return "PT_NOT_WRITTEN"
    if (
        "before Module.__init__" in message
        or "has no attribute '_modules'" in message
        or "'_parameters'" in message
    ):
        return "PT_SUPER_MISSING"
    return "PT_CONSTRUCTOR_FAILS" if layers == 1 else "PT_DEPTH_FIXED"


def construction_code(
    case: Case, spans: list[tuple[int, int]], hidden: Sequence[int], weights: Mapping[str, Array]
) -> str:
    """What is wrong with the layers' shapes, "" if nothing is."""
    wanted, shapes = expected_shapes(hidden), [tuple(value.shape) for value in weights.values()]
    if sorted(shapes) == sorted(wanted):
        return ""
    makes_layers = case.source.find([r"Linear\("], spans) is not None
    if not shapes:
        return "PT_LAYERS_IN_LIST" if makes_layers else "PT_NOT_WRITTEN"
    known = {D, C, *hidden}
    if any(size not in known for shape in shapes for size in shape):
        return "PT_SIZES_HARDCODED"
    if len(shapes) < len(wanted):
        registered = (
            case.source.find([r"Sequential|ModuleList|ModuleDict|add_module|setattr"], spans) is not None
        )
        in_list = set(shapes) <= set(wanted) and not registered
        if len(hidden) == 1:
            return "PT_LAYERS_IN_LIST" if in_list else "PT_LAYER_COUNT"
        if in_list and (wanted[-1] in shapes or wanted[0] in shapes) and len(shapes) == 1:
            return "PT_LAYERS_IN_LIST"
        return "PT_DEPTH_FIXED" if len(shapes) == 2 or len(hidden) > 2 else "PT_LAYER_COUNT"
    if len(shapes) > len(wanted):
        return "PT_LAYER_COUNT"
    meets = all(after[1] == before[0] for before, after in pairwise(shapes))
    return "PT_WIDTHS" if meets else "PT_WIDTHS_DO_NOT_MEET"


# Forward ----------------------------------------------------------------------------------------------------
def relu(z: Array) -> Array:
    return np.maximum(z, 0)


def sigmoid(z: Array) -> Array:
    result: Array = 1 / (1 + np.exp(-z))
    return result


def leaky(z: Array) -> Array:
    return np.where(z > 0, z, 0.01 * z)


def same(z: Array) -> Array:
    return z


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    result: Array = e / e.sum(axis=1, keepdims=True)
    return result


def log_softmax(z: Array) -> Array:
    result: Array = np.log(softmax(z))
    return result


Function = Callable[[Array], Array]

HIDDEN_FUNCTIONS: tuple[tuple[str, Function], ...] = (
    ("", relu),
    ("PT_NO_ACTIVATION", same),
    ("PT_OTHER_ACTIVATION", sigmoid),
    ("PT_OTHER_ACTIVATION", np.tanh),
    ("PT_OTHER_ACTIVATION", leaky),
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


def judge_forward(case: Case, submission: Submission, name: str) -> None:
    """Hold the outputs of all four networks against ours."""
    spans = lines_of(case, name, "forward", "__init__")
    for hidden in reversed(HIDDEN):
        if not judge_one(case, submission, name, hidden, spans):
            return


def judge_one(
    case: Case, submission: Submission, name: str, hidden: Sequence[int], spans: list[tuple[int, int]]
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
        told_failure(case, answer, question, spans)
        return False
    array = array_of(answer.value["value"])
    if array is None or array.shape != (N, C):
        nothing = answer.value["value"] is None
        case.add("PT_FORWARD_UNIMPLEMENTED" if nothing else "PT_OUTPUT_FORM", spans=spans, shown=Shown(
            question, f"logits of shape ({N}, {C})", shape_text(answer.value["value"])))  # fmt: skip
        return False
    again = ask(submission, target, X, seed=1)
    second = array_of(again.value["value"]) if again.ok else None
    if second is None or not np.allclose(array, second, atol=1e-6):
        case.add(
            "PT_DROPOUT_ALWAYS_ON", spans=spans, shown=Shown(question, "the same outputs twice", "others")
        )
        return False
    if isinstance(answer.value["value"], dict) and answer.value["value"].get("grad") is False:
        case.add(
            "PT_DETACHED",
            spans=spans,
            shown=Shown(question, "an output with a gradient", "requires_grad is False"),
        )
    ordered = in_order(values, biases, hidden)
    extra = [path for path in attributes if path not in values and path not in biases]
    judge_output(case, array, X, ordered, hidden, question, spans, extra)
    return True


def ask(submission: Submission, target: str, X: Array, seed: int = 0) -> Reply:
    """The network's outputs, in evaluation mode."""
    return submission.call(
        "call", target=target, method="__call__", args=[X], tensors=True, flags=["eval"], seed=seed
    )


def told_failure(
    case: Case, answer: Reply, question: Mapping[str, Any], spans: list[tuple[int, int]]
) -> None:
    failure = answer.failure
    assert failure is not None
    got = f"{failure.type}: {failure.message}"
    if failure.type == "NotImplementedError":
        code = "PT_FORWARD_UNIMPLEMENTED"
    elif "is invalid for input of size" in got:
        code = "PT_BATCH_VIEW"
    else:
        code = "PT_FORWARD_FAILS"
    case.add(
        code, line=failure.line, spans=spans, shown=Shown(dict(question), f"logits of shape ({N}, {C})", got)
    )


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
                    case.add(one, spans=spans, shown=shown)
            return
    if extra:
        case.notes.append("the network has further layers: its outputs were not compared")
        return
    case.add("PT_FORWARD_UNKNOWN", spans=spans, shown=shown)


__all__ = ["items_of", "look_at_pytorch"]
