"""Runs the benchmarks, prints a table for each, and writes what was measured to results/benchmarks/NAME.json.

python benchmarks/run.py [NAME ...] [--rounds N] [--quick] [--out DIR]
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from fcnet.errors import FcnetError
from fcnet.records import make_writable, write_json
from harness import Benchmark, BenchmarkError, Plan, measure, present
from machine import Watch, describe

NAMES = ("loops", "step", "scaling")
"""Every file with a benchmark in it."""

OUT = Path(__file__).resolve().parents[1] / "results" / "benchmarks"


def main() -> int:
    """Run what was asked for; the exit status is 2 where that is impossible."""
    options = parse()
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    plan = Plan(
        options.rounds, options.seconds, settle=0.0 if options.quick else Plan.settle, quick=options.quick
    )
    try:
        if options.out is not None:
            make_writable(options.out)
        for name in options.names or NAMES:
            benchmark: Benchmark = import_module(name).BENCHMARK
            record = run(benchmark, plan)
            show(console, benchmark, record)
            if options.out is not None:
                write_json(options.out / f"{name}.json", record)
                console.print(f"written to {options.out / f'{name}.json'}\n", soft_wrap=True)
    except (FcnetError, BenchmarkError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped: by Ctrl-C, records that were complete are kept", file=sys.stderr)
        return 130
    return 0


def parse() -> argparse.Namespace:
    """The options; a quick run writes no record unless it is told where."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all if not given")
    parser.add_argument("--rounds", type=int, default=None, help="measurements of each contestant (9)")
    parser.add_argument("--seconds", type=float, default=None, help="least seconds of one measurement (0.3)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does everything run? No record")
    parser.add_argument("--out", type=Path, default=None, help="folder for the records (results/benchmarks)")
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}, choose from {', '.join(NAMES)}")
    if options.rounds is None:
        options.rounds = 2 if options.quick else Plan.rounds
    if options.seconds is None:
        options.seconds = 0.001 if options.quick else Plan.seconds
    if options.rounds < 1 or not options.seconds > 0:
        parser.error("--rounds starts at 1 and --seconds above 0")
    if options.out is None and not options.quick:
        options.out = OUT
    return options


def run(benchmark: Benchmark, plan: Plan) -> dict[str, Any]:
    """Measure a benchmark, with a progress bar, and make its record."""
    names = list(present(benchmark))
    start = Watch.now()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(benchmark.name, total=len(plan.cases(benchmark)) * len(names) * plan.rounds)
        measured = measure(benchmark, plan, told=lambda: progress.advance(task))
    return {
        "format": 1,
        "benchmark": benchmark.name,
        "question": benchmark.question,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe(start, Watch.now()),
        "rounds": plan.rounds,
        "least_seconds": plan.seconds,
        "quick": plan.quick,
        "baseline": benchmark.baseline,
        "tolerance": benchmark.tolerance,
        "left_out": sorted(set(benchmark.contestants) - set(names)),
        "cases": measured,
    }


def show(console: Console, benchmark: Benchmark, record: dict[str, Any]) -> None:
    """Print a record as a table, and what must be known to read it."""
    cases = [case["case"] for case in record["cases"]]
    varying = [key for key in cases[0] if len({case[key] for case in cases}) > 1]
    table = Table(title=benchmark.question, title_justify="left", title_style="bold")
    for heading in (*varying, "contestant"):
        table.add_column(heading)
    for heading in ("median", "fastest", "slowest", "ratio", "lowest", "highest"):
        table.add_column(heading, justify="right")
    for case in record["cases"]:
        for row in case["results"]:
            times = [in_words(row[key]) for key in ("median", "min", "max")]
            ratios = [f"{row[key]:.3g}" for key in ("ratio", "ratio_min", "ratio_max")]
            settings = [str(case["case"][key]) for key in varying]
            table.add_row(*settings, row["contestant"], *times, *ratios)
        table.add_section()
    console.print(table)
    fixed = ", ".join(f"{key} {value}" for key, value in cases[0].items() if key not in varying)
    console.print(f"{fixed}; {record['rounds']} rounds; ratio: to {record['baseline']}, in the same round")
    console.print(surroundings(record))


def surroundings(record: dict[str, Any]) -> str:
    """The machine in a line or two."""
    machine = record["machine"]
    text = f"{machine['cores']} cores, {machine['processor']}"
    text += f"; other programs kept {machine['cores_used_by_others']} of them busy"
    if machine["shared"]:
        text += ": the machine was shared, read these times with care"
    if record["left_out"]:
        text += f"\nleft out, not installed: {', '.join(record['left_out'])}"
    return text


def in_words(seconds: float) -> str:
    """A duration with three digits."""
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


if __name__ == "__main__":
    sys.exit(main())
