"""Question 4: the discussion of the study of depth. Each sentence follows from the numbers that it states.

A difference of two means is taken for one where it is above `NOISE` standard errors. These have two sources:
the seeds, whose variance is divided by their number, and the validation images, p (1 - p) / n for an accuracy
p on n images. (Two nets see the same images, which makes the second smaller by about as much as taking a
difference of two makes it larger.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from fcnet.experiments.diagnosis import Finding

Row = dict[str, Any]

NOISE = 2.0
"""Standard errors up to which a difference of means is called noise."""

STARTED = 1.5
"""A net has started if its training accuracy is so many times that of guessing."""


def discuss(rows: Sequence[Row], signals: Sequence[dict[str, Any]], classes: int = 10) -> list[Finding]:
    """Say what the study shows: optimisation, capacity, overfitting, what depth bought.

    Parameters
    ----------
    rows : of `depth.study`
    signals : of `question4.step_zero`
    classes : K, of which guessing gets one in K right
    """
    width = [row for row in rows if row["budget"] == "width"]
    equal = [row for row in rows if row["budget"] == "parameters"]
    he = [row for row in width if row["initialisation"] == "he"]
    findings = [_start(width, signals, classes), _signal(signals), _initialisation(width)]
    findings += [_capacity(he), _gap(he), _bought(he)]
    if equal:
        findings.append(_parameters(equal))
    return findings


def _start(rows: Sequence[Row], signals: Sequence[dict[str, Any]], classes: int) -> Finding:
    """Optimisation: which nets left the start at all."""
    stuck = [row for row in rows if row["training_accuracy_mean"] < STARTED / classes]
    if not stuck:
        worst = min(rows, key=lambda row: row["training_accuracy_mean"])
        return Finding(
            "nets that do not start", 0.0,
            f"Optimisation: every net starts; the slowest, {_net(worst)}, still reaches "
            f"{_percent(worst['training_accuracy_mean'])} on the training images.",
        )  # fmt: skip
    names = ", ".join(_net(row) for row in stuck)
    best = max(stuck, key=lambda row: row["training_accuracy_mean"])
    are = "does" if len(stuck) == 1 else "do"
    return Finding(
        "nets that do not start", float(len(stuck)),
        f"Optimisation: {names} {are} not start. After {stuck[0]['epochs']} epochs the best of them gets "
        f"{_percent(best['training_accuracy_mean'])} of the training images right, and guessing gets "
        f"{_percent(1 / classes)}.",
    )  # fmt: skip


def _signal(signals: Sequence[dict[str, Any]]) -> Finding:
    """Why: how the signal fades on its way through the deepest net, and the gradient with it."""
    deepest = max(one["layers"] for one in signals)
    small, he = (
        next(one for one in signals if (one["layers"], one["initialisation"]) == (deepest, how))
        for how in ("1e-3", "he")
    )
    shrink = small["activations"][-1] / small["activations"][0]
    keep = he["activations"][-1] / he["activations"][0]
    ratio = small["gradients"][0] / he["gradients"][0]
    return Finding(
        "size of the logits relative to the first layer's activations", shrink,
        f"Why: drawn from N(0, 1e-3), {deepest} layers take the signal from "
        f"{small['activations'][0]:.1e} behind the first layer to {small['activations'][-1]:.1e} in the "
        f"logits, a factor of {shrink:.1e}; He's choice takes it from {he['activations'][0]:.2f} to "
        f"{he['activations'][-1]:.2f}, a factor of {keep:.2f}. The first layer's gradient is "
        f"{small['gradients'][0]:.1e} against {he['gradients'][0]:.1e}, a factor of {ratio:.1e}: what should "
        f"change the weights is lost on its way. Units that are off for every image are not it: they make "
        f"up {_percent(max(small['dead']))} of a layer at most, and {_percent(max(he['dead']))} with He's.",
    )  # fmt: skip


def _initialisation(rows: Sequence[Row]) -> Finding:
    """He's choice against PyTorch's default, depth by depth."""
    others = {row["layers"]: row for row in rows if row["initialisation"] == "pytorch"}
    pairs = [
        (row, others[row["layers"]])
        for row in rows
        if row["initialisation"] == "he" and row["layers"] in others
    ]
    if not pairs:
        he = [row for row in rows if row["initialisation"] == "he"]
        low = min(row["validation_accuracy_mean"] for row in he)
        return Finding(
            "lowest validation accuracy from He's choice", low,
            f"Initialisation: from He's choice every depth trains, to {_percent(low)} or more.",
        )  # fmt: skip
    told = ", ".join(
        f"{_points(_difference(a, b))} at {a['layers']} layers{'' if _differs(a, b) else ' (noise)'}"
        for a, b in pairs
    )
    largest = max((_difference(a, b) for a, b in pairs), key=abs)
    return Finding(
        "largest difference of He's choice and PyTorch's default", largest,
        f"Initialisation: against PyTorch's default, whose variance is a sixth of He's, He's choice is "
        f"worth on validation images {told}.",
    )  # fmt: skip


def _capacity(rows: Sequence[Row]) -> Finding:
    """Training accuracy against depth: the closest fit against the shallowest net's."""
    first, best = rows[0], max(rows, key=lambda row: row["training_accuracy_mean"])
    gain = best["training_accuracy_mean"] - first["training_accuracy_mean"]
    error = math.sqrt(sum(row["training_accuracy_std"] ** 2 / len(row["seeds"]) for row in (first, best)))
    told = ", ".join(f"{_percent(row['training_accuracy_mean'])} at {row['layers']}" for row in rows)
    more = best["parameters"] / first["parameters"]
    if best is first:
        what = "no deeper net fits the training images better than two layers"
    elif gain > NOISE * error:
        what = (
            f"{best['layers']} layers, with x {more:.2f} parameters, fit the training images better than "
            f"{first['layers']} ({_points(gain)})"
        )
    else:
        what = f"{best['layers']} layers are {_points(gain)} above {first['layers']}, which is noise"
    return Finding(
        "closest fit minus that of the shallowest net", gain,
        f"Capacity: training accuracy is {told} layers: {what}.",
    )  # fmt: skip


