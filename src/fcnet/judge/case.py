"""One submission under judgement: its network, what was seen of it, and what was found."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fcnet.arrays import Array
from fcnet.judge.catalogue import Half, kinds, texts
from fcnet.judge.forms import all_of
from fcnet.judge.hypotheses import EXACT, Channel, Guess, Look, answers, close
from fcnet.judge.isolation import Failure
from fcnet.judge.probes import Probe, small_probes
from fcnet.judge.report import Finding, Shown
from fcnet.judge.source import Source, span
from fcnet.judge.student import Student


@dataclass
class Case:
    """One submission under judgement.

    Attributes
    ----------
    source, half : the file, and which half of the exercise it solves
    rng : draws the questions
    findings : so far
    reached : the stages that were looked at
    definitions : whether the definitions of the file alone were run
    class_name, elsewhere : the class that is judged, and whether another file defines it
    student : the network, once there is one
    probes : the main questions
    observed : what the network answered, by channel
    guesses : what explains it so far; empty where nothing does
    settled : the last guess that explained something: it tells the handout
    possible : all guesses that explained as much
    tolerance : how exactly the numbers have to agree
    missing : names that are not there since their import failed, with its line
    """

    source: Source
    half: Half
    rng: np.random.Generator
    findings: list[Finding] = field(default_factory=list)
    reached: list[str] = field(default_factory=list)
    definitions: bool = False
    class_name: str = ""
    elsewhere: bool = False
    student: Student = None  # type: ignore[assignment]
    probes: list[Probe] = field(default_factory=list)
    observed: dict[Channel, Array] = field(default_factory=dict)
    starts: list[Guess] = field(default_factory=list)
    guesses: list[Guess] = field(default_factory=list)
    settled: Guess | None = None
    possible: list[Guess] = field(default_factory=list)
    tolerance: float = EXACT
    notes: list[str] = field(default_factory=list)
    missing: dict[str, int] = field(default_factory=dict)

    def add(
        self,
        code: str,
        question: Any = None,
        expected: Any = None,
        got: Any = None,
        *,
        line: int | None = None,
        spans: Sequence[tuple[int, int]] | None = None,
        detail: str = "",
        stage: str = "",
    ) -> None:
        """Note a finding, once.

        Parameters
        ----------
        code : of the catalogue
        question, expected, got : what shows it, as in `Shown`
        line, spans : where it is; without a line, one is looked for in the spans. Not given, these are the
            stage's methods; where they are empty, no line is shown
        detail : numbers of this submission
        stage : where it was met, if that is not the catalogue's
        """
        if any(finding.code == code for finding in self.findings):
            return
        kind, text = kinds(self.half)[code], texts()[code]
        if line is None:
            spans = self.spans(*METHODS.get(kind.stage, ())) if spans is None else spans
            line = self.source.find((*kind.where, *ELSEWHERE.get(kind.stage, ())), spans)
        if line is not None and not 1 <= line <= len(self.source.lines):
            line = None
        shown, stage = Shown(question, expected, got), stage or kind.stage
        self.findings.append(
            Finding(code, stage, kind.severity, text.message, line, shown, text.think, kind.equation, detail)
        )

    def has(self, *codes: str) -> bool:
        """Whether one of these was found."""
        return any(finding.code in codes for finding in self.findings)

    def wrong(self, *stages: str) -> bool:
        """Whether an error was found, in one of these stages where some are given."""
        errors = [finding for finding in self.findings if finding.severity == "error"]
        return any(not stages or finding.stage in stages for finding in errors)

    @property
    def base(self) -> Guess:
        """The right solution that the submission is held against."""
        known = self.guesses[0] if self.guesses else self.settled
        if known is None:
            return self.starts[0]
        return next(guess for guess in self.starts if guess.handout == known.handout)

    def failed(self, stage: str, failure: Failure, question: Any, expected: Any = "a value") -> None:
        """Note that a call ended without a value."""
        code, line = code_of(stage, failure, self.line_text(failure.line)), failure.line
        named = re.match(r"name '(\w+)'", failure.message)
        if code == "NAME_UNKNOWN" and named is not None and named.group(1) in self.missing:
            code, line = "IMPORT_FAILS", self.missing[named.group(1)]
        got = failure.text
        self.add(code, question, expected, got, line=line, spans=(), detail=got, stage=stage)

    def spans(self, *roles: str) -> list[tuple[int, int]]:
        """The lines of some methods of the class, by their names or by what they do; none for no method.

        Where the file defines the class and not these methods, they may be anywhere in it.
        """
        names = [self.student.method_for(role) if self.student else role for role in roles]
        named = [name for name in names if name is not None]
        found = [part for name in named for part in span(self.source.method(self.class_name, name))]
        return found if found or self.elsewhere or not named else [(1, len(self.source.lines))]

    def line_text(self, line: int | None) -> str:
        """The code in a line of the student's."""
        lines = self.source.code_lines
        return lines[line - 1] if line is not None and 1 <= line <= len(lines) else ""

    def look(self, channels: Iterable[Channel], tolerance: float | None = None) -> Look:
        """Those of the submission's numbers that there are; they have to be met as exactly as all others."""
        seen = [channel for channel in channels if channel in self.observed]
        return Look(self.observed, self.probes, seen, self.tolerance if tolerance is None else tolerance)

    def smallest(self, what: Sequence[str], guess: Guess | None = None) -> Shown:
        """The smallest of our round questions to which the submission's answer is wrong.

        Parameters
        ----------
        what : names of answers that are compared, such as "scores" or "W1"
        guess : a mistake that has to show in it
        """
        for probe in small_probes():
            right = answers(self.base.text, probe)
            asked = what
            if guess is not None:
                theirs = answers(guess.text, probe)
                asked = [name for name in what if not close(theirs.get(name, np.zeros(())), right[name])]
                if not asked:
                    continue
            got = all_of(self.student, probe)
            wrong = [
                name for name in asked if name in got and not close(got[name], right[name], self.tolerance)
            ]
            if wrong in (["scores"], ["loss"]):
                return Shown(told(probe, what), right[wrong[0]], got[wrong[0]])
            if wrong:
                return Shown(told(probe, what), {n: right[n] for n in wrong}, {n: got[n] for n in wrong})
        return Shown()

    def shown_raw(self) -> Shown:
        """Probabilities and raw scores of the smallest question."""
        probe = small_probes()[0]
        raw = next(guess for guess in self.starts if guess.handout[0] == "raw")
        right = next((g for g in self.starts if g.handout[0] == "probabilities"), raw)
        return Shown(
            told(probe, ["scores"]), answers(right.text, probe)["scores"], answers(raw.text, probe)["scores"]
        )


