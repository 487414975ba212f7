"""Runs the benchmarks, prints a table for each, and writes results/benchmarks/KIND/NAME.json and the figures.

python benchmarks/run.py [NAME ...] [--rounds N] [--threads N] [--quick] [--out DIR]
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from fcnet.errors import FcnetError
from fcnet.net import libraries
from fcnet.records import make_writable, write_json
from harness import BenchmarkError, Plan
from machine import cores, kind
from measured import repeated
from show import show

PROGRAMS = {
    "loops": "loss and gradients with and without loops over examples and units",
    "floors": "the products of a step in every BLAS that is installed, and the machine's peak",
    "step": "a training step beside its matrix products and every framework",
    "small": "a training step on small tables, beside every framework",
    "tables": "ten tables, FCNetClassifier and MLPClassifier: time to the same score",
    "evaluate": "class scores of 10,000 images beside the two products",
    "work": "the time of a step against width, batch and depth, on one core and two",
    "scaling": "what a second thread and a second worker buy in PyTorch",
    "imports": "import fcnet, fcnet --help, and the first step, from the start of the process",
    "memory": "peak memory of fcnet train, and the formula for it",
    "cold": "a cold process to 48 % validation, beside the usual way in PyTorch",
    "accuracy": "validation accuracy against seconds, beside every framework",
}
"""Every benchmark, in the order in which all of them run, and what it measures."""

ROOT = Path(__file__).resolve().parents[1]

RECORDS = ROOT / "results" / "benchmarks"
"""A folder for each kind of machine, named by `machine.kind`."""


def main() -> int:
    """Run what was asked for; the exit status is 2 where that is impossible."""
    options = parse()
    # fcnet as it comes without an extra; a peer that uses another library names it
    os.environ[libraries.VARIABLE] = "numpy"
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    settle = 0.0 if options.quick else Plan.settle
    plan = Plan(options.rounds, options.seconds, settle, options.quick)
    try:
        if options.threads is not None:
            restrict(options.threads)
        if options.out is None and not options.quick:
            options.out = RECORDS / kind()
        if options.out is not None:
            make_writable(options.out)
        for name in options.names or PROGRAMS:
            record = measured(name, plan, keeping(options.out, name))
            show(console, record)
            if options.out is not None:
                write_json(options.out / f"{name}.json", record)
                console.print(f"written to {options.out / f'{name}.json'}\n", soft_wrap=True)
        if options.out is not None and options.out.parent == RECORDS:
            figures(console)
    except (FcnetError, BenchmarkError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped: by Ctrl-C, records that were complete are kept", file=sys.stderr)
        return 130
    return 0


def parse() -> argparse.Namespace:
    """The options; a quick run writes no record unless it is told where."""
    listed = "\n".join(f"  {name:10}{what}" for name, what in PROGRAMS.items())
    parser = argparse.ArgumentParser(
        description=f"{__doc__}\n{listed}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to run; all of it if not given")
    parser.add_argument("--rounds", type=int, default=None, help="measurements of each contestant (5 to 9)")
    parser.add_argument("--seconds", type=float, default=None, help="least seconds of one measurement (0.3)")
    parser.add_argument("--threads", type=int, default=None, help="cores that programs get (all)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does everything run? No record")
    parser.add_argument("--out", type=Path, default=None, help="folder for the records")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in PROGRAMS]:
        parser.error(f"there is no benchmark {', '.join(unknown)}, choose from {', '.join(PROGRAMS)}")
    if options.seconds is None:
        options.seconds = 0.001 if options.quick else Plan.seconds
    if (options.rounds is not None and options.rounds < 1) or not options.seconds > 0:
        parser.error("--rounds starts at 1 and --seconds above 0")
    if options.threads is not None and not 1 <= options.threads <= cores():
        parser.error(f"--threads is {options.threads}, choose from 1 to the {cores()} cores of this machine")
    return options


def restrict(threads: int) -> None:
    """Limit this process, and all that it starts, to this number of cores."""
    if not hasattr(os, "sched_setaffinity"):
        raise BenchmarkError("this system cannot keep a process to some of the cores, leave --threads out")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def keeping(out: Path | None, name: str) -> Callable[[dict[str, Any]], None]:
    """What writes a record that is not complete yet."""

    def keep(record: dict[str, Any]) -> None:
        if out is not None:
            write_json(out / f"{name}.json", record)

    keep.path = None if out is None else out / f"{name}.json"  # type: ignore[attr-defined]
    return keep


def measured(name: str, plan: Plan, keep: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Measure one benchmark, with a progress bar, and make its record."""
    module = import_module(name)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(name, total=None)

        def told(total: int | None = None) -> None:
            progress.update(task, total=total) if total is not None else progress.advance(task)

        if not hasattr(module, "measured"):
            return repeated(module.BENCHMARK, plan, told)
        record: dict[str, Any] = module.measured(plan, told, keep)
        return record


def figures(console: Console) -> None:
    """Bring the figures and tables of the documents up to date with the records."""
    sys.path.insert(0, str(ROOT / "tools"))
    from speed_figures import draw_all

    for path in draw_all(RECORDS, ROOT / "docs" / "figures"):
        console.print(f"drawn {path}", soft_wrap=True)
    console.print("the documents' tables follow with: python tools/generate.py", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
