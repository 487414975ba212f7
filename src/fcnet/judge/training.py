"""Training (3): the steps, the schedule, the minibatches and the history.

Steps are judged without knowing which rows were drawn: all rows of the training set are the same, so every
minibatch has the same gradient and the path is determined. Each step is held against the submission's own
gradient, so a mistake there is not blamed again.
"""

from dataclasses import replace

import numpy as np

from fcnet.arrays import Array
from fcnet.judge.batches import judge_batches
from fcnet.judge.case import Case
from fcnet.judge.history import judge_history, judge_toy
from fcnet.judge.isolation import Failure
from fcnet.judge.probes import NAMES, Probe
from fcnet.judge.report import Shown
from fcnet.judge.trainer import Trained, train
from fcnet.judge.walking import (
    SETTINGS,
    Path,
    T,
    draw_uncertain,
    first_batch,
    stands_still,
    steps_of,
    visited,
    walk,
)

FIT = 1e-6
"""How exactly a step has to be a multiple of the gradient."""

SEEN = 1e-8
"""A step has to be larger than this, or rounding decides what is seen of it."""

SHORT = {"N": 6, "batch_size": 3, "num_iters": 5}
STEP = {
    "learning_rate": SETTINGS.learning_rate,
    "learning_rate_decay": SETTINGS.learning_rate_decay,
    "reg": SETTINGS.reg,
    "batch_size": 3,
    "N": 6,
    "num_iters": 1,
}
"""What is asked, as the report prints it: a short training, and its first step."""


def judge_training(case: Case, sound: bool) -> None:
    """Look at the training.

    Parameters
    ----------
    sound : whether the loss gives gradients of the right form, so that a failure is the training's own
    """
    case.reached.append("training")
    student = case.student
    if student.train_method is None:
        case.add("TRAIN_MISSING", student.name, "a method train", "no such method")
        return
    if case.has("HARDCODED_N"):
        case.reached.remove("training")
        return
    sizes = (4, 10, 3) if case.has("HARDCODED_C") else (5, 7, 4)
    one = draw_uncertain(case, sizes)
    same = Probe(one.params, np.repeat(one.X, 6, axis=0), np.repeat(one.y, 6), SETTINGS.reg)
    first = train(case, same, replace(SETTINGS, num_iters=5), spy=True)
    if first.failure is not None:
        told_failure(case, first.failure, sound)
        return
    start = next(iter(visited(case, first)), None)
    if start is not None and not any(np.array_equal(start[name], same.params[name]) for name in NAMES):
        case.add("TRAIN_STARTS_AFRESH", "a network with parameters", "a first step from these parameters",
                 "from others")  # fmt: skip
        return
    rows = len(first_batch(first, same))
    path = walk(case, same, first, rows) if sound else None
    if path is not None and stands_still(path):
        judge_steps(case, path, same, first)
        if case.has("TRAIN_UNIMPLEMENTED"):
            return
    steps = steps_of(case, first)
    if steps is not None and steps not in (5, 6):  # the parameters after the last step may be seen or not
        case.add("NUM_ITERS_IGNORED", SHORT, "5 steps", f"{steps} steps")
        path = None
    judge_batches(case, sizes)
    if path is not None and not case.has("TRAINING_DATA_CHANGED"):
        judge_steps(case, path, same, first)
    if sound:
        judge_history(case, sizes)
    elif not any(finding.stage == "training" for finding in case.findings):
        case.reached.remove("training")  # nobody has seen its steps: there is nothing to give points for
    if not case.wrong():
        judge_toy(case)


def told_failure(case: Case, failure: Failure, sound: bool) -> None:
    """A training that ends with an exception: its own, or one that follows from what was found before."""
    if "larger sample than population" in failure.text:
        case.add("BATCH_REPLACE_FALSE", SHORT, "a batch", failure.text, line=failure.line)
    elif sound or failure.type == "NotImplementedError" or failure.kind != "exception":
        case.failed("training", failure, SHORT, "a training")
    else:
        case.reached.remove("training")


def lambda_handed_on(done: Trained) -> bool:
    """Whether the recorded calls of the loss had the lambda of the training among their arguments."""
    numbers = [
        value
        for record in done.records
        for value in (*record.args[2:], *record.keywords.values())
        if isinstance(value, float)
    ]
    return bool(numbers) and all(value == SETTINGS.reg for value in numbers)


