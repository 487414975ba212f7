"""All commands by name, their listing, and the way to the one that is called.

Only that command's module is imported, so that it starts quickly, and an error in its options names only its
own options. The listing imports none of them.
"""

import re
import textwrap
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from linecache import getlines
from typing import Any, Protocol

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
    from fcnet.cli.options import parse_options

    return parse_options(name, arguments)


def command_of(arguments: Sequence[str]) -> str | None:
    """The name of the command that the arguments begin with; None if they begin with none."""
    return next((name for name in COMMANDS if list(arguments[: len(name.split())]) == name.split()), None)


def load(name: str) -> Any:
    """Import the class of a command."""
    module, _, kind = COMMANDS[name].partition(":")
    return getattr(import_module(module), kind)


def summary(name: str) -> str:
    """The first paragraph of a command's docstring, in one line.

    It is read from the source, since the import of all commands takes longer than the listing may take. Where
    there is no source, the command is imported.
    """
    module, _, kind = COMMANDS[name].partition(":")
    found = re.search(rf'^class {kind}\b.*?"""(.*?)"""', _source(module), re.MULTILINE | re.DOTALL)
    explanation = found[1] if found else load(name).__doc__ or ""
    return " ".join(explanation.split("\n\n")[0].split())


def _source(module: str) -> str:
    """The source of a module that is not imported; empty where there is none."""
    spec = find_spec(module)
    return "".join(getlines(spec.origin)) if spec and spec.origin else ""


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
        return FcnetError(f"fcnet has no option {first}{advice(first, ('--help', '--version'), 'fcnet')}")
    called = f"{first} {asked[0]}" if inner else first
    known = [*(inner or COMMANDS), *({name.split()[0] for name in COMMANDS} - {first})]
    return FcnetError(f"fcnet has no command {called}{advice(called, known, 'fcnet')}")


def advice(word: str, known: Sequence[str], command: str) -> str:
    """The end of an error about a word: the known one that is similar, or the help that lists them all."""
    from difflib import get_close_matches

    names = {name.lstrip("-"): name for name in known}  # the dashes alone make no option similar
    similar = get_close_matches(word.lstrip("-"), names, 1)
    return f", do you mean {names[similar[0]]}?" if similar else f", see {command} --help"


def overview(group: str = "") -> str:
    """The help of `fcnet`, or of the commands that begin with a word: each with its summary."""
    names = [name for name in COMMANDS if not group or name.split()[0] == group]
    width = max(map(len, names)) + 4
    lines = [
        f"usage: {' '.join(filter(None, ('fcnet', group)))} COMMAND [OPTIONS]",
        "",
        *(() if group else (ABOUT, "")),
        "commands:",
    ]
    for name in names:
        start = f"  {name}".ljust(width)
        lines += textwrap.wrap(summary(name), 80, initial_indent=start, subsequent_indent=" " * width)
    lines += ["", "fcnet COMMAND --help explains a command, fcnet --version prints the version."]
    return "\n".join(lines)
