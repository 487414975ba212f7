"""Every attack, what came of it, and the verdict on the submission that tried it.

python tests/isolation/record.py --out results/checking/attacks.json
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fcnet.judge import Options, check_submission
from fcnet.judge.isolation import PROTECTIONS, not_held, what_is_held
from fcnet.records import environment, write_json
from isolation.attacks import ATTACKS, Attack
from isolation.victims import LIMITS, attacked, outcome, targets


def main() -> None:
    """Run all attacks and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    held = what_is_held("require")
    told = []
    for attack in ATTACKS:
        with tempfile.TemporaryDirectory() as folder:
            told.append(suffered(attack, Path(folder)))
        print(told[-1], flush=True)
    record = {
        "command": f"python tests/isolation/record.py --out {out}",
        "environment": environment(),
        "held": [name for name in PROTECTIONS if name not in not_held(held)],
        "attacks": told,
    }
    write_json(out, record)


def suffered(attack: Attack, folder: Path) -> dict[str, Any]:
    """One attack on a process alone, and one on a whole check."""
    with targets(folder) as aims:
        replies = attacked(attack, aims, folder)
        start = time.monotonic()
        report = check_submission(folder / "two_layernet.py", Options(limits=LIMITS))
        return {
            "name": attack.name,
            "tries": attack.tries,
            "outcome": outcome(replies),
            "verdict": report.verdict,
            "points": sum(stage.points for stage in report.stages),
            "harm": aims.harmed(),
            "seconds": round(time.monotonic() - start, 1),
        }


if __name__ == "__main__":
    main()
