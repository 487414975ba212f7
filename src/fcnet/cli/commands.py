"""All commands, and the parser that tyro makes of them."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

import tyro

from fcnet.cli.audit import Audit
from fcnet.cli.check import Check
from fcnet.cli.compare import Compare
from fcnet.cli.data import Fetch, Info, Verify
from fcnet.cli.export import Export
from fcnet.cli.grade import Grade
from fcnet.cli.predict import Predict
from fcnet.cli.report import Report
from fcnet.cli.reproduce import Reproduce
from fcnet.cli.runs import Runs
from fcnet.cli.start_exercise import Start
from fcnet.cli.test import Test
from fcnet.cli.train import Train
from fcnet.cli.tune import Tune
from fcnet.errors import FcnetError


class Command(Protocol):
    """What every command is."""

    def run(self) -> int: ...


@dataclass(frozen=True)
class Data:
    """Find, fetch and check CIFAR-10.

    Example: fcnet data info
    """

    command: tyro.conf.OmitSubcommandPrefixes[
        Annotated[Fetch, tyro.conf.subcommand("fetch")]
        | Annotated[Verify, tyro.conf.subcommand("verify")]
        | Annotated[Info, tyro.conf.subcommand("info")]
    ]

    def run(self) -> int:
        return self.command.run()


def any_command(train: Train, tune: Tune) -> Any:
    """The type of all commands; `train` and `tune` have the defaults of those two."""
    return (
        Annotated[Reproduce, tyro.conf.subcommand("reproduce")]
        | Annotated[Data, tyro.conf.subcommand("data")]
        | Annotated[Train, tyro.conf.subcommand("train", default=train)]
        | Annotated[Tune, tyro.conf.subcommand("tune", default=tune)]
        | Annotated[Test, tyro.conf.subcommand("test")]
        | Annotated[Predict, tyro.conf.subcommand("predict")]
        | Annotated[Runs, tyro.conf.subcommand("runs")]
        | Annotated[Compare, tyro.conf.subcommand("compare")]
        | Annotated[Export, tyro.conf.subcommand("export")]
        | Annotated[Grade, tyro.conf.subcommand("grade")]
        | Annotated[Audit, tyro.conf.subcommand("audit")]
        | Annotated[Start, tyro.conf.subcommand("start")]
        | Annotated[Check, tyro.conf.subcommand("check")]
        | Annotated[Report, tyro.conf.subcommand("report")]
    )


def parse(arguments: Sequence[str]) -> Command:
    """The command that the arguments name; prints help and exits with status 0 where they ask for it.

    Raises
    ------
    FcnetError : they name no command, or a wrong option or value
    """
    explanation = io.StringIO()
    try:
        with redirect_stderr(explanation):
            command: Command = tyro.cli(
                any_command(Train.from_arguments(arguments), Tune.from_arguments(arguments)),
                prog="fcnet",
                description="Fully-connected networks from first principles. Start with: fcnet reproduce",
                args=list(arguments),
                config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
            )
            return command
    except SystemExit as end:
        if not end.code:
            raise
        raise FcnetError(one_line(explanation.getvalue())) from None


def one_line(explanation: str) -> str:
    """What tyro says below a title, in a box or between dashes, as sections joined by semicolons."""
    lines = re.sub(r"\x1b\[[0-9;]*m", "", explanation).splitlines()
    inside = " ".join(line.strip("│ ") for line in lines[1:] if not line.startswith("╰"))
    sections = [" ".join(section.split()) for section in re.split(r"[─-]{5,}", inside)]
    told = [re.sub(r"^Error parsing (__tyro\S+ )?", "", section) for section in sections if section]
    told = [section for section in told if not section.startswith("Argument helptext")]
    return "; ".join(f"{section[0].lower()}{section[1:].rstrip('.')}" for section in told)
