"""Prediction: a label for each example, and the right one."""

import ast
from dataclasses import replace

import numpy as np

from fcnet.arrays import Array
from fcnet.judge.case import Case, sizes_of, told
from fcnet.judge.catalogue import kinds, mutated
from fcnet.judge.forms import computes, shape_text
from fcnet.judge.hypotheses import network
from fcnet.judge.probes import Probe, draw, small_probes
from fcnet.judge.report import Shown
from fcnet.judge.student import Answer, Student, array_of


def judge_prediction(case: Case) -> None:
    """Look at the labels."""
    case.reached.append("prediction")
    student = case.student
    if student.predict_method is None:
        case.add("PREDICT_MISSING", student.name, "a method predict(X)", "no such method")
        return
    size = (4, 10, 3, 5) if case.has("HARDCODED_C", "HARDCODED_N") else (5, 7, 4, 200)
    probe = draw_far(case.rng, *size)
    answer = student.ask_predict(probe)
    if scores_are_wrong(case) and uses_scores(student):
        judge_follower(case, answer, probe)
        return
    if answer.failure is not None:
        case.failed("prediction", answer.failure, sizes_of(probe), "labels")
        return
    labels = form(case, answer, probe)
    if labels is None:
        return
    right = np.argmax(probe.logits, axis=1)
    again = array_of(student.ask_predict(probe, seed=1).value)
    if again is not None and again.size == labels.size and not np.array_equal(again.ravel(), labels):
        random = (labels == right).mean() < 0.36 and not case.has("DROPOUT_ALWAYS_ON")
        code = "PREDICT_RANDOM" if random else "DROPOUT_AT_PREDICT"
        case.add(code, sizes_of(probe), "the same labels twice", "other labels the second time")
        return
    own = own_argmax(case, probe)
    if np.array_equal(labels, right) or (own is not None and np.array_equal(labels, own)):
        return
    case.add(named(case, probe, labels), *smallest(case))


def judge_follower(case: Case, answer: Answer, probe: Probe) -> None:
    """Labels that follow from wrong scores: only what cannot follow from them is said."""
    labels = array_of(answer.value)
    own = own_argmax(case, probe)
    if answer.failure is None and labels is not None and own is not None and np.array_equal(labels, own):
        return
    if answer.failure is not None and answer.failure.type == "NotImplementedError":
        case.failed("prediction", answer.failure, sizes_of(probe), "labels")
        return
    case.reached.remove("prediction")


def scores_are_wrong(case: Case) -> bool:
    """Whether a mistake was found in the scores, or what explains them has one."""
    codes = case.settled.codes if case.settled is not None else ()
    return case.wrong("scores") or any(kinds()[code].stage == "scores" for code in codes)


def uses_scores(student: Student) -> bool:
    """Whether the prediction asks the method that gives the scores, or one that this asks."""
    scores = student.scores_method or ""
    return bool(called(student, student.predict_method or "") & {scores, *called(student, scores)})


def called(student: Student, method: str) -> set[str]:
    """The methods of the class that a method mentions."""
    node = student.source.method(student.name, method)
    parts = ast.walk(node) if node is not None else iter(())
    return {part.attr for part in parts if isinstance(part, ast.Attribute)} & set(student.methods)


def draw_far(rng: np.random.Generator, D: int, H: int, K: int, N: int) -> Probe:
    """A question without near ties between the two best classes."""
    while True:
        many = replace(draw(rng, D, H, K, 1), X=rng.normal(0, 1, (12 * N, D)))
        z3 = np.sort(many.logits, axis=1)
        clear = many.X[z3[:, -1] - z3[:, -2] > 1e-3][:N]
        probe = Probe(many.params, clear, np.resize(np.arange(K), len(clear)), 0.0)
        labels = np.argmax(probe.logits, axis=1)
        if len(clear) == N and len(set(labels.tolist())) >= min(K, 3):
            return probe


def own_argmax(case: Case, probe: Probe) -> Array | None:
    """The labels that follow from the submission's own scores, where those are wrong already."""
    if not scores_are_wrong(case):
        return None
    scores = array_of(case.student.ask_scores(probe).value)
    return np.argmax(scores, axis=1) if scores is not None and scores.ndim == 2 else None


def form(case: Case, answer: Answer, probe: Probe) -> Array | None:
    """The labels (N,), or a note that they have another form."""
    N, K = len(probe.X), probe.sizes[2]
    array, got = array_of(answer.value), shape_text(answer.value)
    question = sizes_of(probe)

    def wrong(code: str) -> None:
        case.add(code, question, f"{N} integer labels, shape ({N},)", got)

    if array is None:
        written = computes(case.student, case.student.predict_method)
        wrong("PREDICT_UNIMPLEMENTED" if answer.value is None or not written else "PREDICT_SCORES")
        return None
    if array.shape in ((N, K), (K, N)):
        wrong("PREDICT_SCORES")
        return None
    if array.ndim == 0:
        wrong("PREDICT_AXIS")
        return None
    if array.shape in ((N, 1), (1, N)):
        wrong("PREDICT_2D")
        array = array.ravel()
    if array.shape != (N,):
        wrong("PREDICT_AXIS" if array.size == K else "PREDICT_SCORES")
        return None
    whole = np.array_equal(array, np.round(array))
    if not whole:
        wrong("PREDICT_MAX")
        return None
    if array.dtype.kind == "f" and not isinstance(answer.value, dict):
        wrong("PREDICT_FLOAT")
    return array.astype(np.int64)


def named(case: Case, probe: Probe, labels: Array) -> str:
    """The kind whose mutant gives these labels, else that they are wrong."""
    for kind in kinds().values():
        for patch in kind.mutants if kind.fingerprint == "labels" else ():
            text = mutated(case.base.text, patch)
            if text is not None and np.array_equal(network(text, probe).predict(probe.X), labels):
                return kind.code
    return "PREDICT_UNKNOWN"


def smallest(case: Case) -> Shown:
    """The smallest of our round questions with a wrong label."""
    for probe in small_probes():
        right = np.argmax(probe.logits, axis=1)
        got = array_of(case.student.ask_predict(probe).value)
        if got is not None and not np.array_equal(got, right):
            return Shown(told(probe, ["scores"]), right, got)
    return Shown()
