"""What the judge says of a submission: stages, findings, a verdict."""

import json
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

Severity = Literal["error", "remark"]
StageVerdict = Literal["right", "wrong", "unfinished", "not reached"]
Verdict = Literal["right", "wrong", "unfinished", "does not run"]

POINTS = {"scores": 4.0, "loss": 4.0, "loops": 2.0, "gradients": 5.0, "training": 3.0}
"""The exercise's own points (1a, 1b, 1c, 2d, 3a); the other stages have none."""

NUMPY_STAGES = (
    "loads", "interface", "initialisation", "scores", "loss", "loops", "gradients", "training", "prediction",
    "robustness",
)  # fmt: skip
"""The stages of `two_layernet.py`, each opening the next."""

PYTORCH_STAGES = ("loads", "construction", "forward", "pytorch training", "evaluation")
"""The stages of `ex2_pytorch.py`."""


UNFINISHED = (
    "FORWARD_UNIMPLEMENTED", "LOSS_UNIMPLEMENTED", "BACKWARD_UNIMPLEMENTED", "TRAIN_UNIMPLEMENTED",
    "PREDICT_UNIMPLEMENTED", "LOSS_MISSING", "TRAIN_MISSING", "PREDICT_MISSING", "NO_PARAMETERS",
    "PT_NOT_WRITTEN", "PT_FORWARD_UNIMPLEMENTED", "PT_TRAINING_UNIMPLEMENTED", "PT_EVALUATION_UNIMPLEMENTED",
)  # fmt: skip
"""What is not there yet; alone it makes a submission unfinished, not wrong."""


class Shown(NamedTuple):
    """The smallest input that shows a mistake, with what should come out and what did; plain values."""

    input: Any = None
    expected: Any = None
    got: Any = None


@dataclass(frozen=True)
class Finding:
    """A mistake, or a remark.

    Attributes
    ----------
    code, stage, severity : as in the catalogue
    message : one sentence in a teacher's words
    line : of the student's file, None where it cannot be told
    shown : the smallest input that shows it
    think : what to think about
    equation : of the exercise
    detail : numbers of this submission, such as the factor by which a gradient is off
    """

    code: str
    stage: str
    severity: Severity
    message: str
    line: int | None
    shown: Shown
    think: str = ""
    equation: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Stage:
    """A stage with its verdict and points."""

    stage: str
    verdict: StageVerdict
    points: float
    of: float


@dataclass(frozen=True)
class Report:
    """What is said of one submission.

    Attributes
    ----------
    file : as the user named it
    verdict : of the whole
    scores, penalty : which handout it follows, "" where that cannot be told
    stages, findings : in the order in which they were looked at
    seconds : of the check
    notes : what else the reader should know: which class was read, what isolation did not hold
    """

    file: str
    verdict: Verdict
    scores: str
    penalty: str
    stages: tuple[Stage, ...]
    findings: tuple[Finding, ...]
    seconds: float
    notes: tuple[str, ...] = field(default=())

    def to_record(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            "file": self.file,
            "verdict": self.verdict,
            "handout": {"scores": self.scores or None, "penalty": self.penalty or None},
            "stages": [
                {"stage": s.stage, "verdict": s.verdict, "points": s.points, "of": s.of} for s in self.stages
            ],
            "findings": [
                {
                    "code": finding.code,
                    "stage": finding.stage,
                    "severity": finding.severity,
                    "line": finding.line,
                    "message": finding.message,
                    "shown": {
                        "input": plain(finding.shown.input),
                        "expected": plain(finding.shown.expected),
                        "got": plain(finding.shown.got),
                    },
                }
                for finding in self.findings
            ],
            "seconds": round(self.seconds, 3),
        }

    def to_json(self) -> str:
        """`to_record` as text."""
        return json.dumps(self.to_record(), indent=2, allow_nan=False) + "\n"


def plain(value: Any) -> Any:
    """A value as JSON has it: arrays as lists, NaN and infinities as text."""
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, complex):
        return str(value)
    if isinstance(value, float):
        return round(value, 12) if np.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)
