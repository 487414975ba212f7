"""`fcnet watch`: see trainings in the browser."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fcnet.cli import tell
from fcnet.cli.options import Positional
from fcnet.errors import FcnetError, RunError


@dataclass(frozen=True)
class Watch:
    """Serve a page of trainings that are going on or finished, several beside each other.

    The page shows curves, layers, first-layer weights, confusion matrix and mistakes, and pauses or stops
    trainings that were started with --watch. Ctrl-C ends it. Only you can open it: the address holds a token.

    Example: fcnet watch runs
    """

    runs: Annotated[tuple[Path, ...], Positional("[RUN...]")] = (Path("runs"),)
    """Run folders, or folders with runs in them; runs that begin later appear by themselves."""
    port: int = 0
    """Port to listen on; a free one if not given."""
    host: Annotated[str, "ADDRESS"] = "127.0.0.1"
    """Address to listen on; another than this machine's own needs --allow-network."""
    allow_network: bool = False
    """Listen on an address that other machines reach. The connection is not encrypted."""

    def run(self) -> int:
        from fcnet.live.reading import Watched
        from fcnet.live.server import PageServer, is_loopback

        for folder in self.runs:
            if not folder.is_dir():
                raise RunError(f"{folder} is not a folder, name that of a run, or one with runs in it")
        if not is_loopback(self.host) and not self.allow_network:
            raise FcnetError(
                f"other machines may reach {self.host}, unencrypted: give --allow-network if that is wanted, "
                f"or leave out --host"
            )
        with PageServer(Watched(self.runs), self.host, self.port) as server:
            tell(f"watch it: {server.address}", sys.stdout)
            try:
                server.serve_forever()
            except KeyboardInterrupt as stop:
                raise type(stop)("the page is closed, trainings go on") from None
        return 0
