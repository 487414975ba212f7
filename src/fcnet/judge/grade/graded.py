"""What is known of one graded submission: its record, and the points that a rubric gives for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fcnet.judge.grade.rubric import Rubric


@dataclass(frozen=True)
class Graded:
    """A submission after its check.

    Attributes
    ----------
    name, shown : as in its `Entry`
    record : what `fcnet check --json` says of it
    problem : why it could not be checked, "" if it could
    rubric : what gives the points
    page : the page of the check, with the student's lines; "" without one
    """

    name: str
    shown: str
    record: Mapping[str, Any]
    problem: str
    rubric: Rubric
    page: str = ""

    @property
    def verdict(self) -> str:
        """Of the check; "not checked" where there was none."""
        return "not checked" if self.problem else str(self.record["verdict"])

    @property
    def by_stage(self) -> dict[str, float]:
        """Points of each stage that counts."""
        return dict.fromkeys(self.rubric.points, 0.0) if self.problem else self.rubric.reached(self.record)

    @property
    def points(self) -> float:
        """All points."""
        return float(sum(self.by_stage.values()))

    @property
    def full(self) -> bool:
        """Whether it has all points."""
        return self.points >= self.rubric.total

    @property
    def findings(self) -> list[Mapping[str, Any]]:
        """Mistakes first, then remarks."""
        found = list(self.record.get("findings", []))
        return sorted(found, key=lambda finding: finding["severity"] != "error")

    @property
    def mistakes(self) -> list[Mapping[str, Any]]:
        """The findings that are errors."""
        return [finding for finding in self.findings if finding["severity"] == "error"]

    def of(self, stage: str) -> list[Mapping[str, Any]]:
        """The findings of a stage."""
        return [finding for finding in self.findings if finding["stage"] == stage]