def told(probe: Probe, what: Sequence[str]) -> dict[str, Any]:
    """A question as the report prints it."""
    question: dict[str, Any] = {"X": probe.X}
    if "scores" not in what:
        question |= {"y": probe.y, "reg": probe.reg}
    return question | dict(probe.params)


def sizes_of(probe: Probe) -> dict[str, int]:
    """A question that is told by its sizes alone."""
    D, H, K = probe.sizes
    return {"N": len(probe.X), "D": D, "H": H, "C": K}


METHODS = {
    "interface": ("__init__",),
    "initialisation": ("__init__",),
    "scores": ("scores",),
    "loss": ("loss",),
    "loops": ("scores", "loss"),
    "gradients": ("gradients",),
    "training": ("train",),
    "prediction": ("predict",),
    "robustness": ("loss", "scores", "gradients"),
    "cifar10": ("train",),
    "construction": ("__init__",),
    "forward": ("forward", "__init__"),
}
"""Where a stage's mistakes are: methods by what they do, or by name. Those of other stages are nowhere."""

ELSEWHERE = {
    "scores": (r"scores\s*=", r"return"),
    "loss": (r"\blog", r"loss\s*[-+]?="),
    "gradients": (r"-=\s*1", r"=\s*\(?\s*\w+\s*-\s*\w+", r"grads"),
    "training": (r"learning_rate\s*\*(?!=)", r"def "),
    "prediction": (r"argmax", r"return"),
}
"""Where a mistake is shown when the catalogue's own patterns find no line, by stage."""

CALLED = {
    "scores": "FORWARD",
    "loss": "LOSS",
    "gradients": "BACKWARD",
    "training": "TRAIN",
    "prediction": "PREDICT",
}
"""What the codes of a stage's failures begin with: `..._UNIMPLEMENTED`, or else `..._FAILS`."""


def code_of(stage: str, failure: Failure, line: str) -> str:
    """The kind of mistake behind a call that ended without a value."""
    message = failure.text
    if failure.kind == "time":
        return "TOO_SLOW"
    if failure.kind not in ("exception", "value"):
        return "PROCESS_DIED"
    if failure.type == "NotImplementedError" and stage in CALLED:
        return f"{CALLED[stage]}_UNIMPLEMENTED"
    if "has no attribute" in message and ("module '" in message or "numpy.ndarray" in message):
        return "NONEXISTENT_API"
    if failure.type in ("NameError", "UnboundLocalError"):
        return "NAME_UNKNOWN"
    if re.search(r"(?<!arg)max\(", line) and any(
        word in message for word in ("ambiguous", "as an integer", "axis", "integer scalar")
    ):
        return "NP_MAX_FOR_MAXIMUM"
    if stage == "scores" and ("not aligned" in message or "mismatch in its core dimension" in message):
        return "MATMUL_ORDER"
    if stage == "scores" and "could not be broadcast" in message:
        return "SHAPE_MISMATCH"
    return f"{CALLED.get(stage, 'FORWARD')}_FAILS"
