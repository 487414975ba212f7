"""All commands by name, and tyro's parser for the command that is called.

Only that command's module is imported, so that it starts quickly, and an error in its options names only its
own options.
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
from difflib import get_close_matches
from importlib import import_module
from types import ModuleType
from typing import Any, Protocol, get_type_hints

from fcnet.cli.groups import from_groups, in_groups
from fcnet.errors import FcnetError

COMMANDS = {
    "reproduce": "fcnet.cli.reproduce:Reproduce",
    "data fetch": "fcnet.cli.data:Fetch",
    "data verify": "fcnet.cli.data:Verify",
    "data info": "fcnet.cli.data:Info",
    "data sample": "fcnet.cli.data:Sample",
    "cache list": "fcnet.cli.cache:List",
    "cache prune": "fcnet.cli.cache:Prune",
    "train": "fcnet.cli.train:Train",
    "tune": "fcnet.cli.tune:Tune",
    "test": "fcnet.cli.test:Test",
    "predict": "fcnet.cli.predict:Predict",
    "runs": "fcnet.cli.runs:Runs",
    "compare": "fcnet.cli.compare:Compare",
    "export": "fcnet.cli.export:Export",
    "fold": "fcnet.cli.fold:Fold",
    "record run": "fcnet.cli.record:Run",
    "record plan": "fcnet.cli.record:Plan",
    "record verify": "fcnet.cli.record:Verify",
    "audit": "fcnet.cli.audit:Audit",
    "report": "fcnet.cli.report:Report",
    "explore": "fcnet.cli.explore:Explore",
    "watch": "fcnet.cli.watch:Watch",
    "start": "fcnet.cli.start_exercise:Start",
    "check": "fcnet.cli.check:Check",
    "grade": "fcnet.cli.grade:Grade",
    "doctor": "fcnet.cli.doctor:Doctor",
}
"""Each command's name, of one word or two, and the module and class of it; in the order that help has."""

SPELLINGS = {
    "optimizer": "optimiser", "initialization": "initialisation", "standardized": "standardised",
    "centered": "centred",
}  # fmt: skip
"""American spellings, accepted beside the British ones: of options, and of the values of `SPELT`."""

SPELT = ("--preprocessing", "--vary")
"""Options whose values are words that are spelt in two ways."""

ABOUT = "Fully-connected networks from first principles. Start with: fcnet reproduce"


class Command(Protocol):
    """What every command is."""

    def run(self) -> int: ...


def parse(arguments: Sequence[str]) -> Command:
    """The command that the arguments name; prints help or the version and exits with status 0 if asked to.

    Raises
    ------
    FcnetError : they name no command, or a wrong option or value; a similar name is suggested
    """
    name = command_of(arguments)
    if name is None:
        raise _mistake_or_exit(arguments)
    return _parse(name, arguments)


def command_of(arguments: Sequence[str]) -> str | None:
    """The name of the command that the arguments begin with; None if they begin with none."""
    return next((name for name in COMMANDS if list(arguments[: len(name.split())]) == name.split()), None)


def load(name: str) -> Any:
    """Import the class of a command."""
    module, _, kind = COMMANDS[name].partition(":")
    return getattr(import_module(module), kind)


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


def _parse(name: str, arguments: Sequence[str]) -> Command:
    import tyro

    kind, words = load(name), list(_british(arguments))
    start = kind.from_arguments(words) if hasattr(kind, "from_arguments") else None
    explanation, help_text = io.StringIO(), _Held()
    try:
        with redirect_stderr(explanation), redirect_stdout(help_text), _defaults_taken_as_typed():
            parse_as: Any = tyro.cli
            view, defaults = (kind, None) if start is None else in_groups(kind, start)
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
    command: Command = parsed if start is None else from_groups(kind, parsed)
    return command


def _unknown_option(name: str, arguments: Sequence[str]) -> str | None:
    """What is wrong with the first option that the command does not have; None if it has them all."""
    known = ["--help", *options_of(load(name))]
    for word in arguments:
        option = word.partition("=")[0]
        if option.startswith("--") and next(_british([option])) not in [*known, "--"]:
            return f"fcnet {name} has no option {option}{_advice(option, known, f'fcnet {name}')}"
    return None


def options_of(kind: Any) -> Iterator[str]:
    """The options of a command, such as `--batch-size`: its fields, and those of the dataclasses in it."""
    hints = get_type_hints(kind)
    for field in fields(kind):
        if is_dataclass(hints[field.name]):
            yield from options_of(hints[field.name])
        else:
            yield f"--{field.name.replace('_', '-')}"


def _mistake_or_exit(arguments: Sequence[str]) -> FcnetError:
    """Print help or the version and exit, or say what is wrong with arguments that begin with no command.

    Raises
    ------
    SystemExit : with status 0, after help or the version
    """
    from fcnet import __version__

    if not arguments:
        return FcnetError("no command is given, start with: fcnet reproduce (fcnet --help lists them all)")
    first = arguments[0]
    inner = {name: name.split()[1] for name in COMMANDS if name.startswith(f"{first} ")}
    asked = arguments[1:2] if inner else arguments[:1]
    if first == "--version":
        print(f"fcnet {__version__}")
        raise SystemExit(0)
    if list(asked) in (["-h"], ["--help"]):
        print(overview(first if inner else ""))
        raise SystemExit(0)
    if inner and not asked:
        return FcnetError(f"fcnet {first} needs one of: {', '.join(inner.values())}")
    if first.startswith("-"):
        return FcnetError(f"fcnet has no option {first}{_advice(first, ('--help', '--version'), 'fcnet')}")
    called = f"{first} {asked[0]}" if inner else first
    known = [*(inner or COMMANDS), *({name.split()[0] for name in COMMANDS} - {first})]
    return FcnetError(f"fcnet has no command {called}{_advice(called, known, 'fcnet')}")


def _advice(word: str, known: Sequence[str], command: str) -> str:
    similar = get_close_matches(word, known, 1)
    return f", do you mean {similar[0]}?" if similar else f", see {command} --help"


def overview(group: str = "") -> str:
    """The help of `fcnet`, or of the commands that begin with a word: each with the first line of its own."""
    names = [name for name in COMMANDS if not group or name.split()[0] == group]
    width = max(map(len, names)) + 4
    lines = [
        f"usage: {' '.join(filter(None, ('fcnet', group)))} COMMAND [OPTIONS]",
        "",
        ABOUT,
        "",
        "commands:",
    ]
    for name in names:
        first = " ".join((load(name).__doc__ or "").split("\n\n")[0].split())
        lines += textwrap.wrap(
            first, 80, initial_indent=f"  {name}".ljust(width), subsequent_indent=" " * width
        )
    lines += ["", "fcnet COMMAND --help explains a command, fcnet --version prints the version."]
    return "\n".join(lines)


def one_line(explanation: str) -> str:
    """What tyro says below a title, in a box or between dashes, as sections joined by semicolons."""
    lines = re.sub(r"\x1b\[[0-9;]*m", "", explanation).splitlines()
    inside = " ".join(line.strip("│ ") for line in lines[1:] if not line.startswith("╰"))
    sections = [" ".join(section.split()) for section in re.split(r"[─-]{5,}", inside)]
    told = [re.sub(r"^Error parsing (\w+: )?", "", section) for section in sections if section]
    told = [section for section in told if not section.startswith("Argument helptext")]
    return "; ".join(f"{section[0].lower()}{section[1:].rstrip('.')}" for section in told)
