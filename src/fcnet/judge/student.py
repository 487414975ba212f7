"""A student's network behind one face, whatever its methods, parameters and orientation are called.

Everything here works on what the submission's process answers; answers are described, never believed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fcnet.arrays import Array
from fcnet.judge.isolation import Failure, Reply, Submission
from fcnet.judge.isolation.reply import Class, Parameter, Record
from fcnet.judge.probes import NAMES, Probe
from fcnet.judge.source import Source

SCORES = (
    "loss",
    "forward",
    "scores",
    "compute_scores",
    "forward_pass",
    "feedforward",
    "feed_forward",
    "forward_propagation",
    "get_scores",
    "predict_proba",
)
LOSSES = ("loss", "compute_loss", "cost", "loss_function", "calculate_loss", "calc_loss", "objective")
GRADIENTS = (
    "loss",
    "back_propagation",
    "backpropagation",
    "backprop",
    "back_prop",
    "backward",
    "backward_pass",
    "gradients",
    "compute_gradients",
    "compute_grads",
    "grad",
    "loss_and_gradients",
)
TRAINS, PREDICTS = ("train", "fit", "train_network"), ("predict", "predict_labels", "classify")
PENALTIES = ("reg", "lam", "lambda_", "lmbda", "l2", "regularization", "reg_lambda")
"""What lambda may be called."""

ENDED = ("time", "died", "output", "files", "protocol")
"""Failures after which the process is gone."""


@dataclass(frozen=True)
class Place:
    """Where a parameter lies: its path in the object, and whether it is (out, in) or has an axis more."""

    path: str
    transposed: bool = False
    column: str = ""
    """For a bias: "" (H,), "row" (1, H), "column" (H, 1)."""

    def there(self, value: Array) -> Array:
        """A parameter of ours as the student keeps it."""
        if self.column:
            return value.reshape((1, -1) if self.column == "row" else (-1, 1))
        return value.T if self.transposed else value

    def here(self, value: Array) -> Array:
        """A parameter of the student's as we keep it."""
        if self.column:
            return value.ravel()
        return value.T if self.transposed else value


@dataclass
class Answer:
    """What a call gave.

    Attributes
    ----------
    value : the described value, None where there is none
    failure : why there is none
    changed : numbers of the arguments that the call wrote to
    lines : how often each line was executed, where that was asked for
    records : of the calls to a method, where that was asked for
    """

    value: Any = None
    failure: Failure | None = None
    changed: Sequence[int] = ()
    lines: Mapping[int, int] = field(default_factory=dict)
    records: Sequence[Record] = ()

    @classmethod
    def of(cls, reply: Reply) -> Answer:
        """What a reply to `call` says."""
        if not reply.ok:
            return cls(failure=reply.failure)
        told = reply.value
        return cls(told.value, None, told.changed, told.lines, told.records)


