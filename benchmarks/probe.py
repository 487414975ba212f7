"""What does the step take from which `fcnet` says how long something lasts? Run: python benchmarks/probe.py

The times in `fcnet.experiments.duration` are those of one machine, and `step` compares another with it. This
measures `step` on the first, each time in a process of its own, as `fcnet reproduce` does. A time counts only
if no other program was busy meanwhile. All of them go to results/probe.json, after five minutes on a quiet
machine.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from fcnet.records import environment, write_json
from machine import Watch, describe

RECORD = Path(__file__).resolve().parents[1] / "results" / "probe.json"

TIMES, PAUSE = 30, 8.0
"""How many times are kept, and the seconds before each: a virtual machine is now faster, now slower."""

CODE = "from fcnet.experiments.duration import step; print(step())"


def main() -> None:
    """Measure, write the record, and print the median and the extremes."""
    seconds: list[float] = []
    while len(seconds) < TIMES:
        time.sleep(PAUSE)
        start = Watch.now()
        done = subprocess.run([sys.executable, "-c", CODE], check=True, capture_output=True, text=True)
        if not describe(start, Watch.now())["shared"]:
            seconds.append(float(done.stdout))
    write_json(RECORD, {"environment": environment(), "seconds": seconds})
    low, median, high = (1000 * of(seconds) for of in (min, statistics.median, max))
    print(f"{median:.1f} ms, from {low:.1f} to {high:.1f}")


if __name__ == "__main__":
    main()