def _gap(rows: Sequence[Row]) -> Finding:
    """Overfitting: training minus validation accuracy against depth."""
    gaps = [row["training_accuracy_mean"] - row["validation_accuracy_mean"] for row in rows]
    first, last, change = rows[0], rows[-1], gaps[-1] - gaps[0]
    seeds = sum(
        row[f"{part}_accuracy_std"] ** 2 / len(row["seeds"])
        for row in (first, last)
        for part in ("training", "validation")
    )
    error = math.sqrt(seeds + _images_variance(first, last))
    if abs(change) <= NOISE * error:
        verdict = "the deepest differs from the shallowest by no more than chance"
    else:
        verdict = f"the deepest overfits {'more' if change > 0 else 'less'} than the shallowest"
    told = ", ".join(f"{100 * gap:.1f} at {row['layers']}" for gap, row in zip(gaps, rows, strict=True))
    return Finding(
        "change of the gap from the shallowest to the deepest net", change,
        f"Overfitting: training is above validation accuracy by {told} layers (points): {verdict}.",
    )  # fmt: skip


def _bought(rows: Sequence[Row]) -> Finding:
    """What depth bought on validation images, and for how long a training."""
    first, best = rows[0], max(rows, key=lambda row: row["validation_accuracy_mean"])
    if best is first:
        return Finding(
            "best minus two-layer validation accuracy", 0.0,
            f"What depth bought: nothing in {first['epochs']} epochs; the {first['layers']}-layer net is the "
            f"best on validation images, at {_with_deviation(first)}.",
        )  # fmt: skip
    gain = _difference(best, first)
    verdict = (
        "more than seeds and images leave to chance"
        if _differs(best, first)
        else "no more than seeds and images leave to chance"
    )
    return Finding(
        "best minus two-layer validation accuracy", gain,
        f"What depth bought: the best on validation images has {best['layers']} layers, "
        f"{_with_deviation(best)} against {_with_deviation(first)} of {first['layers']} layers: "
        f"{_points(gain)}, {verdict}, for x {best['seconds'] / first['seconds']:.2f} training time.",
    )  # fmt: skip


def _parameters(rows: Sequence[Row]) -> Finding:
    """The same question where depth is paid for with width."""
    first, best = rows[0], max(rows, key=lambda row: row["validation_accuracy_mean"])
    told = ", ".join(
        f"{row['layers']} layers of {row['width']}: {_percent(row['validation_accuracy_mean'])}"
        for row in rows
    )
    gain = _difference(best, first)
    off = max(abs(row["parameters"] / first["parameters"] - 1) for row in rows)
    if best is first:
        verdict = "depth buys nothing"
    elif _differs(best, first):
        verdict = f"depth alone buys {_points(gain)}"
    else:
        verdict = f"the best is {_points(gain)} above two layers, which is noise"
    return Finding(
        "best minus two-layer validation accuracy at equal parameters", gain,
        f"At equal parameters ({first['parameters']:,} to within {100 * off:.1f} %): {told}; {verdict}.",
    )  # fmt: skip


def _difference(a: Row, b: Row) -> float:
    return float(a["validation_accuracy_mean"] - b["validation_accuracy_mean"])


def _differs(a: Row, b: Row) -> bool:
    """Whether two mean validation accuracies differ by more than seeds and images leave to chance."""
    seeds = sum(row["validation_accuracy_std"] ** 2 / len(row["seeds"]) for row in (a, b))
    return abs(_difference(a, b)) > NOISE * math.sqrt(seeds + _images_variance(a, b))


def _images_variance(a: Row, b: Row) -> float:
    """What the choice of validation images leaves to chance in a difference of the two."""
    p = (a["validation_accuracy_mean"] + b["validation_accuracy_mean"]) / 2
    return float(p * (1 - p) / a["validation_images"])


def _net(row: Row) -> str:
    how = {"he": "He", "pytorch": "PyTorch's default"}.get(
        row["initialisation"], f"N(0, {row['initialisation']})"
    )
    return f"{row['layers']} layers from {how}"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"


def _points(fraction: float) -> str:
    return f"{100 * fraction:+.1f} points"


def _with_deviation(row: Row) -> str:
    mean, std = row["validation_accuracy_mean"], row["validation_accuracy_std"]
    return f"{_percent(mean)} (standard deviation {100 * std:.1f})"
