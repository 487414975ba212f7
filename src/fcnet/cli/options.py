"""A command's options, as argparse knows them.

The fields of a command's dataclass, and those of the settings in it, are its options: their names, types and
defaults, and the text below each in the source, are all that there is to say of them. A recipe or a file of
settings, where one is named, decides the defaults.
"""

import argparse
import ast
import inspect
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import partial
from itertools import pairwise, takewhile
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

from fcnet.cli.commands import Command, advice, load
from fcnet.errors import FcnetError

GROUPS = {
    "data": (
        "data", "target", "missing", "drop_columns", "categorical", "image_size", "skip_damaged", "stream",
        "require_cifar10", "validation",
    ),
    "network": (
        "hidden", "activation", "norm", "blocks", "expansion", "initialisation", "receptive_field", "dropout",
    ),
    "input": (
        "preprocessing", "components", "whitening_floor", "mirror", "shift", "rotate", "zoom", "cutout",
        "mixup", "augment", "bank",
    ),
    "search": ("trials", "workers", "vary", "minutes", "storage", "study"),
    "output": ("out", "resume", "overwrite", "tensorboard", "watch", "evaluate_every"),
    "engine": ("engine", "device", "precision", "compile"),
    "training": (),
}  # fmt: skip
"""Names of the groups in which help shows the options of trainings, in their order, and the options of each;
the last takes all others."""

SPELLINGS = {
    "optimizer": "optimiser", "initialization": "initialisation", "standardized": "standardised",
    "centered": "centred",
}  # fmt: skip
"""American spellings, accepted beside the British ones: of options, and of the values of `SPELT`."""

SPELT = ("--preprocessing", "--vary")
"""Options whose values are words that are spelt in two ways."""

VALUES = {Path: "PATH", int: "INT", float: "FLOAT", str: "NAME"}
"""What stands for a value of each type in help, where the field does not say it."""

NUMBERS = {int: "a whole number", float: "a number"}
"""What errors call a value of these types."""

COLUMN, WIDEST = 21, 100
"""Characters of help before its explanations, at most, and in a line, as longer ones are hard to read."""

UNBROKEN = "\xa0"
"""A space at which no line of help ends."""


BEHIND = "\0"
"""Begins each word behind `--` while argparse reads it, which forgets `--` where it stands before the first
word that is no option; no argument of a program holds this character."""


class Positional(str):
    """Marks a field, by `Annotated`, as given without a name; the text stands for its value in help.

    Any other text in an `Annotated` stands for the value of an option with a name.
    """


def parse_options(name: str, arguments: Sequence[str]) -> Command:
    """The command of this name with the options that the arguments give; prints its help if asked to.

    Raises
    ------
    SystemExit : with status 0, after help
    FcnetError : a wrong option or value; a similar option is suggested; or as `start_of`
    """
    kind, typed = load(name), arguments[len(name.split()) :]
    words, settings = list(_british(typed)), None
    if any(one.name == "settings" for one in fields(kind)):
        from fcnet.cli.start import start_of

        settings = start_of(words, resumes=name == "train")
    parser, actions = parser_of(f"fcnet {name}", kind, settings)
    if not {"-h", "--help"}.isdisjoint(_before_dashes(words)):
        print(parser.format_help().replace(UNBROKEN, " "), end="")
        raise SystemExit(0)
    given, left = parser.parse_known_intermixed_args(words)
    known = ["--help", *(option for action in actions for option in action.option_strings)]
    for word in _before_dashes(left):
        if re.match(r"-[-a-zA-Z]", word):
            option = typed[words.index(word)].partition("=")[0]
            raise FcnetError(f"{parser.prog} has no option {option}{advice(option, known, parser.prog)}")
    if unexpected := [word.removeprefix(BEHIND) for word in left if word != "--"]:
        parser.error(f"unexpected: {', '.join(unexpected)}")
    if missing := [action for action in actions if getattr(given, action.dest) is MISSING]:
        told = [f"{_usage(action)} {str(action.help).removesuffix('. (required)')}" for action in missing]
        parser.error(f"missing from {parser.prog}: {', '.join(told)}")
    command: Command = _made(kind, vars(given))
    return command


def _before_dashes(words: Iterable[str]) -> Iterator[str]:
    """The words before `--`, behind which none is the name of an option."""
    return takewhile(lambda word: word != "--", words)


def _british(arguments: Sequence[str]) -> Iterator[str]:
    """The arguments as the rest of fcnet spells them: names of options, and values of `SPELT` ones.

    Those behind `--` stay as they are, but for `BEHIND`.
    """
    option, words = "", iter(arguments)
    for word in words:
        if word == "--":
            yield word
            yield from (BEHIND + behind for behind in words)
        elif not word.startswith("--"):
            yield SPELLINGS.get(word, word) if option in SPELT else word
        else:
            name, equals, value = word.partition("=")
            option = "--" + SPELLINGS.get(name[2:], name[2:]).replace("_", "-")
            yield option + equals + (SPELLINGS.get(value, value) if option in SPELT else value)


def parser_of(
    command: str, kind: Any, settings: Any = None
) -> tuple[argparse.ArgumentParser, list[argparse.Action]]:
    """A command's parser, and what it knows, in the order that help has.

    Parameters
    ----------
    command : as it is typed, such as `fcnet train`
    kind : its dataclass
    settings : those that it has, as they start; its options are shown in groups then
    """
    parser = _Parser(command, inspect.getdoc(kind))
    if settings is None:
        actions = [_add(parser, *option) for option in _options(kind)]
    else:
        options, actions = [*_options(kind), *_options(type(settings), settings)], []
        named = {field for members in GROUPS.values() for field in members}
        for group, members in GROUPS.items():
            place = parser.add_argument_group(f"{group} options")
            for option in options:
                if option[0] in members or (not members and option[0] not in named):
                    actions.append(_add(place, *option))
    needed = [_usage(action) for action in actions if action.default is MISSING or not action.option_strings]
    parser.usage = " ".join([command, *needed, "[OPTIONS]"])
    return parser, actions


