"""The catalogue: every kind of mistake as data, and its texts.

`kinds/numpy.toml` and `kinds/pytorch.toml` have an entry for each kind; `texts/en.toml` has its words. A
mistake's mutants serve twice: the tests make them, and the judge recognises a submission whose numbers equal
those of a mutant.
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import msgspec

from fcnet.judge.report import Severity

Half = Literal["numpy", "pytorch"]
Patch = tuple[tuple[str, str], ...]
"""Replacements (old, new) in the specimen's text, in their order."""

SPECIMENS = {"numpy": "two_layernet.txt", "pytorch": "ex2_pytorch.txt"}


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of mistake; the attributes are explained on top of kinds/numpy.toml."""

    code: str
    stage: str
    mutants: tuple[Patch, ...]
    severity: Severity = "error"
    equation: str = ""
    where: tuple[str, ...] = ()
    fingerprint: str = "numbers"


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The words for a kind: what is said, and what to think about."""

    message: str
    think: str


@cache
def kinds(half: Half = "numpy") -> dict[str, Kind]:
    """The kinds of one half of the exercise, by code."""
    read = tomllib.loads((files("fcnet.judge") / "kinds" / f"{half}.toml").read_text(encoding="utf-8"))
    return {code: msgspec.convert({"code": code, **entry}, Kind) for code, entry in read.items()}


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads((files("fcnet.judge") / "texts" / "en.toml").read_text(encoding="utf-8"))


@cache
def texts() -> dict[str, Text]:
    """The words of all kinds, by code."""
    return msgspec.convert(_words()["kinds"], dict[str, Text])


def phrases() -> dict[str, str]:
    """The other words of the report, by name."""
    found: dict[str, str] = _words()["phrases"]
    return found


@cache
def specimen(half: Half = "numpy") -> str:
    """The program in which the mutants are made."""
    return (files("fcnet.judge") / "kinds" / SPECIMENS[half]).read_text(encoding="utf-8")


def mutated(text: str, patch: Patch) -> str | None:
    """The specimen with a mistake; None where another mistake has taken the place of this one."""
    for old, new in patch:
        if text.count(old) != 1:
            return None
        text = text.replace(old, new)
    return text
