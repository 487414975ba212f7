"""tyro's parser for one command, and its mistakes in one line.

`parse` in `commands.py` imports it when a command is called: tyro takes more time to start than the rest of
the command line.
"""

from __future__ import annotations

import io
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import fields, is_dataclass
from types import ModuleType
from typing import Any, get_type_hints

import tyro

from fcnet.cli.commands import Command, advice, load
from fcnet.cli.groups import explained, from_groups, in_groups
from fcnet.errors import FcnetError

SPELLINGS = {
    "optimizer": "optimiser", "initialization": "initialisation", "standardized": "standardised",
    "centered": "centred",
}  # fmt: skip
"""American spellings, accepted beside the British ones: of options, and of the values of `SPELT`."""

SPELT = ("--preprocessing", "--vary")
"""Options whose values are words that are spelt in two ways."""


def parse_options(name: str, arguments: Sequence[str]) -> Command:
    """The command of this name with the options that the arguments give; prints its help if asked to.

    Raises
    ------
    SystemExit : with status 0, after help
    FcnetError : a wrong option or value; a similar option is suggested; or as `start_of`
    """
    kind, words = load(name), list(_british(arguments))
    start = None
    if any(field.name == "settings" for field in fields(kind)):
        from fcnet.cli.start import start_of

        start = kind(out=tyro.MISSING, settings=start_of(words))
    explanation, help_text = io.StringIO(), _Held()
    try:
        with redirect_stderr(explanation), redirect_stdout(help_text), _defaults_taken_as_typed():
            parse_as: Any = tyro.cli
            view, defaults = (explained(kind), None) if start is None else in_groups(kind, start)
            parsed = parse_as(
                view,
                prog=f"fcnet {name}",
                args=list(words[len(name.split()) :]),
                config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff, tyro.conf.DisallowNone),
                **({"default": defaults} if defaults else {}),
            )
    except SystemExit as end:
        if not end.code:
            print(_wrapped(help_text.getvalue()), end="")
            raise
        raise FcnetError(_unknown_option(name, arguments) or one_line(explanation.getvalue())) from None
    command: Command = kind(**vars(parsed)) if start is None else from_groups(kind, parsed)
    return command


def _british(arguments: Sequence[str]) -> Iterator[str]:
    """The arguments as the rest of fcnet spells them: names of options, and values of `SPELT` ones."""
    option = ""
    for word in arguments:
        if not word.startswith("--"):
            yield SPELLINGS.get(word, word) if option in SPELT else word
            continue
        name, equals, value = word.partition("=")
        option = "--" + SPELLINGS.get(name[2:], name[2:]).replace("_", "-")
        yield option + equals + (SPELLINGS.get(value, value) if option in SPELT else value)


@contextmanager
def _defaults_taken_as_typed() -> Iterator[None]:
    """Let tyro take our defaults as they are: it would check their types, which mypy has done already.

    For that it imports typeguard, which brings asyncio and ssl: 0.14 of the 0.28 s that a start took.
    """
    unchecked = ModuleType("typeguard")
    vars(unchecked).update(check_type=lambda value, kind: value, TypeCheckError=TypeError)
    present = sys.modules.setdefault("typeguard", unchecked)
    try:
        yield
    finally:
        if present is unchecked:
            del sys.modules["typeguard"]


class _Held(io.StringIO):
    """Takes the place of standard output, coloured like it."""

    def isatty(self) -> bool:
        return sys.__stdout__ is not None and sys.__stdout__.isatty()


_BETWEEN = r"(?:\s|\x1b\[[\d;]*m)*"  # words: blanks, line breaks, colours

_UNSET = re.compile(rf"{_BETWEEN}\(default:{_BETWEEN}(?:None)?\) *")
"""What tyro says of an option that is not set, with the blanks behind; it may be broken between two lines."""


def _wrapped(text: str) -> str:
    """Help whose paragraphs fit the terminal: tyro wraps the options only, which may be in colour."""
    width = shutil.get_terminal_size().columns
    lines = []
    for line in _UNSET.sub("", text).splitlines():
        long = len(line) > width and "\x1b" not in line and not line.startswith("│")
        wrapped = (
            textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) if long else [line]
        )
        lines += wrapped
    return "".join(f"{line}\n" for line in lines)


def _unknown_option(name: str, arguments: Sequence[str]) -> str | None:
    """What is wrong with the first option that the command does not have; None if it has them all."""
    known = ["--help", *options_of(load(name))]
    for word in arguments:
        option = word.partition("=")[0]
        if option.startswith("--") and next(_british([option])) not in [*known, "--"]:
            return f"fcnet {name} has no option {option}{advice(option, known, f'fcnet {name}')}"
    return None


def options_of(kind: Any) -> Iterator[str]:
    """The options of a command, such as `--batch-size`: its fields, and those of the dataclasses in it."""
    hints = get_type_hints(kind)
    for field in fields(kind):
        if is_dataclass(hints[field.name]):
            yield from options_of(hints[field.name])
        else:
            yield f"--{field.name.replace('_', '-')}"


PLAIN = (
    (
        r"^(--\S+): (?:.*: )?invalid literal for int\(\) with base 10: ('.*?')",
        r"\1: \2 is not a whole number",
    ),
    (r"could not convert string to float: ('.*?')", r"\1 is not a number"),
    (r"missing value for argument '(.*?)'. Expected 1 values", r"\1 needs a value"),
    (r"missing value for argument '(.*?)'. Expected (\d+) values", r"\1 needs \2 values"),
    (r"invalid choice ('.*?') for argument '(.*?)'. Expected one of \((.*?)\)", r"\2 is \1, choose from \3"),
    (r"[Cc]ould not find valid parse for arguments: \[(.*)\]", r"cannot be \1"),
    (r"unrecognized options: ", "unexpected: "),
    (r"\.? \(required\)(?= \S)", ","),
    (r"\.? \(required\)", ""),
    (r"; for full helptext, (?:run:?|see) ", "; see "),
)
"""What tyro says, and how we put it. What a newer tyro says otherwise stays as it is."""


def one_line(explanation: str) -> str:
    """What tyro says below a title, in a box or between dashes, as sections joined by semicolons."""
    lines = re.sub(r"\x1b\[[0-9;]*m", "", explanation).splitlines()
    inside = " ".join(line.strip("│ ") for line in lines[1:] if not line.startswith("╰"))
    sections = [" ".join(section.split()) for section in re.split(r"[─-]{5,}", inside)]
    told = [re.sub(r"^Error parsing (\w+: )?", "", section) for section in sections if section]
    told = [section for section in told if not section.startswith("Argument helptext")]
    text = "; ".join(f"{section[0].lower()}{section[1:].rstrip('.')}" for section in told)
    for theirs, ours in PLAIN:
        text = re.sub(theirs, ours, text)
    return text
