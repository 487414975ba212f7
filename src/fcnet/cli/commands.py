"""All commands, and the parser that tyro makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol

import tyro

from fcnet.cli.audit import Audit
from fcnet.cli.data import Fetch, Info, Verify
from fcnet.cli.reproduce import Reproduce
from fcnet.cli.test import Test
from fcnet.cli.train import Train


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


AnyCommand = (
    Annotated[Reproduce, tyro.conf.subcommand("reproduce")]
    | Annotated[Data, tyro.conf.subcommand("data")]
    | Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Test, tyro.conf.subcommand("test")]
    | Annotated[Audit, tyro.conf.subcommand("audit")]
)


def parse(arguments: Sequence[str]) -> Command:
    """The command that the arguments name; exits with status 2 and an explanation where they name none."""
    return tyro.cli(
        AnyCommand,  # type: ignore[arg-type]
        prog="fcnet",
        description="Fully-connected networks from first principles. Start with: fcnet reproduce",
        args=list(arguments),
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
    )
