"""A training's path: the parameters after each of its first steps, and the gradients at each of them.

All rows of the training set are the same, so every minibatch has the same gradient, and the path is
determined whichever rows were drawn.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from fcnet.arrays import Array
from fcnet.judge.batches import batches
from fcnet.judge.case import Case
from fcnet.judge.forms import gradients_of
from fcnet.judge.hypotheses import answers, bases
from fcnet.judge.probes import NAMES, Probe, draw
from fcnet.judge.trainer import Settings, Trained, train

T = 6
"""Steps that are looked at; two make an epoch."""

SETTINGS = Settings(learning_rate=0.0137, learning_rate_decay=0.6, reg=0.1, num_iters=T, batch_size=3)


@dataclass(frozen=True)
class Path:
    """Parameters before and after each step, and the gradients before each, at lambda and at 0."""

    points: list[dict[str, Array]]
    gradients: list[dict[str, Array]]
    plain: list[dict[str, Array]]

    @cached_property
    def steps(self) -> dict[str, list[Array]]:
        """The steps of each parameter."""
        return {
            name: [after[name] - before[name] for before, after in pairwise(self.points)] for name in NAMES
        }


def draw_uncertain(case: Case, sizes: tuple[int, int, int]) -> Probe:
    """One example of whose class a right network is not sure, so that its gradients are not tiny."""
    right = bases("probabilities")[0].text
    while True:
        one = draw(case.rng, *sizes, 1, reg=SETTINGS.reg, y=np.array([sizes[2] - 1]))
        if 0.05 < answers(right, one)["scores"][0, -1] < 0.7:
            return one


def first_batch(done: Trained, same: Probe) -> Array:
    """The examples of the first recorded minibatch; as many as were asked for where none was recorded."""
    seen = batches(done, same)
    return seen[0][0] if seen else same.X[: SETTINGS.batch_size]


def walk(case: Case, same: Probe, first: Trained, rows: int) -> Path | None:
    """Train for 1, 2, ..., T steps from the same start; None where that or a gradient fails."""
    points = [{name: np.array(same.params[name]) for name in NAMES}]
    for steps in range(1, T + 1):
        done = train(case, same, replace(SETTINGS, num_iters=steps))
        if done.failure is not None or done.params is None:
            return None
        if not all(np.abs(value).max() < 1e6 for value in done.params.values()):
            return None
        points.append(dict(done.params))
    return on_the_way(case, same, points, first, rows) or with_gradients(case, points, same, rows)


def on_the_way(
    case: Case, same: Probe, ends: list[dict[str, Array]], first: Trained, rows: int
) -> Path | None:
    """The path of a training that ends with the parameters of an earlier step, the best on validation say.

    None where the trainings of 1, 2, ..., T steps end with the points that a longer one visits in this order,
    with others, or where they started.
    """
    in_order = all(equal(one, other) for one, other in zip(ends, visited(case, first), strict=False))
    if in_order or all(equal(one, ends[0]) for one in ends):
        return None
    points = visited(case, train(case, same, replace(SETTINGS, num_iters=T + 1), spy=True))
    known = all(any(equal(one, other) for other in points) for one in ends)
    if not known or len(points) != T + 1:
        return None
    case.notes.append("the training ends with the parameters of an earlier step; its steps are judged")
    return with_gradients(case, points, same, rows)


def visited(case: Case, done: Trained) -> list[dict[str, Array]]:
    """The parameters that the recorded calls of the loss saw, without those that did not move."""
    points: list[dict[str, Array]] = []
    for record in done.records:
        point = case.student.named(record.params)
        if point is not None and not (points and equal(point, points[-1])):
            points.append(point)
    return points


def equal(one: dict[str, Array], other: dict[str, Array]) -> bool:
    """Whether two points are the same."""
    return all(np.array_equal(one[name], other[name]) for name in NAMES)


def with_gradients(case: Case, points: list[dict[str, Array]], same: Probe, rows: int) -> Path | None:
    """The path through some points; None where a gradient fails."""
    student = case.student
    gradients: list[dict[str, Array]] = []
    plain: list[dict[str, Array]] = []
    for point in points[:-1]:
        if any(point[name].shape != same.params[name].shape for name in NAMES):
            return None
        for reg, kept in ((SETTINGS.reg, gradients), (0.0, plain)):
            probe = Probe(point, np.repeat(same.X[:1], rows, axis=0), np.repeat(same.y[:1], rows), reg)
            seen = gradients_of(student, probe)
            if seen.failure is not None or not all(np.isfinite(v).all() for v in seen.values.values()):
                return None
            kept.append(dict(seen.values))
    return Path(points, gradients, plain)


def stands_still(path: Path) -> bool:
    """Whether no parameter moves at all."""
    return all(equal(point, path.points[0]) for point in path.points)


def steps_of(case: Case, done: Trained) -> int | None:
    """How many different parameters the recorded calls of the loss saw; None where none moved.

    Calls are not counted: a training may ask its loss more than once in a step.
    """
    points = visited(case, done)
    moved = points and done.params is not None and not equal(dict(done.params), points[0])
    return len(points) if len(points) > 1 or moved else None
