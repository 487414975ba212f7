"""How the tables write what they state."""

from __future__ import annotations

import textwrap
from typing import Any


def label(results: dict[str, Any]) -> str:
    """The data set with what must be known about this copy."""
    dataset = results["dataset"]
    return f"{dataset['name']} ({dataset['note']})" if dataset["note"] else str(dataset["name"])


def wrapped(text: str) -> list[str]:
    """A paragraph in lines; no word is cut, since some are links."""
    return textwrap.wrap(text, 120, break_long_words=False, break_on_hyphens=False)
