"""A process of its own for each seed, so that each starts afresh, on the processors of its budget."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from fcnet.errors import AlreadySaidError, RunError
from fcnet.net.openblas import THREAD_VARIABLES
from fcnet.protocol.contents import CORES, Ended, Plan, read
from fcnet.protocol.folder import RecordFolder

STOP_SECONDS = 120.0
"""Seconds for a training to end its step and write its checkpoint."""

STOPPED = (130, 143)
"""Exit statuses of a training that was interrupted."""


def in_processes(out: Path, data: Path | None) -> Callable[[Plan, int], Ended]:
    """What trains each seed in a process, for `measure`.

    Parameters
    ----------
    out : the folder of the record
    data : as --data gave it
    """

    def perform(plan: Plan, seed: int) -> Ended:
        place = plan.seeds.index(seed) + 1
        order = {
            "out": str(out), "seed": seed, "data": None if data is None else str(data),
            "cores": CORES if plan.recipe.budget.device == "cpu" else None,
            "title": f"seed {place} of {len(plan.seeds)}",
        }  # fmt: skip
        status = _finished(order)
        if status == 0:
            return read(RecordFolder(out).ended(seed), Ended)
        if status in STOPPED:
            raise KeyboardInterrupt
        if status > 0:
            raise AlreadySaidError(f"seed {seed} could not be trained")
        raise RunError(f"the training of seed {seed} was killed, continue with the same command")

    return perform


def _finished(order: dict[str, object]) -> int:
    """Start a training with this order, and wait; returns its exit status, negative for a signal."""
    cores = order["cores"]
    threads = {} if cores is None else dict.fromkeys(THREAD_VARIABLES, str(cores))
    process = subprocess.Popen(
        (sys.executable, "-m", "fcnet.cli.record_seed"),
        stdin=subprocess.PIPE,
        text=True,
        env=os.environ | threads,
        start_new_session=True,  # Ctrl-C reaches this process, which stops the other
    )
    assert process.stdin is not None
    try:
        with suppress(BrokenPipeError):  # it ended at once
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
        return process.wait()
    except BaseException:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            process.kill()
            process.wait()
        raise
    finally:
        with suppress(BrokenPipeError):
            process.stdin.close()