def _options(kind: Any, start: Any = None) -> Iterator[tuple[str, Any, Any, str]]:
    """Each field with its type, its default, or MISSING, and its explanation; without settings in it."""
    hints, told = get_type_hints(kind, include_extras=True), explanations(kind)
    for one in fields(kind):
        if not is_dataclass(hints[one.name]):
            default = one.default if start is None else getattr(start, one.name)
            yield one.name, hints[one.name], default, told.get(one.name, "")


def _add(place: Any, field: str, hint: Any, default: Any, told: str) -> argparse.Action:
    """Tell a parser, or a group of it, of a field.

    A switch may also be given as it is already, which help leaves out.
    """
    name, mark = f"--{field.replace('_', '-')}", None
    if get_origin(hint) is Annotated:
        hint, mark = get_args(hint)
    if get_origin(hint) in (Union, UnionType):  # X | None
        (hint,) = (one for one in get_args(hint) if one is not NoneType)
    many = get_origin(hint) is tuple
    kind = get_args(hint)[0] if many else hint
    if default is MISSING:
        told += " (required)"
        default = () if many else default  # what is wrong with none, the command says
    elif default is True:
        told += " (on by default, this turns it off)"
    elif kind is not bool and default not in (None, ()):
        told += f" (default:{UNBROKEN}{UNBROKEN.join(map(str, default)) if many else default})"
    how: dict[str, Any] = {"default": default, "help": told.replace("%", "%%")}
    if kind is bool:
        off = f"--no-{name[2:]}"
        usual, name = (name, off) if default else (off, name)
        how |= {"action": "store_const", "const": not default}
        place.add_argument(usual, dest=field, **how | {"const": default, "help": argparse.SUPPRESS})
    elif get_origin(kind) is Literal:
        how |= {"choices": get_args(kind), "type": partial(_value, type(get_args(kind)[0]))}
    else:
        how |= {"metavar": mark or VALUES[kind], "type": partial(_value, kind)}
    if many:
        how["nargs"] = "*"
    if isinstance(mark, Positional):
        action: argparse.Action = place.add_argument(field, **{"nargs": "?"} | how)
    else:
        action = place.add_argument(name, dest=field, **how)
    return action


class _Parser(argparse.ArgumentParser):
    """Leaves help and what is missing to `parse_options`, and says what is wrong in one line."""

    def __init__(self, command: str, about: str | None) -> None:
        super().__init__(
            command, description=about, formatter_class=_Formatter, add_help=False, allow_abbrev=False
        )
        self._negative_number_matcher = re.compile(r"-[\d.]|-inf|-nan")  # argparse's own lacks -1e-3

    def error(self, message: str) -> NoReturn:
        raise FcnetError(f"{message.removeprefix('argument ')}; see {self.prog} --help")


class _Formatter(argparse.HelpFormatter):
    """Lines end between words only, paragraphs stay, and a shell can read the last one, an example."""

    def __init__(self, prog: str) -> None:
        width = min(shutil.get_terminal_size().columns, WIDEST)
        super().__init__(prog, max_help_position=COLUMN, width=width)

    def _split_lines(self, text: str, width: int, indent: str = "") -> list[str]:
        return textwrap.wrap(
            text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        *paragraphs, example = (" ".join(part.split()) for part in text.split("\n\n"))
        filled = ["\n".join(self._split_lines(part, width)) for part in paragraphs]
        if len(example) > width:
            whole = re.sub(r"(--\S+) (?!-)", rf"\1{UNBROKEN}", example)  # an option and its value
            example = " \\\n".join(self._split_lines(whole, width - 2, "    "))
        return "\n\n".join([*filled, example])

    def start_section(self, heading: str | None) -> None:
        """A heading, bold on a terminal."""
        wanted = os.environ.get("TERM", "dumb") != "dumb" and "NO_COLOR" not in os.environ
        bold = wanted and sys.stdout and sys.stdout.isatty()
        super().start_section(f"\x1b[1m{heading}\x1b[0m" if bold else heading)


def _usage(action: argparse.Action) -> str:
    return " ".join([*action.option_strings, str(action.metavar)])


def _value(kind: type, word: str) -> Any:
    """What a word says, which has to be a number for some types."""
    word = word.removeprefix(BEHIND)
    try:
        return kind(word)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{word[:80]!r} is not {NUMBERS[kind]}") from None


def _made(kind: Any, values: Mapping[str, Any]) -> Any:
    """The command, and the settings in it, which are checked as they are made."""
    hints, own = get_type_hints(kind), {}
    for one in fields(kind):
        inner = is_dataclass(hints[one.name])
        value = _made(hints[one.name], values) if inner else values[one.name]
        own[one.name] = tuple(value) if isinstance(value, list) else value
    return kind(**own)


def explanations(kind: type) -> dict[str, str]:
    """The text below each field of a dataclass and of those that it extends, as the source says it."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__[:-1]):
        # not inspect.getsource(one), which parses the module, too, and then reads the class token by token
        try:
            module = ast.parse(inspect.getsource(sys.modules[one.__module__]))
        except OSError:  # an installation without sources: options are read, and not explained
            continue
        (body,) = (
            each for each in module.body if isinstance(each, ast.ClassDef) and each.name == one.__name__
        )
        for field, below in pairwise(body.body):
            match field, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    found[name] = " ".join(text.split())
    return found
