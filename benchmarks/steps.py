"""Training steps as something to be timed, compared early and at the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.train.fit import accuracy_and_loss
from peers import Peer
from problem import Problem
from runner import BenchmarkError

Array = NDArray[Any]

EVALUATED = 1000
"""Images whose loss is compared."""

SAMPLED = 5000
"""Entries of each parameter that are compared, and cross from one process to another."""

TOLERANCES = {
    # the same numbers added up in another order, with no time to grow; but ten small steps in a wide net move
    # a weight by no more than a thousand times its rounding, which depends on how the weights are kept
    ("float32", "first"): 0.01,
    # rounding grows from step to step, most where a hidden unit is on in one program and off in the other;
    # seen after 3,000 steps with momentum: 1e-2
    ("float32", "end"): 0.05,
    # eight bits of mantissa: each product is off by up to 0.4 %, at random, the more of it is left the fewer
    # units and images there are; seen after ten steps of 8 units: 9e-2, after 3,000 of 50: 6e-2
    ("bfloat16", "first"): 0.15,
    ("bfloat16", "end"): 0.15,
}
"""How far from the reference a program may end, as a part of the way that the reference went; and how far
its loss may be from the reference's, as a part of it."""


@dataclass
class State:
    """What a program's steps have come to.

    loss : nats, of the first `EVALUATED` images
    moved : per parameter, sampled entries minus what they were at the start
    precision : of its products
    steps : done so far
    """

    loss: float
    moved: dict[str, Array]
    precision: str
    steps: int


@dataclass
class Steps:
    """One call is one step of a peer."""

    peer: Peer
    problem: Problem
    precision: str
    steps: int = 0
    batches: Iterator[Array] = field(init=False)
    start: dict[str, Array] = field(init=False)

    def __post_init__(self) -> None:
        self.batches = self.problem.minibatches()
        self.start = sampled(self.peer.parameters())

    def __call__(self) -> None:
        self.peer.step(next(self.batches), self.problem.learning_rate)
        self.steps += 1

    def state(self) -> State:
        """What is compared."""
        known = slice(EVALUATED)
        _, loss = accuracy_and_loss(self.peer.logits(self.problem.images[known]), self.problem.labels[known])
        now = sampled(self.peer.parameters())
        moved = {name: now[name] - self.start[name] for name in self.start}
        return State(loss, moved, self.precision, self.steps)


def sampled(params: dict[str, Array]) -> dict[str, Array]:
    """Entries of each parameter at places that are the same in all programs, float64."""
    rng = np.random.default_rng(0)
    result = {}
    for name, value in sorted(params.items()):
        places = tuple(rng.integers(size, size=SAMPLED) for size in value.shape)
        result[name] = np.asarray(value)[places].astype(np.float64)
    return result


def judge(name: str, state: State | None, reference: State, when: str) -> float | None:
    """How far apart two programs are, as a part of the way that the reference went.

    Returns
    -------
    difference : None for what has no state, such as products alone

    Raises
    ------
    BenchmarkError : the two have not done the same work
    """
    if state is None:
        return None
    if state.steps != reference.steps:
        raise BenchmarkError(f"{name}: {state.steps} steps, the reference has done {reference.steps}")
    if state.moved.keys() != reference.moved.keys():
        raise BenchmarkError(
            f"{name}: has the parameters {sorted(state.moved)}, not {sorted(reference.moved)}"
        )
    tolerance = TOLERANCES[state.precision, when]
    if not abs(state.loss - reference.loss) <= tolerance * reference.loss:
        raise BenchmarkError(
            f"{name}: a loss of {state.loss:.4f} after {state.steps} steps, the reference's is "
            f"{reference.loss:.4f}"
        )
    worst = 0.0
    for parameter, theirs in reference.moved.items():
        away = np.linalg.norm(state.moved[parameter] - theirs) / np.linalg.norm(theirs)
        if not away <= tolerance:
            raise BenchmarkError(
                f"{name}: after {state.steps} steps {parameter} is {away:.1e} of the reference's way away "
                f"from it, allowed is {tolerance:g}"
            )
        worst = max(worst, float(away))
    return worst
