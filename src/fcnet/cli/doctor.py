"""`fcnet doctor`: what fcnet finds on this machine."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from fcnet.wording import shown

if TYPE_CHECKING:
    from fcnet.doctor.finding import Finding

WIDTH, INDENT = 80, 23


@dataclass(frozen=True)
class Doctor:
    """Say what fcnet finds on this machine, and what to do where something is missing or slow.

    It examines Python, NumPy and its BLAS, PyTorch and its device, packages, places to write to, the
    terminal, the cache, data sets, and what isolates foreign code. It changes nothing.

    Example: fcnet doctor
    """

    verify: bool = False
    """Hash the files of the data sets, which takes seconds."""
    json: bool = False
    """Print a JSON list for programs instead of text."""

    def run(self) -> int:
        """Print the findings; returns the exit status 0, whatever they are."""
        from fcnet.doctor import examine

        findings = examine(verify=self.verify)
        if self.json:
            print(json.dumps([asdict(one) for one in findings], indent=2))
            return 0
        for finding in findings:
            for line in _lines(finding):
                print(line)
        counts = {kind: sum(one.status == kind for one in findings) for kind in ("problem", "note")}
        print(", ".join(f"{n} {kind}{'' if n == 1 else 's'}" for kind, n in counts.items()))
        return 0


def _lines(finding: Finding) -> Iterator[str]:
    head = f"{finding.status:<9}{finding.name:<{INDENT - 9}}"
    yield from _wrapped(finding.found, head)
    if finding.advice:
        yield from _wrapped(f"> {finding.advice}", " " * INDENT)


def _wrapped(text: str, head: str) -> list[str]:
    return textwrap.wrap(
        shown(text), WIDTH, initial_indent=head, subsequent_indent=" " * INDENT, break_on_hyphens=False
    )
