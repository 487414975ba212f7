"""Limits that the process puts on itself before it imports anything of the student's."""

from __future__ import annotations

from typing import Any


def confine(setup: dict[str, Any]) -> list[str]:
    """Apply the limits of the set-up; returns the names of what is held."""
    return []
