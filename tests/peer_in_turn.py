"""A program's process in tests of the benchmarks: both cases in turn, since some programs start slowly."""

from __future__ import annotations

from multiprocessing.connection import Connection
from typing import Any

from runner import serve


def serve_in_turn(connection: Connection, module: str, contestant: str, case: dict[str, Any]) -> None:
    """`runner.serve` for each of case["cases"]; an empty question goes on to the next."""
    for one in case["cases"]:
        serve(connection, module, contestant, {**one, "threads": case["threads"]})
