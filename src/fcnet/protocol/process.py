"""A process of its own for each seed, so that each starts afresh, on the processors of its budget."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from fcnet.errors import AlreadySaidError, RunError
from fcnet.extension import OWN_FILE, own_file
from fcnet.net.libraries import THREAD_VARIABLES
from fcnet.protocol.contents import CORES, Ended, Plan, read
from fcnet.protocol.folder import RecordFolder

Order = dict[str, Any]
"""What `fcnet.cli.record_seed` reads: out, seed, data, net, cores as [first, end] (None for all, which it
shares with the others), title; without a title it shows no progress."""

STOP_SECONDS = 120.0
"""Seconds for a training to end its step and write its checkpoint."""

STOPPED = (130, 143)
"""Exit statuses of a training that was interrupted."""


def in_processes(out: Path, data: Path | None) -> Callable[[Plan, Sequence[int]], list[Ended]]:
    """What trains seeds at the same time, each in a process, for `measure`.

    Parameters
    ----------
    out : the folder of the record
    data : as --data gave it
    """

    def order(plan: Plan, seed: int, net: int | None = None) -> Order:
        place, each = plan.seeds.index(seed) + 1, CORES // plan.recipe.nets
        first, end = (0, CORES) if net is None else (net * each, (net + 1) * each)
        return {
            "out": str(out), "seed": seed, "data": None if data is None else str(data), "net": net,
            "cores": [first, end] if plan.recipe.budget.device == "cpu" else None,
            "title": f"seed {place} of {len(plan.seeds)}",
        }  # fmt: skip

    def perform(plan: Plan, seeds: Sequence[int]) -> list[Ended]:
        nets = plan.recipe.nets
        if nets > 1:  # each on its own processors; what follows makes one net of them
            for seed in seeds:
                _run([order(plan, seed, net) for net in range(nets)])
        _run([order(plan, seed) for seed in seeds])
        return [read(RecordFolder(out).ended(seed), Ended) for seed in seeds]

    return perform


def _run(orders: Sequence[Order]) -> None:
    """Start trainings with these orders at once, and wait for all; the first one shows the progress.

    Raises
    ------
    KeyboardInterrupt : one was interrupted
    AlreadySaidError : one could not be trained, and has said why
    RunError : one was killed
    """
    first, *others = orders
    statuses = _finished([first, *(one | {"title": None} for one in others)])
    if any(status in STOPPED for status in statuses):
        raise KeyboardInterrupt
    for order, status in zip(orders, statuses, strict=True):
        if status > 0:
            raise AlreadySaidError(f"seed {order['seed']} could not be trained")
        if status < 0:  # a signal
            raise RunError(f"the training of seed {order['seed']} was killed, continue with the same command")


def _finished(orders: Sequence[Order]) -> list[int]:
    """The exit statuses of trainings that are started with these orders at once, negative for a signal."""
    processes: list[subprocess.Popen[str]] = []
    try:
        for order in orders:
            processes.append(_started(order, len(orders)))
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


def _started(order: Order, beside: int) -> subprocess.Popen[str]:
    cores = order["cores"]
    threads = max(1, (os.cpu_count() or 1) // beside) if cores is None else cores[1] - cores[0]
    process = subprocess.Popen(
        (sys.executable, "-m", "fcnet.cli.record_seed"),
        stdin=subprocess.PIPE,
        text=True,
        env=os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads)),
        start_new_session=True,  # Ctrl-C reaches this process, which stops the other
    )
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # it ended at once
        process.stdin.write(json.dumps(order | {OWN_FILE: own_file()}) + "\n")
        process.stdin.flush()
    return process
