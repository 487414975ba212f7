"""The page beside a training, in a process that ends with it: `python -m fcnet.live.beside FOLDER`.

The process is in a session of its own, so that Ctrl-C reaches the training alone. It ends when its standard
input does, and so also when the training is killed; a little later, so that an open page sees the end.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fcnet.errors import FcnetError

LINGER = 4.0
"""Seconds for which the page is still served after the training's end."""


@contextmanager
def page_beside(folder: Path, tell: Callable[[str], object]) -> Iterator[None]:
    """Serve the page of a folder during the block.

    Parameters
    ----------
    folder : of a run, or with runs in it; it need not exist yet
    tell : is given the line with the page's address

    Raises
    ------
    FcnetError : the page cannot be served
    """
    process = subprocess.Popen(
        (sys.executable, "-m", "fcnet.live.beside", str(folder.absolute())),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin, process.stdout:
        line = process.stdout.readline().strip()
        if not line.startswith("http"):
            process.wait()
            raise FcnetError(line.removeprefix("error: ") or "the live page cannot be served, see above")
        tell(f"watch it: {line}")
        yield


def main() -> int:
    """Serve until the standard input ends; returns the exit status."""
    from fcnet.live.reading import Watched
    from fcnet.live.server import PageServer

    try:
        server = PageServer(Watched([Path(sys.argv[1])]))
    except FcnetError as error:
        print(f"error: {error}", flush=True)
        return 2
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.address, flush=True)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):  # so that what reads the training's output does not wait for this process
            os.dup2(nowhere, stream)
        with suppress(KeyboardInterrupt):
            sys.stdin.read()
            time.sleep(LINGER)
    return 0


if __name__ == "__main__":
    sys.exit(main())
