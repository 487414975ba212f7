"""From what a call gave to numbers of the right shape, with a note where the form is wrong."""

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from fcnet.arrays import Array
from fcnet.judge.isolation import Failure
from fcnet.judge.probes import NAMES, Probe
from fcnet.judge.student import Student, array_of, entries_of, items_of


class Form(NamedTuple):
    """A wrong form: its code, the answer that has it, and both forms in words."""

    code: str
    name: str
    wanted: str
    got: str


@dataclass(frozen=True)
class Seen:
    """What a call gave.

    Attributes
    ----------
    values : in our shapes: "scores" (N, K), "loss" (), or gradients "W1", ..., those that there are
    forms : what is wrong with the answer's form
    failure : why there is no answer
    misshapen : whether an array of another shape is all that there is
    """

    values: Mapping[str, Array] = field(default_factory=dict)
    forms: Sequence[Form] = ()
    failure: Failure | None = None
    misshapen: bool = False

    @property
    def value(self) -> Array | None:
        """The only value, None where there is none."""
        return next(iter(self.values.values()), None)

    @property
    def got(self) -> str:
        """The failure or the wrong form in words."""
        return self.failure.text if self.failure is not None else "".join(form.got for form in self.forms[:1])

    @property
    def usable(self) -> bool:
        """Whether the call ended and gave no array of another shape."""
        return self.failure is None and not self.misshapen


def seen_of(student: Student, name: str, probe: Probe) -> Seen:
    """What a network gives for "scores" or "loss", or with its gradients for the name of a parameter."""
    ask = {"scores": scores_of, "loss": loss_of}.get(name, gradients_of)
    return ask(student, probe)


def all_of(student: Student, probe: Probe) -> dict[str, Array]:
    """The scores, the loss and the gradients that a network gives."""
    seen = [ask(student, probe) for ask in (scores_of, loss_of, gradients_of)]
    return {name: value for one in seen for name, value in one.values.items()}


def shape_text(value: Any) -> str:
    """A described value in words."""
    array = array_of(value)
    if array is not None:
        return f"an array of shape {array.shape}" if array.shape else f"the number {float(array.real):.6g}"
    if value is None:
        return "None"
    if isinstance(value, dict):
        items = items_of(value)
        if items is not None:
            return f"a {value['kind']} of {len(items)}: {', '.join(shape_text(item) for item in items[:6])}"
        return f"a {value.get('kind')}" if value.get("kind") != "object" else str(value.get("type"))
    return type(value).__name__


def scores_of(student: Student, probe: Probe, **options: Any) -> Seen:
    """The scores (N, K) that a network gives."""
    answer = student.ask_scores(probe, **options)
    if answer.failure is not None:
        return Seen(failure=answer.failure)
    N, K = len(probe.X), probe.sizes[2]
    wanted, got = f"an array of shape ({N}, {K})", shape_text(answer.value)

    def wrong(code: str, array: Array | None = None, misshapen: bool = False) -> Seen:
        values = {"scores": array} if array is not None else {}
        return Seen(values, [Form(code, "scores", wanted, got)], misshapen=misshapen)

    items = items_of(answer.value)
    if items is not None:
        arrays = [array_of(item) for item in items]
        array = next((a for a in arrays if a is not None and a.shape == (N, K)), None)
        if array is not None and student.scores_method != "loss":
            return Seen({"scores": array})
        return wrong("FORWARD_TUPLE", array, misshapen=array is None)
    array = array_of(answer.value)
    if array is None or (array.ndim == 0 and not array.any()):
        written = array is None and computes(student, student.scores_method)
        return wrong("FORWARD_NONE" if written else "FORWARD_UNIMPLEMENTED")
    array = np.asarray(array, np.float64) if array.dtype.kind != "c" else array.real
    if array.shape == (N, K):
        return Seen({"scores": array})
    if array.shape == (K, N):
        return wrong("SCORES_TRANSPOSED", array.T)
    return wrong("SCORES_SHAPE", misshapen=True)


def computes(student: Student, method: str | None) -> bool:
    """Whether a method multiplies anything or calls another one of the class."""
    node = student.source.method(student.name, method or "")
    if node is None:
        return False
    words = {"dot", "matmul", "einsum", "tensordot", "inner"}
    for part in ast.walk(node):
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.MatMult):
            return True
        if isinstance(part, ast.Attribute) and (part.attr in words or part.attr in student.methods):
            return True
    return False


