"""Looking something up by name, with the known names in the error.

What fcnet offers by name stands in plain dictionaries: `LAYERS`, `ACTIVATIONS`, `OPTIMISERS`, `SCHEDULES`,
`AVERAGES`, `INITIALISATIONS`, `AUGMENTATIONS`, `DATASETS`, `RECIPES`. A user's own code adds to them
by assignment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TypeVar

from fcnet.errors import DataError

T = TypeVar("T")


def look_up(known: Mapping[str, T], name: object, what: str) -> T:
    """The entry of this name.

    Raises
    ------
    DataError : `WHAT is NAME, choose from ...`
    """
    if isinstance(name, str) and name in known:
        return known[name]
    raise unknown(known, name, what)


def unknown(known: Iterable[str], name: object, what: str, otherwise: str = "") -> DataError:
    """The error about a name that is not there, with those that are and the likeliest first guess."""
    close = get_close_matches(str(name)[:80], list(known), n=1)
    guess = f" (did you mean {close[0]!r}?)" if close else ""
    return DataError(
        f"{what} is {str(name)[:80]!r}, choose from {', '.join(map(repr, known))}{otherwise}{guess}"
    )
