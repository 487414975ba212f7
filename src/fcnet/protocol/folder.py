"""The folder in which a record is made.

plan.json       the plan, written before the first training starts
log.jsonl       the log, one entry a line
record.json     the record: plan, log and result; written last
seeds/SEED/     the run folder of a seed, as `fcnet train` makes it
seeds/SEED-2/   that of its second net, where a recipe folds several
seeds/SEED.json what became of it
"""

from pathlib import Path


class RecordFolder:
    """The places in the folder of a record."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.plan = path / "plan.json"
        self.log = path / "log.jsonl"
        self.record = path / "record.json"
        self.seeds = path / "seeds"

    def run(self, seed: int, net: int = 0) -> Path:
        """The run folder of a seed, or of another net of it."""
        return self.seeds / (f"{seed}-{net + 1}" if net else str(seed))

    def runs(self, seed: int, nets: int) -> list[Path]:
        """The run folders of all nets of a seed."""
        return [self.run(seed, net) for net in range(nets)]

    def ended(self, seed: int) -> Path:
        """What became of a seed, before the log says so."""
        return self.seeds / f"{seed}.json"
