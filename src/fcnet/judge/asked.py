"""The form of a process's answers: a hostile one may send anything that the codec can carry."""

from __future__ import annotations

from typing import Any

from fcnet.judge.isolation import Failure, Reply, Submission

WANTED: dict[str, dict[str, type]] = {
    "construct": {"attributes": dict},
    "attributes": {"attributes": dict},
    "load": {"classes": list},
    "call": {"value": object},
    "script": {"events": list},
}
"""What the answer to an operation has to hold."""

MAY_HAVE: dict[str, type] = {"lines": dict, "changed": list, "records": list}
"""What it may hold besides."""


class Asked:
    """A submission's process whose answers have a known form, or are failures.

    Parameters
    ----------
    submission : the process
    """

    def __init__(self, submission: Submission) -> None:
        self.submission = submission

    def call(self, operation: str, /, **arguments: Any) -> Reply:
        """Ask for an operation; see `fcnet.judge.isolation`."""
        reply = self.submission.call(operation, **arguments)
        if reply.failure is not None or is_formed(operation, reply.value):
            return reply
        return Reply(failure=Failure("protocol", message="an answer of no known form"))


def is_formed(operation: str, value: Any) -> bool:
    """Whether an answer holds what it has to hold."""
    if not isinstance(value, dict):
        return False
    wanted = WANTED.get(operation, {})
    whole = all(name in value and isinstance(value[name], kind) for name, kind in wanted.items())
    whole = whole and all(isinstance(value.get(name, kind()), kind) for name, kind in MAY_HAVE.items())
    return whole and (operation != "load" or all(is_class(one) for one in value["classes"]))


def is_class(told: Any) -> bool:
    """Whether a class is described with its name and its methods' parameters."""
    if not isinstance(told, dict) or not isinstance(told.get("name"), str):
        return False
    methods = told.get("methods")
    return isinstance(methods, dict) and all(
        isinstance(parameters, list) and all(is_parameter(one) for one in parameters)
        for parameters in methods.values()
    )


def is_parameter(told: Any) -> bool:
    """Whether a parameter is described."""
    return (
        isinstance(told, dict) and isinstance(told.get("name"), str) and "default" in told and "kind" in told
    )


def is_record(record: Any) -> bool:
    """Whether a record of a call has its parts."""
    parts = (("params", dict), ("args", list), ("keywords", dict))
    return isinstance(record, dict) and all(isinstance(record.get(name), kind) for name, kind in parts)