class Student:
    """The network of a submission.

    Parameters
    ----------
    submission : its process
    source : its text
    described : what `load` said of the class
    definitions : how the file was loaded, needed when the process has to start again
    """

    def __init__(
        self, submission: Submission, source: Source, described: Class, definitions: bool = False
    ) -> None:
        self.submission, self.source, self.definitions = submission, source, definitions
        self.name = described.name
        self.methods: dict[str, list[Parameter]] = {}
        self.takes_any_name: set[str] = set()
        for method, parameters in described.methods.items():
            self.methods[method] = [p for p in parameters if not p.kind.startswith("VAR_")]
            if any(p.kind == "VAR_KEYWORD" for p in parameters):
                self.takes_any_name.add(method)
        self.scores_method = self._first(SCORES)
        self.loss_method = self._first(LOSSES)
        self.gradients_method = self._first(GRADIENTS)
        self.train_method, self.predict_method = self._first(TRAINS), self._first(PREDICTS)
        if self.gradients_method == "backward" and self.loss_method is None:
            self.loss_method = "backward"
        self.loss_method = self.loss_method or self.gradients_method
        self.places: dict[str, Place] = {}
        self.made: set[str] = set()
        self.printed = False
        self.gone = False

    def _first(self, names: Sequence[str]) -> str | None:
        return next((name for name in names if name in self.methods), None)

    def method_for(self, role: str) -> str | None:
        """The method for "scores", "loss", "gradients", "train" or "predict"; another name is its own."""
        method: str | None = getattr(self, f"{role}_method", role)
        return method

    # Calls --------------------------------------------------------------------------------------------------
    def ask(self, operation: str, **arguments: Any) -> Reply:
        """Ask the process; where it is gone, the next question starts another and loads the file again."""
        if self.gone:
            reply = self.submission.call("load", source=self.source.text, definitions=self.definitions)
            self.made.clear()
            if not reply.ok:
                return reply
            self.gone = False
        reply = self.submission.call(operation, **arguments)
        self.gone = reply.failure is not None and reply.failure.kind in ENDED
        self.printed |= bool(reply.output.strip())
        return reply

    def construct(self, D: int, H: int, K: int, seed: int = 0, std: float | None = None) -> Reply:
        """A new network under the name of its sizes."""
        target = f"{D}x{H}x{K}"
        names = [parameter.name for parameter in self.methods.get("__init__", [])]
        chosen = next(
            (n for n in names[3:] if n in ("std", "sigma", "weight_scale", "weight_std", "scale")), None
        )
        if chosen is None:
            chosen = names[3] if len(names) > 3 else "std" if "__init__" in self.takes_any_name else None
        keywords = {chosen: std} if std is not None and chosen is not None else {}
        reply = self.ask(
            "construct", target=target, cls=self.name, args=[D, H, K], keywords=keywords, seed=seed
        )
        if reply.ok:
            self.made.add(target)
        return reply

    def prepare(self, probe: Probe) -> tuple[str, Failure | None]:
        """The network of the probe's sizes with its parameters."""
        D, H, K = probe.sizes
        target = f"{D}x{H}x{K}"
        if self.gone or target not in self.made:
            reply = self.construct(D, H, K)
            if not reply.ok:
                return target, reply.failure
        values = {
            self.places[name].path: self.places[name].there(np.array(probe.params[name])) for name in NAMES
        }
        reply = self.ask("assign", target=target, values=values)
        return target, reply.failure

    def parameters(self, target: str) -> dict[str, Array] | None:
        """The network's parameters as we keep them; None where they are no longer there or misshapen."""
        reply = self.ask("attributes", target=target)
        return self.named(reply.value) if reply.ok else None

    def named(self, attributes: Mapping[str, Any]) -> dict[str, Array] | None:
        """The parameters among an object's arrays."""
        try:
            return {
                name: self.places[name].here(np.asarray(attributes[self.places[name].path])) for name in NAMES
            }
        except (KeyError, ValueError):
            return None

    def call(self, target: str, method: str, args: list[Any], keywords: Any = None, **options: Any) -> Answer:
        """Call a method."""
        return Answer.of(
            self.ask("call", target=target, method=method, args=args, keywords=keywords or {}, **options)
        )

    def _asked(self, probe: Probe, method: str | None, does: str, *given: Any, **options: Any) -> Answer:
        """Call a method of the probe's network; a failure where there is no method that does this."""
        target, failure = self.prepare(probe)
        if failure is not None or method is None:
            return Answer(failure=failure or Failure("exception", "NotImplementedError", f"no method {does}"))
        return self.call(target, method, *given, **options)

    # Questions ----------------------------------------------------------------------------------------------
    def ask_scores(self, probe: Probe, **options: Any) -> Answer:
        """The scores of the probe's examples."""
        answer = self._asked(probe, self.scores_method, "gives scores", [probe.X], **options)
        if answer.value is None and self.scores_method == "loss" and "forward" in self.methods:
            self.scores_method = "forward"
            return self._asked(probe, self.scores_method, "gives scores", [probe.X], **options)
        return answer

    def ask_loss(self, probe: Probe, gradients: bool = False, **options: Any) -> Answer:
        """The loss of the probe, with its gradients where the method gives both."""
        method = self.gradients_method if gradients else self.loss_method
        given = self.loss_arguments(method, probe) if method is not None else ()
        return self._asked(probe, method, "gives a loss", *given, **options)

    def loss_arguments(self, method: str, probe: Probe) -> tuple[list[Any], dict[str, Any]]:
        """X, y and lambda as the method takes them."""
        names = [parameter.name for parameter in self.methods[method]]
        named = next((n for n in names if n in PENALTIES), None)
        if named is None and len(names) < 3 and method in self.takes_any_name:
            named = "reg"
        if named is not None:
            return [probe.X, probe.y], {named: probe.reg}
        return ([probe.X, probe.y, probe.reg] if len(names) > 2 else [probe.X, probe.y]), {}

    def ask_predict(self, probe: Probe, **options: Any) -> Answer:
        """The labels of the probe's examples."""
        return self._asked(probe, self.predict_method, "predicts", [probe.X], **options)


def array_of(value: Any) -> Array | None:
    """A described value as an array of numbers; None if it is none."""
    if isinstance(value, dict) and value.get("kind") in ("tensor", "list") and "value" in value:
        value = value["value"]
    if isinstance(value, bool | int | float):
        return np.asarray(float(value))
    return value if isinstance(value, np.ndarray) and value.dtype.kind in "biufc" else None


def losses_of(value: Any) -> Array | None:
    """The losses in what a training gave, by their name; None where there are none."""
    entries = entries_of(value) or {}
    named = (key for key in entries if "loss" in key.lower() and "val" not in key.lower())
    return next((array_of(entries[key]) for key in named), None)


def items_of(value: Any) -> list[Any] | None:
    """The items of a described tuple or list."""
    if (
        isinstance(value, dict)
        and value.get("kind") in ("tuple", "list")
        and isinstance(value.get("items"), list)
    ):
        return list(value["items"])
    return None


def entries_of(value: Any) -> dict[str, Any] | None:
    """The entries of a described dict."""
    if isinstance(value, dict) and value.get("kind") == "dict" and isinstance(value.get("items"), dict):
        return dict(value["items"])
    return None


def find_places(attributes: Mapping[str, Any], D: int, H: int, K: int) -> dict[str, Place]:
    """Where the parameters of a network with different sizes lie: by shape, and by name among equals."""
    wanted = {"W1": (D, H), "b1": (H,), "W2": (H, K), "b2": (K,)}
    found: dict[str, Place] = {}
    for name, shape in wanted.items():
        fitting = []
        for path, value in attributes.items():
            place = _place(path, np.shape(value), shape)
            if place is not None:
                last = path.rsplit("/", 1)[-1].lower()
                likeness = (last != name.lower(), name[1] not in last, "param" not in path, len(path))
                fitting.append((likeness, place))
        if fitting:
            found[name] = min(fitting, key=lambda pair: pair[0])[1]
    return found


def _place(path: str, shape: tuple[int, ...], wanted: tuple[int, ...]) -> Place | None:
    if shape == wanted:
        return Place(path)
    if len(wanted) == 2 and shape == wanted[::-1]:
        return Place(path, transposed=True)
    if len(wanted) == 1 and shape in ((1, *wanted), (*wanted, 1)):
        return Place(path, column="row" if shape[0] == 1 else "column")
    return None