def loss_of(student: Student, probe: Probe) -> Seen:
    """The loss that a network gives, a number."""
    answer = student.ask_loss(probe)
    if answer.failure is not None:
        return Seen(failure=answer.failure)
    items = items_of(answer.value)
    value = items[0] if items else answer.value
    array = array_of(value)
    whole = ("loss", "one number, and the gradients beside it", shape_text(answer.value))
    if array is None or array.shape == (len(probe.X), probe.sizes[2]):
        return Seen(forms=[Form("LOSS_UNIMPLEMENTED", *whole)])
    if array.size != 1:
        return Seen(forms=[Form("LOSS_NOT_SCALAR", "loss", "one number", shape_text(value))])
    forms = [Form("LOSS_4TUPLE", *whole)] if items is not None and len(items) > 2 else []
    return Seen({"loss": np.asarray(array.real, np.float64).reshape(())}, forms)


def gradients_of(student: Student, probe: Probe) -> Seen:
    """The gradients that a network gives, in our shapes."""
    answer = student.ask_loss(probe, gradients=True)
    if answer.failure is not None:
        return Seen(failure=answer.failure)
    entries = gradient_entries(answer.value)
    if not entries:
        got = shape_text(answer.value)
        return Seen(forms=[Form("BACKWARD_UNIMPLEMENTED", "", "a gradient for each parameter", got)])
    values: dict[str, Array] = {}
    forms: list[Form] = []
    for name in NAMES:
        key = key_of(name, student, entries, probe)
        if key is None:
            code = "BIAS_GRAD_MISSING" if name[0] == "b" else "WEIGHT_GRAD_MISSING"
            forms.append(Form(code, name, f"a gradient of {name}", f"gradients of {', '.join(entries)}"))
            continue
        array = array_of(entries[key])
        if array is None:
            got = shape_text(entries[key])
            forms.append(Form("BACKWARD_UNIMPLEMENTED", name, f"an array for {name}", got))
            continue
        code, fitted = fit(np.asarray(array.real, np.float64), name, probe, student)
        if code:
            wanted = f"shape {probe.params[name].shape} for {name}"
            forms.append(Form(code, name, wanted, f"shape {array.shape}"))
        if fitted is not None:
            values[name] = fitted
    return Seen(values, forms)


def gradient_entries(value: Any) -> dict[str, Any]:
    """The gradients in a described value, by the student's names or by their place."""
    items = items_of(value)
    if items is not None:
        for item in items:
            entries = entries_of(item)
            if entries:
                return entries
        arrays = [item for item in items if (a := array_of(item)) is not None and a.ndim]
        nested = next((items_of(item) for item in items if items_of(item)), None)
        arrays = arrays or [item for item in nested or [] if array_of(item) is not None]
        return {f"number {place}": item for place, item in enumerate(arrays)}
    return entries_of(value) or {}


def key_of(name: str, student: Student, entries: Mapping[str, Any], probe: Probe) -> str | None:
    """Under what name the gradient of a parameter is."""
    own = student.places[name].path.rsplit("/", 1)[-1]
    low = {key.lower().replace("_", ""): key for key in entries}
    for stem in (own.lower().replace("_", ""), name.lower()):
        for key in (stem, f"d{stem}", f"grad{stem}", f"{stem}grad", f"g{stem}", f"dl{stem}", f"dj{stem}"):
            if key in low:
                return low[key]
    shape = probe.params[name].shape
    for key, value in entries.items() if not named_like(entries) else ():
        array = array_of(value)
        if array is not None and array.shape in (shape, shape[::-1], (1, *shape)):
            return key
    return None


def named_like(entries: Mapping[str, Any]) -> bool:
    """Whether gradients are under names like those of the exercise, so that each has to have its own."""
    return sum(bool(re.search(r"[WwBb]_?[12]$", key)) for key in entries) >= 3


def fit(array: Array, name: str, probe: Probe, student: Student) -> tuple[str, Array | None]:
    """A gradient in our shape, and the code of what is wrong with its own."""
    shape, place = probe.params[name].shape, student.places[name]
    own = place.there(probe.params[name]).shape
    if array.shape == own:
        return "", place.here(array)
    N = len(probe.X)
    if name[0] == "W":
        return ("GRAD_TRANSPOSED", place.here(array.T)) if array.shape == own[::-1] else ("GRAD_SHAPE", None)
    if array.shape == shape:
        return "", array
    if array.size == shape[0] and array.ndim == 2 and 1 in array.shape:
        return "BIAS_GRAD_2D", array.ravel()
    if array.shape in ((N, shape[0]), (shape[0], N)):
        return "BIAS_GRAD_NOT_SUMMED", None
    if array.size == 1:
        return "BIAS_GRAD_SCALAR", None
    return ("BIAS_GRAD_WRONG_AXIS" if array.size == N else "GRAD_SHAPE"), None