def judge_steps(case: Case, path: Path, same: Probe, first: Trained) -> None:
    """Hold each step against -alpha times the gradient; `first` is a training with recorded calls."""
    sizes = {
        name: SETTINGS.learning_rate * np.abs(path.gradients[0].get(name, np.zeros(1))).max()
        for name in NAMES
    }
    names = [name for name in NAMES if all(name in g for g in path.gradients) and sizes[name] > SEEN]
    steps = path.steps
    if not any(step.any() for name in NAMES for step in steps[name]):
        if not names:
            return
        rate = r"(learning_rate|lr|alpha|eta)"
        updates = case.source.find([rf"{rate}\s*\*(?!=)", rf"\*\s*{rate}\b"], case.spans("train"))
        asked = bool(first.records) or not case.student.gradients_method
        case.add("UPDATE_LOST" if updates and asked else "TRAIN_UNIMPLEMENTED", STEP,
                 "parameters that move", "the same parameters as before")  # fmt: skip
        return
    still = [name for name in names if not any(step.any() for step in steps[name])]
    for letter, code in (("b", "BIASES_NOT_UPDATED"), ("W", "WEIGHTS_NOT_UPDATED")):
        kept = [name for name in still if name[0] == letter]
        if kept:
            case.add(code, STEP, f"{' and '.join(kept)} move", "unchanged", detail=", ".join(kept))
    moving = [name for name in names if name not in still]
    if moving:
        judge_rates(case, path, moving, same, lambda_handed_on(first))


def judge_rates(case: Case, path: Path, moving: list[str], same: Probe, handed_on: bool) -> None:
    """Learning rates that the steps imply: their size, sign and course."""
    rates = implied(path.gradients, path.steps, moving)
    if rates is None:
        rates = implied_with_momentum(case, path, moving)
    if rates is None and judge_penalty(case, path, moving, handed_on):
        rates = implied(path.plain, path.steps, [name for name in moving if name[0] == "b"])
    name = min(moving, key=lambda one: same.params[one].size)
    right = -SETTINGS.learning_rate * path.gradients[0][name]
    shown = Shown(STEP, {f"step of {name}": right}, {f"step of {name}": path.steps[name][0]})
    if rates is None or not np.isfinite(rates).all():
        if not case.has("REG_NOT_PASSED", "UPDATE_TWICE"):
            case.add("UPDATE_UNKNOWN", *(differing(path, moving) or shown))
        return
    factor = float(rates[0] / SETTINGS.learning_rate)
    if factor < 0:
        case.add("UPDATE_SIGN", *shown)
    if not np.isclose(abs(factor), 1, atol=1e-5) and not np.isclose(
        factor, SETTINGS.learning_rate_decay, atol=1e-5
    ):
        case.add(factor_code(case, same, float(rates[0]), factor, name, path), *shown,
                 detail=f"the step is {abs(factor):.6g} times learning_rate times the gradient")  # fmt: skip
    if not case.has("LEARNING_RATE_HARDCODED", "LEARNING_RATE_LEFT_OUT"):
        judge_decay(case, rates)


def differing(path: Path, moving: list[str]) -> Shown | None:
    """The first step that is not -alpha times the gradient, of the smallest parameter; None if all are.

    Alpha may have fallen any number of times until then: that is asked elsewhere.
    """
    for t in range(T):
        for name in sorted(moving, key=lambda one: path.points[0][one].size):
            step, gradient = path.steps[name][t], path.gradients[t][name]
            rates = SETTINGS.learning_rate * SETTINGS.learning_rate_decay ** np.arange(t + 2)
            right = min((-rate * gradient for rate in rates), key=lambda one: np.abs(step - one).max())
            if not np.allclose(step, right, rtol=1e-5, atol=1e-5 * float(np.abs(right).max())):
                place = f"step {t + 1} of {name}" if t else f"step of {name}"
                return Shown({**STEP, "num_iters": t + 1}, {place: right}, {place: step})
    return None


def implied(
    gradients: list[dict[str, Array]], steps: dict[str, list[Array]], names: list[str]
) -> Array | None:
    """The learning rate of each step; None where a step is not a multiple of the gradient.

    A gradient of zero, as when all units are off for the one example, tells no rate, and asks for no step.
    """
    found = []
    for t in range(T):
        rates = []
        for name in names:
            g, step = gradients[t][name], steps[name][t]
            rate = -float((step * g).sum() / (g * g).sum()) if g.any() else 0.0
            if np.abs(step + rate * g).max() > FIT * float(np.abs(step).max()) + 1e-14:
                return None
            rates += [rate] if g.any() else []
        if not rates or not np.allclose(rates, rates[0], rtol=1e-5, atol=1e-12):
            return None
        found.append(rates[0])
    return np.array(found)


