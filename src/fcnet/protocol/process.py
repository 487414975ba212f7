"""A process of its own for each seed, so that each starts afresh, on the processors of its budget."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from fcnet.errors import AlreadySaidError, RunError
from fcnet.net.libraries import THREAD_VARIABLES
from fcnet.protocol.contents import CORES, Ended, Plan, read
from fcnet.protocol.folder import RecordFolder

Order = dict[str, Any]
"""What `fcnet.cli.record_seed` reads: out, seed, data, net, cores as [first, end], title."""

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
        place, nets = plan.seeds.index(seed) + 1, plan.recipe.nets
        whole: Order = {
            "out": str(out), "seed": seed, "data": None if data is None else str(data), "net": None,
            "cores": [0, CORES] if plan.recipe.budget.device == "cpu" else None,
            "title": f"seed {place} of {len(plan.seeds)}",
        }  # fmt: skip
        if nets > 1:  # at the same time, each on its own processors
            each = CORES // nets
            shares: list[Order] = [
                {"net": net, "cores": [net * each, (net + 1) * each]} for net in range(nets)
            ]
            _check(seed, _finished([whole | share for share in shares]))
        _check(seed, _finished([whole]))
        return read(RecordFolder(out).ended(seed), Ended)

    return perform


def _check(seed: int, statuses: Sequence[int]) -> None:
    """Raise what the exit statuses of a seed's trainings mean, negative for a signal."""
    if any(status in STOPPED for status in statuses):
        raise KeyboardInterrupt
    if any(status > 0 for status in statuses):
        raise AlreadySaidError(f"seed {seed} could not be trained")
    if any(statuses):
        raise RunError(f"the training of seed {seed} was killed, continue with the same command")


def _finished(orders: Sequence[Order]) -> list[int]:
    """Start trainings with these orders at once, and wait; returns their exit statuses."""
    processes: list[subprocess.Popen[str]] = []
    try:
        for order in orders:
            processes.append(_started(order))
        return [process.wait() for process in processes]
    except BaseException:
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(STOP_SECONDS)
            except (subprocess.TimeoutExpired, KeyboardInterrupt):
                process.kill()
                process.wait()
        raise
    finally:
        for process in processes:
            assert process.stdin is not None
            with suppress(BrokenPipeError):
                process.stdin.close()


def _started(order: Order) -> subprocess.Popen[str]:
    cores = order["cores"]
    threads = {} if cores is None else dict.fromkeys(THREAD_VARIABLES, str(cores[1] - cores[0]))
    process = subprocess.Popen(
        (sys.executable, "-m", "fcnet.cli.record_seed"),
        stdin=subprocess.PIPE,
        text=True,
        env=os.environ | threads,
        start_new_session=True,  # Ctrl-C reaches this process, which stops the other
    )
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # it ended at once
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
    return process
