"""Which mistakes explain these numbers? Mutants of the specimen answer the same questions.

The specimen is a right network; a mistake is a change of its text. A submission whose numbers equal those of
the changed specimen has made that mistake, whatever its own text looks like. One entry of the catalogue is
therefore the mutant of the tests and the fingerprint at once.

The numbers are looked at in steps, in the order in which a network computes them. What explains a step is
kept for the next, so a mistake is not blamed again for what follows from it.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.judge.catalogue import Kind, Patch, kinds, mutated, specimen
from fcnet.judge.probes import NAMES, Probe

Array = NDArray[Any]
Channel = tuple[int, str, float]
"""Probe, what ("scores", "loss", "W1", ...), lambda."""
Numbers = Mapping[Channel, Array]

EXACT = 1e-10
"""How far two right solutions in float64 may differ, as a part of the largest number; they do by 3e-12."""

SINGLE = 2e-5
"""The same in float32."""

HALF = ("        N = X.shape[0]", "        N = X.shape[0]\n        reg = 0.5 * reg")
"""One-half of lambda in the penalty and its gradient."""

RAW = ("scores = probs", "scores = z3")

HANDOUTS: dict[tuple[str, str], Patch] = {
    ("probabilities", "reg"): (),
    ("raw", "reg"): (RAW,),
    ("raw", "half"): (RAW, HALF),
    ("probabilities", "half"): (HALF,),
}
"""The specimen's changes for each handout."""


@dataclass(frozen=True)
class Guess:
    """A handout with mistakes: what the specimen has to become to answer as the submission does.

    Attributes
    ----------
    handout : (scores, penalty)
    mistakes : (code, number of the mutant), in the order in which they were found
    text : the changed specimen
    """

    handout: tuple[str, str]
    mistakes: tuple[tuple[str, int], ...]
    text: str

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes, each once."""
        return tuple(dict.fromkeys(code for code, _ in self.mistakes))

    def and_also(self, code: str, number: int, patch: Patch) -> Guess | None:
        """The same with one more mistake; None where the two cannot be made in one program."""
        text = mutated(self.text, patch)
        return None if text is None else Guess(self.handout, (*self.mistakes, (code, number)), text)


def bases(scores: str = "", penalty: str = "") -> list[Guess]:
    """The right solutions of all handouts, or of those that the user named.

    Probabilities with one-half are a handout only where the user says so: unsaid, it is a mistake.
    """
    found = []
    for handout, patch in HANDOUTS.items():
        named = (not scores or handout[0] == scores) and (not penalty or handout[1] == penalty)
        if named and (handout != ("probabilities", "half") or penalty == "half"):
            text = mutated(specimen(), patch)
            assert text is not None
            found.append(Guess(handout, (), text))
    return found


@lru_cache(maxsize=4096)
def network_of(text: str) -> Any:
    """The class of a changed specimen; the text is ours."""
    names: dict[str, Any] = {}
    exec(compile(text, "specimen", "exec"), names)
    return names["TwoLayerNet"]


def answers(text: str, probe: Probe) -> dict[str, Array]:
    """Scores, loss and gradients of a changed specimen; without what it fails to compute."""
    net = network_of(text)(1, 1, 1)
    net.params = {name: np.array(probe.params[name]) for name in NAMES}
    found: dict[str, Array] = {}
    with np.errstate(all="ignore"):
        try:
            found["scores"] = np.asarray(net.loss(probe.X.copy()))
            loss, grads = net.loss(probe.X.copy(), probe.y.copy(), reg=probe.reg)
        except Exception:
            return found
    found["loss"] = np.asarray(loss)
    return found | {name: np.asarray(value) for name, value in grads.items() if name in NAMES}


def close(a: Array, b: Array, tolerance: float = EXACT) -> bool:
    """Whether two arrays agree, as a part of the largest number of b."""
    if a.shape != b.shape:
        return False
    with np.errstate(all="ignore"):
        finite = np.isfinite(b)
        if not finite.all():
            return np.array_equal(a[~finite], b[~finite], equal_nan=True) and close(
                a[finite], b[finite], tolerance
            )
        scale = float(np.abs(b).max(initial=0.0))
        return bool((np.abs(a - b) <= tolerance * max(scale, 1e-3)).all())


def agrees(
    text: str, observed: Numbers, probes: Sequence[Probe], channels: Iterable[Channel], tolerance: float
) -> bool:
    """Whether a changed specimen gives the numbers of these channels."""
    cache: dict[tuple[int, float], dict[str, Array]] = {}
    for place, what, reg in channels:
        if (place, reg) not in cache:
            cache[place, reg] = answers(text, probes[place].at(reg))
        theirs = cache[place, reg].get(what)
        if theirs is None or not close(observed[place, what, reg], theirs, tolerance):
            return False
    return True


def explain(
    starts: Sequence[Guess],
    stage: str,
    observed: Numbers,
    probes: Sequence[Probe],
    channels: Sequence[Channel],
    tolerance: float = EXACT,
    *,
    most: int = 2,
    seconds: float = 6.0,
    constants: Callable[[], Mapping[str, float]] = dict,
) -> list[Guess]:
    """The guesses that give these channels: the starts that do, or else with as few mistakes more as needed.

    Parameters
    ----------
    starts : what explained the steps before
    stage : whose kinds may be added
    observed, probes, channels : the submission's numbers, the questions, and which numbers count
    most : mistakes that may be added
    seconds : of the processor's time after which no more are tried

    Returns
    -------
    guesses : all of the smallest number of mistakes, empty if there is none
    """
    channels = [channel for channel in channels if channel in observed]
    right = [guess for guess in starts if agrees(guess.text, observed, probes, channels, tolerance)]
    if right or not channels:
        return right or list(starts)
    end = time.process_time() + seconds
    candidates = _patches(stage, constants())
    first = channels[:1] if len(channels) > 1 else channels
    for count in range(1, most + 1):
        found: list[Guess] = []
        for guess in starts:
            for added in itertools.combinations(candidates, count):
                if time.process_time() > end:
                    return found
                if count > 1 and len({code for code, _, _ in added}) < count:
                    continue
                whole: Guess | None = guess
                for code, number, patch in added:
                    whole = whole.and_also(code, number, patch) if whole is not None else None
                if whole is None:
                    continue
                if agrees(whole.text, observed, probes, first, tolerance) and agrees(
                    whole.text, observed, probes, channels, tolerance
                ):
                    found.append(whole)
        if found:
            return _simplest(found)
    return []


def _simplest(found: list[Guess]) -> list[Guess]:
    """Those with the fewest mistakes; a handout of the exercise's own kind first."""
    fewest = min(len(guess.mistakes) for guess in found)
    return [guess for guess in found if len(guess.mistakes) == fewest]


def _patches(stage: str, constants: Mapping[str, float]) -> list[tuple[str, int, Patch]]:
    """All mutants of a stage that show in numbers, also with a constant measured on the submission."""
    found: list[tuple[str, int, Patch]] = []
    for kind in numeric_kinds(stage):
        for number, patch in enumerate(kind.mutants):
            found.append((kind.code, number, patch))
        if kind.code in constants:
            value = repr(constants[kind.code])
            patches = [tuple((old, new.replace("0.05", value)) for old, new in p) for p in kind.mutants]
            found += [(kind.code, 100 + number, patch) for number, patch in enumerate(patches)]
    return found


def numeric_kinds(stage: str) -> list[Kind]:
    """The kinds of a stage whose fingerprint is a mutant's numbers."""
    return [kind for kind in kinds().values() if kind.stage == stage and kind.fingerprint == "numbers"]