def implied_with_momentum(case: Case, path: Path, names: list[str]) -> Array | None:
    """The same where each step also has a constant part of the one before: Algorithm 1 with mu."""
    name, steps, found = names[0], path.steps, []
    rates = [implied([path.gradients[0]] * T, {n: [steps[n][0]] * T for n in names}, names)]
    if rates[0] is None:
        return None
    for t in range(1, T):
        g = np.concatenate([path.gradients[t][n].ravel() for n in names])
        now = np.concatenate([steps[n][t].ravel() for n in names])
        last = np.concatenate([steps[n][t - 1].ravel() for n in names])
        solution, *_ = np.linalg.lstsq(np.stack([-g, last], axis=1), now, rcond=None)
        if np.abs(now + solution[0] * g - solution[1] * last).max() > FIT * np.abs(now).max():
            return None
        found.append(solution)
    mu = [float(s[1]) for s in found]
    if not np.allclose(mu, mu[0], atol=1e-4) or not 0 < mu[0] < 1:
        return None
    case.notes.append(f"the update of {name} and the others has momentum {mu[0]:.3g}")
    return np.array([rates[0][0], *(float(s[0]) for s in found)])


def judge_penalty(case: Case, path: Path, moving: list[str], handed_on: bool) -> bool:
    """Whether the steps fit another lambda than the one that was given; then say so.

    Where the loss was given the right one, the update has added the rest.
    """
    for name in (name for name in ("W1", "W2") if name in moving):
        g, step = path.plain[0][name], path.steps[name][0]
        given = (path.gradients[0][name] - g).ravel()
        solution, *_ = np.linalg.lstsq(np.stack([-g.ravel(), -given], axis=1), step.ravel(), rcond=None)
        left = np.abs(step.ravel() + solution[0] * g.ravel() + solution[1] * given).max() / np.abs(step).max()
        if not given.any() or not solution[0] or left > 1e-2:
            continue
        share = float(solution[1] / solution[0])
        if np.isclose(share, 1, atol=1e-4) or (handed_on and share < 1):
            continue
        code = "UPDATE_TWICE" if handed_on else "REG_NOT_PASSED"
        case.add(code, STEP, f"lambda {SETTINGS.reg}", f"steps as if lambda were {share * SETTINGS.reg:.4g}")
        return True
    return False


def factor_code(case: Case, same: Probe, rate: float, factor: float, name: str, path: Path) -> str:
    """Why steps are too long or too short: the same question with twice the learning rate tells."""
    double = train(case, same, replace(SETTINGS, num_iters=1, learning_rate=2 * SETTINGS.learning_rate))
    if double.params is not None:
        g = path.gradients[0][name]
        again = -float(((double.params[name] - path.points[0][name]) * g).sum() / (g * g).sum())
        if np.isclose(again, rate, rtol=1e-5):
            return "LEARNING_RATE_LEFT_OUT" if np.isclose(abs(rate), 1) else "LEARNING_RATE_HARDCODED"
    return "UPDATE_FACTOR"


def judge_decay(case: Case, rates: Array) -> None:
    """The learning rate falls by its factor once an epoch; at which end of the epoch is left open."""
    with np.errstate(all="ignore"):
        powers = np.log(rates / rates[0]) / np.log(SETTINGS.learning_rate_decay)
    shown = Shown(
        {"learning_rate_decay": SETTINGS.learning_rate_decay, "batch_size": 3, "N": 6, "num_iters": T},
        "0.6 times the learning rate after every 2 steps",
        {"learning rates": np.round(np.abs(rates), 8)},
    )
    whole = np.round(powers)
    if not np.isfinite(powers).all() or np.abs(powers - whole).max() > 1e-3:
        case.add("DECAY_WRONG", *shown)
    elif not whole.any():
        case.add("DECAY_MISSING", *shown)
    elif np.array_equal(whole, np.arange(T)):
        case.add("DECAY_EVERY_ITERATION", *shown)
    elif (np.diff(whole) < 0).any() or np.diff(whole).max() > 1 or not 2 <= whole[-1] <= 3:
        case.add("DECAY_WRONG", *shown)
