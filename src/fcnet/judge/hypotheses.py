"""Which mistakes explain these numbers? Mutants of the specimen answer the same questions.

The specimen is a right network; a mistake is a change of its text. A submission whose numbers equal those of
the changed specimen has made that mistake, whatever its own text looks like. One entry of the catalogue is
therefore the mutant of the tests and the fingerprint at once.

The numbers are looked at in steps, in the order in which a network computes them. What explains a step is
kept for the next, so a mistake is not blamed again for what follows from it.
"""

from __future__ import annotations

import itertools
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.arrays import Array
from fcnet.judge.catalogue import Kind, Patch, kinds, mutated, specimen
from fcnet.judge.probes import NAMES, Probe

Channel = tuple[int, str, float]
"""Probe, what ("scores", "loss", "W1", ...), lambda."""
Numbers = Mapping[Channel, Array]
Change = tuple[str, int, Patch]
"""A mistake of the catalogue: its code, the number of its mutant, and the mutant."""

MOST_PAIRS = 3_000
"""Pairs of mistakes that are tried for one step: a second or two, the same ones on every machine."""

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
def network_of(text: str) -> type:
    """The class of a changed specimen; the text is ours."""
    _, *methods = re.split(r"^(?=    def )", text, flags=re.MULTILINE)
    return type("TwoLayerNet", (), {function.__name__: function for function in map(_compiled, methods)})


@lru_cache(maxsize=4096)
def _compiled(method: str) -> Any:
    """A method of the specimen; most changes leave all but one of them as they are."""
    names: dict[str, Any] = {"np": np}
    exec(compile(textwrap.dedent(method), "specimen", "exec"), names)
    return names[method.split("(")[0].split()[-1]]


def network(text: str, probe: Probe) -> Any:
    """The network of a changed specimen with a question's parameters."""
    net: Any = network_of(text)(1, 1, 1)
    net.params = {name: np.array(probe.params[name]) for name in NAMES}
    return net


@lru_cache(maxsize=8192)
def answers(text: str, probe: Probe) -> Mapping[str, Array]:
    """Scores, loss and gradients of a changed specimen; without what it fails to compute."""
    net = network(text, probe)
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


@dataclass(frozen=True)
class Look:
    """What a submission answered to some questions, and how exactly it has to be met."""

    observed: Numbers
    probes: Sequence[Probe]
    channels: Sequence[Channel]
    tolerance: float

    def numbers(self, text: str) -> Iterator[Array | None]:
        """A changed specimen's answer in each channel."""
        return (answers(text, self.probes[place].at(reg)).get(what) for place, what, reg in self.channels)

    def same(self, one: Iterable[Array | None], other: Iterable[Array | None]) -> NDArray[np.bool_]:
        """In which channels two answers agree."""
        return np.array([self._same(b, a) for a, b in zip(one, other, strict=True)])

    def agrees(self, text: str) -> bool:
        """Whether a changed specimen gives the submission's numbers."""
        seen = (self.observed[channel] for channel in self.channels)
        return all(self._same(b, a) for a, b in zip(seen, self.numbers(text), strict=True))

    def _same(self, theirs: Array | None, seen: Array | None) -> bool:
        return theirs is not None and seen is not None and close(seen, theirs, self.tolerance)


def explain(
    starts: Sequence[Guess],
    stage: str,
    look: Look,
    *,
    most: int = 2,
    constants: Callable[[], Mapping[str, float]] = dict,
) -> list[Guess]:
    """The guesses that give these channels: the starts that do, or else with as few mistakes more as needed.

    Parameters
    ----------
    starts : what explained the steps before
    stage : whose kinds may be added
    look : the numbers that count
    most : mistakes that may be added, 1 or 2
    constants : numbers that a kind may have in the place of its own, by code

    Returns
    -------
    guesses : all of the smallest number of mistakes, empty if there is none
    """

    def fitting(guesses: Iterable[Guess]) -> list[Guess]:
        return [guess for guess in guesses if look.agrees(guess.text)]

    right = fitting(starts)
    if right or not look.channels:
        return right or list(starts)
    candidates = _patches(stage, constants())
    found = fitting(whole for start in starts for one in candidates if (whole := start.and_also(*one)))
    if not found and most > 1:
        found = fitting(itertools.islice(pairs_of(starts, candidates, look), MOST_PAIRS))
    return _simplest(found)


def pairs_of(starts: Sequence[Guess], candidates: Sequence[Change], look: Look) -> Iterator[Guess]:
    """The starts with two mistakes more, as far as the two alone do not speak against it.

    In a channel where only one of two mistakes shows, that one alone has to give the submission's number, and
    where neither shows, the start has to. This is known from the single mistakes, and leaves few pairs of
    gradients to compute. Starts that answer alike stand for each other; the pair is then made in each.
    """
    seen = [look.observed[channel] for channel in look.channels]
    groups: list[tuple[list[Array | None], list[Guess]]] = []
    for start in starts:
        given = list(look.numbers(start.text))
        group = next((same for known, same in groups if look.same(given, known).all()), None)
        if group is None:
            groups.append((given, [start]))
        else:
            group.append(start)
    for given, alike in groups:
        shows, fits, usable = [], [], []
        for one in candidates:
            if (changed := alike[0].and_also(*one)) is not None:
                numbers = list(look.numbers(changed.text))
                if (differs := ~look.same(given, numbers)).any():
                    usable.append(one)
                    shows.append(differs)
                    fits.append(look.same(seen, numbers))
        fit = look.same(seen, given)
        for i, j in itertools.combinations(range(len(usable)), 2):
            if usable[i][0] == usable[j][0]:
                continue
            alone = np.where(shows[i], fits[i], np.where(shows[j], fits[j], fit))
            if (alone | (shows[i] & shows[j])).all():
                for start in alike:
                    whole = start.and_also(*usable[i])
                    whole = whole.and_also(*usable[j]) if whole is not None else None
                    if whole is not None:
                        yield whole


def _simplest(found: list[Guess]) -> list[Guess]:
    """Those with the fewest mistakes; a handout of the exercise's own kind first."""
    fewest = min((len(guess.mistakes) for guess in found), default=0)
    return [guess for guess in found if len(guess.mistakes) == fewest]


def _patches(stage: str, constants: Mapping[str, float]) -> list[Change]:
    """All mutants of a stage that show in numbers, also with a constant measured on the submission."""
    found: list[Change] = []
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
