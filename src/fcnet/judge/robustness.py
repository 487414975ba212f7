"""Robustness: inputs that are right but unusual, and what a call may leave behind."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fcnet.arrays import Array
from fcnet.judge.case import METHODS, Case, sizes_of
from fcnet.judge.forms import loss_of, scores_of, seen_of
from fcnet.judge.hypotheses import answers, close
from fcnet.judge.isolation import Failure
from fcnet.judge.probes import NAMES, Probe, draw
from fcnet.judge.student import ENDED, Student

ANSWERS = ("scores", "loss", *NAMES)

UNKNOWN = {"scores": "SCORES_UNKNOWN", "loss": "LOSS_UNKNOWN"}
"""Kinds of wrong answers that no mistake explains; the other answers are gradients."""


def judge_robustness(case: Case) -> None:
    """Ask the unusual questions of a network whose usual answers are known."""
    case.reached.append("robustness")
    toy = case.has("HARDCODED_C", "HARDCODED_N")
    inputs_are_kept(case)
    if not toy and case.guesses and not other_batches(case):
        unusual_batches(case)
    integers(case)
    large(case)
    if case.student.printed and case.source.find([r"\bprint\("], case.spans("loss")) is not None:
        case.add("OUTPUT", "loss(X, y)", "nothing printed", "printed text")


def state_is_kept(case: Case) -> None:
    """A loss leaves the parameters as they were, and adds none."""
    student, probe = case.student, case.probes[0]
    target, failure = student.prepare(probe)
    if failure is not None:
        return
    before = student.ask("attributes", target=target)
    method = student.gradients_method or student.loss_method or ""
    student.call(target, method, *student.loss_arguments(method, probe))
    after = student.ask("attributes", target=target)
    if not before.ok or not after.ok:
        return
    folders = {place.path.rpartition("/")[0] for place in student.places.values()}
    folder = folders.pop() if len(folders) == 1 else ""
    new = [
        path for path in after.value
        if folder and path.startswith(f"{folder}/") and path not in fresh_paths(student, probe, folder)
    ]  # fmt: skip
    spans = case.spans(*METHODS["robustness"])
    if new:
        keys = ", ".join(path.rsplit("/", 1)[-1] for path in new)
        case.add("PARAMS_POLLUTED", sizes_of(probe), "W1, b1, W2, b2 in params after loss", f"also {keys}",
                 spans=spans)  # fmt: skip
    kept = student.named(after.value)
    if kept is None or any(not np.array_equal(kept[n], np.asarray(probe.params[n])) for n in NAMES):
        changed = (
            "a parameter is gone"
            if kept is None
            else ", ".join(n for n in NAMES if not np.array_equal(kept[n], np.asarray(probe.params[n])))
        )
        case.add("PARAMS_CHANGED", sizes_of(probe), "the same parameters after loss as before",
                 f"changed: {changed}", spans=spans)  # fmt: skip


def fresh_paths(student: Student, probe: Probe, folder: str) -> set[str]:
    """The arrays that a new network has in the folder of its parameters."""
    reply = student.construct(*probe.sizes)
    found = reply.value if reply.ok else {}
    return {path for path in found if path.startswith(f"{folder}/")}


def inputs_are_kept(case: Case) -> None:
    """X and y are as they were, and may be read-only."""
    student, probe = case.student, case.probes[0]
    answers_ = (student.ask_scores(probe), student.ask_loss(probe, gradients=bool(student.gradients_method)))
    changed = {place for answer in answers_ for place in answer.changed}
    if changed:
        names = " and ".join("Xy"[place] for place in sorted(changed) if place < 2)
        case.add("INPUT_CHANGED", sizes_of(probe), "X and y as they were before the call",
                 f"{names} changed")  # fmt: skip
        return
    locked = student.ask_loss(probe, readonly=True)
    if has_ended(case, locked.failure, sizes_of(probe)):
        return
    if locked.failure is not None and student.ask_loss(probe).failure is None:
        got = locked.failure.text
        case.add("READ_ONLY_INPUT", "X and y that may not be written", "the loss", got,
                 line=locked.failure.line)  # fmt: skip


def has_ended(case: Case, failure: Failure | None, question: Mapping[str, Any]) -> bool:
    """Whether the process has ended: that is noted, and shows no other mistake."""
    if failure is None or failure.kind not in ENDED:
        return False
    case.failed("robustness", failure, question)
    return True


@dataclass(frozen=True)
class Difference:
    """An answer that is not what explained the main questions.

    Attributes
    ----------
    name : of the answer
    expected, got : the right one and the submission's, as numbers or as the text of a failure
    failure : why the submission gave none
    """

    name: str
    expected: Any
    got: Any
    failure: Failure | None = None

    def tell(self, case: Case, code: str, question: Mapping[str, Any]) -> None:
        """Note it as a mistake of this kind, unless the process has ended."""
        if has_ended(case, self.failure, question):
            return
        line = self.failure.line if self.failure is not None else None
        case.add(code, question, {self.name: self.expected}, {self.name: self.got}, line=line,
                 spans=case.spans(*METHODS["robustness"]))  # fmt: skip


def compare(case: Case, probe: Probe, names: Sequence[str]) -> Difference | None:
    """What differs first from what explained the main questions; None if nothing does."""
    given = [answers(guess.text, probe) for guess in case.guesses[:8]]
    right = given[0]
    known = {name for name in names if explained(case, name)}
    if case.has("LOG_CLIPPED"):
        known.discard("loss")  # it differs wherever the right class is improbable
    for name in names:
        if name not in known:
            continue
        seen = seen_of(case.student, name, probe)
        nothing = "no gradient" if name in NAMES and seen.failure is None else seen.got
        if name not in seen.values or not fits(case, seen.values[name], name, given):
            return Difference(name, right.get(name), seen.values.get(name, nothing), seen.failure)
    return None


def explained(case: Case, name: str) -> bool:
    """Whether what explained the main questions gives the submission's answers of this name.

    Answers that are not finite explain nothing.
    """
    look = case.look(channel for channel in case.observed if channel[1] == name)
    finite = all(np.isfinite(case.observed[channel]).all() for channel in look.channels)
    return bool(look.channels) and finite and look.agrees(case.guesses[0].text)


def fits(case: Case, value: Array, name: str, given: list[Mapping[str, Array]]) -> bool:
    """Whether a guess gives this value; those that do not are dropped where one does."""
    fitting = [name not in one or close(value, one[name], case.tolerance) for one in given]
    if any(fitting) and not all(fitting):
        kept = [guess for guess, fit in zip(case.guesses, fitting, strict=False) if fit]
        given[:] = [one for one, fit in zip(given, fitting, strict=True) if fit]
        case.guesses = case.possible = kept
    return any(fitting)


def other_batches(case: Case) -> bool:
    """Ask the network of the next questions for two usual batches first; whether one of them fails."""
    for count in (6, 9):
        probe = draw(case.rng, 3, 7, 5, count)
        seen = compare(case, probe, ANSWERS)
        if seen is not None:
            case.student.construct(*probe.sizes)
            first = compare(case, probe, (seen.name,)) is None
            code = "STATE_KEPT" if first else UNKNOWN.get(seen.name, "GRAD_UNKNOWN")
            seen.tell(case, code, sizes_of(probe))
            return True
    return False


def with_class(probe: Probe, label: int) -> list[Probe]:
    """Batches with this class: either of the first two labels becomes it, and then no class is missing."""
    places = np.arange(len(probe.y))
    return [replace(probe, y=np.where(places == place, label, probe.y)) for place in (0, 1)]


def twice(probe: Probe) -> list[Probe]:
    """The batch with its one example twice."""
    return [replace(probe, X=np.repeat(probe.X, 2, axis=0), y=np.repeat(probe.y, 2))]


UNUSUAL: tuple[tuple[str, tuple[int, int, int], list[int], Callable[[Probe], list[Probe]]], ...] = (
    ("C_FROM_BATCH", (3, 7, 5), [0, 1, 2, 0, 1, 2, 3, 3], lambda probe: with_class(probe, 4)),
    ("C_FROM_BATCH", (3, 7, 5), [4, 1, 2, 3, 4, 1, 3, 3], lambda probe: with_class(probe, 0)),
    ("BATCH_OF_ONE", (5, 7, 4), [2], twice),
)
"""Batches without the last class, without the first, and of one example: the kind of mistake of one that is
answered wrongly, sizes and labels, and the same examples without what is unusual."""


def unusual_batches(case: Case) -> None:
    """Ask for the unusual batches until one is answered wrongly.

    Where the same examples are answered wrongly in a usual batch, too, that is noted, because what is unusual
    is not the reason.
    """
    for code, sizes, labels, usual in UNUSUAL:
        probe = draw(case.rng, *sizes, len(labels), y=np.array(labels))
        seen = compare(case, probe, ANSWERS)
        if seen is None:
            continue
        for other in usual(probe):
            again = compare(case, other, (seen.name,))
            if again is not None:
                code, probe, seen = UNKNOWN.get(again.name, "GRAD_UNKNOWN"), other, again
                break
        seen.tell(case, code, {**sizes_of(probe), "y": probe.y})
        return


def integers(case: Case) -> None:
    """Examples that are integers, as pixels are."""
    student, probe = case.student, case.probes[0]
    if (0, "scores", 0.0) not in case.observed:
        return
    X = np.round(3 * probe.X).astype(np.int64)
    whole, same = replace(probe, X=X), replace(probe, X=X.astype(np.float64))
    one = scores_of(student, whole)
    other = scores_of(student, same)
    if other.value is None or has_ended(case, one.failure, {"X": X}):
        return
    if one.value is None or not close(one.value, other.value, 1e-6):
        got = one.got if one.value is None else one.value
        line = one.failure.line if one.failure is not None else None
        case.add("INTEGER_INPUT", {"X": X}, {"scores": other.value}, {"scores": got}, line=line)


def large(case: Case) -> None:
    """Logits of more than a thousand: for the class that is right, and then for the other."""
    student = case.student
    if (0, "scores", 0.0) not in case.observed or case.has("HARDCODED_C", "HARDCODED_N"):
        return
    params = {
        "W1": np.array([[1.0, 2.0]]),
        "b1": np.zeros(2),
        "W2": np.array([[400.0, 0.0], [0.0, 0.5]]),
        "b2": np.zeros(2),
    }
    for label, code in ((0, "SOFTMAX_OVERFLOW"), (1, "LOG_UNDERFLOW")):
        probe = Probe(params, np.array([[3.0]]), np.array([label]), 0.0)
        scores = scores_of(student, probe)
        loss = loss_of(student, probe)
        if scores.value is None or loss.value is None:
            return
        known = answers(case.settled.text, probe) if case.settled is not None else {}
        if not all(np.isfinite(value).all() for value in known.values()):
            return  # it follows from a mistake that has been named
        if not (np.isfinite(scores.value).all() and np.isfinite(loss.value)):
            case.add(code, {"X": probe.X, "y": probe.y, "reg": 0.0, **params},
                     "finite numbers for logits of 1200 and 3",
                     {"scores": scores.value, "loss": loss.value})  # fmt: skip
            return
