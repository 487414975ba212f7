"""Processes of programs in tests of the benchmarks, which do several cases in turn: some start slowly."""

from __future__ import annotations

import os
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

from runner import serve


def serve_in_turn(connection: Connection, module: str, contestant: str, case: dict[str, Any]) -> None:
    """`runner.serve` for each of case["cases"]; an empty question goes on to the next."""
    for one in case["cases"]:
        serve(connection, module, contestant, {**one, "threads": case["threads"]})


def serve_in_forks(connection: Connection, module: str, contestant: str, case: dict[str, Any]) -> None:
    """The same for each of case["programs"], in processes that find case["loaded"] imported."""
    import_module(case["loaded"])
    for one in case["programs"]:
        process = os.fork()
        if process == 0:
            serve_in_turn(connection, module, one, case)
            os._exit(0)
        os.waitpid(process, 0)
