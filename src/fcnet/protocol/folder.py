"""The folder in which a record is made.

plan.json       the plan, written before the first training starts
log.jsonl       the log, one entry a line
record.json     the record: plan, log and result; written last
seeds/SEED/     the run folder of a seed, as `fcnet train` makes it
seeds/SEED.json what became of it
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RecordFolder:
    """The places in the folder of a record."""

    path: Path

    @property
    def plan(self) -> Path:
        return self.path / "plan.json"

    @property
    def log(self) -> Path:
        return self.path / "log.jsonl"

    @property
    def record(self) -> Path:
        return self.path / "record.json"

    def run(self, seed: int) -> Path:
        """The run folder of a seed."""
        return self.path / "seeds" / str(seed)

    def ended(self, seed: int) -> Path:
        """What became of a seed, before the log says so."""
        return self.path / "seeds" / f"{seed}.json"
