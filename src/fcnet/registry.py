"""Looking something up by name, with the known names in the error.

What fcnet offers by name stands in plain dictionaries: `LAYERS`, `ACTIVATIONS`, `OPTIMISERS`, `SCHEDULES`,
`AVERAGES`, `INITIALISATIONS`, `AUGMENTATIONS`, `DATASETS`, `RECIPES`. A user's own code adds to them
by assignment.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from fcnet.errors import DataError, FcnetError, UnknownNameError

T = TypeVar("T")

EXTENDABLE = (
    "activation", "layer", "norm", "optimiser", "schedule", "average", "initialisation", "augmentation",
)  # fmt: skip
"""What code of a user's own may add names to, as errors call it."""

ADVICE = "run the file that adds it in place of fcnet (python FILE ...), or import that file first"
"""What to do where a file needs a name that code of a user's own adds."""


def look_up(known: Mapping[str, T], name: object, what: str) -> T:
    """The entry of this name.

    Raises
    ------
    UnknownNameError : `WHAT is NAME, choose from ...`
    """
    if isinstance(name, str) and name in known:
        return known[name]
    raise unknown(known, name, what)


def unknown(known: Iterable[str], name: object, what: str, otherwise: str = "") -> UnknownNameError:
    """The error about a name that is not there, with those that are and the likeliest first guess."""
    close = similar(name, known)
    guess = f" (did you mean {close!r}?)" if close else ""
    text = f"{what} is {str(name)[:80]!r}, choose from {', '.join(map(repr, known))}{otherwise}{guess}"
    return UnknownNameError(text, what, name)


def similar(name: object, known: Iterable[str]) -> str | None:
    """The known name that is most like this one; None if none is."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(str(name)[:80], list(known), n=1)), None)


def in_file(where: object, error: DataError) -> DataError:
    """The same error about what stands in a file: `WHERE: ...`."""
    text = f"{where}: {error}"
    if isinstance(error, UnknownNameError):
        return UnknownNameError(text, error.what, error.name)
    return DataError(text)


def advised(error: UnknownNameError) -> UnknownNameError:
    """The error about a name that a run or a search needs, with what to do where code of your own adds it."""
    if not needs_own_code(error):
        return error
    return UnknownNameError(f"{error}; if code of your own adds it, {ADVICE}", error.what, error.name)


def needs_own_code(error: FcnetError) -> bool:
    """Whether an error is about a name that code of a user's own may add."""
    return isinstance(error, UnknownNameError) and error.what in EXTENDABLE
