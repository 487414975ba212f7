"""Downloads one published file from several sources, leaves slow sources, and resumes a partial file.

The download tries every source once, impatiently, and then uses the fastest one to the end. Every byte that
arrives stays in the partial file, even if the process is killed, and the next download resumes there. The
hash decides whether the result is the published file.
"""

import logging
import time
from dataclasses import dataclass
from pathlib import Path

from fcnet.data.archive import remote_problem
from fcnet.data.disk import disk_error
from fcnet.data.published import Progress, Remote
from fcnet.data.transfer import (
    RefusedError,
    SlowError,
    TransferError,
    any_reachable,
    first_byte,
    opened,
    received,
    without_user,
)
from fcnet.errors import DataError
from fcnet.wording import shown

log = logging.getLogger(__name__)

WORTH = 1000
"""A connection that brings less than this part of the file before it fails counts as a failure."""


class UnavailableError(DataError):
    """No source delivers the data: no network, or every source failed."""


@dataclass(frozen=True)
class Pace:
    """The patience of a download.

    minimum : bytes per second, averaged over `window`, below which a source is left while others remain
    least : the same, below which even the only source is given up
    window : seconds over which the rate is averaged
    timeout : seconds to wait for a connection, and for the next byte
    retries : failures in a row, without a byte in between, after which a source is given up
    pause : seconds before the first of these retries, doubled for each further one
    probe : seconds within which some source must accept a connection, or the machine is offline
    """

    minimum: float = 1e6
    least: float = 1e4
    window: float = 10.0
    timeout: float = 10.0
    retries: int = 3
    pause: float = 1.0
    probe: float = 4.0


@dataclass
class Source:
    """One address of the file, and its record so far.

    rate : bytes per second, over the last whole window if there was one, when it was used last
    tried : whether its rate is known
    failures : in a row
    problem : why it failed last
    gone : whether it is given up
    """

    url: str
    rate: float = 0.0
    tried: bool = False
    failures: int = 0
    problem: str = ""
    gone: bool = False

    @property
    def host(self) -> str:
        """The host, without a password."""
        return without_user(self.url).split("/")[2]


@dataclass
class Download:
    """The state of one download.

    remote : the file
    part : the partial file
    owner : the source that alone sent the bytes of the partial file; None if others did, or an earlier run
    mixing : whether a source may continue the bytes of another one
    """

    remote: Remote
    title: str
    part: Path
    sources: list[Source]
    pace: Pace
    progress: Progress | None = None
    owner: Source | None = None
    mixing: bool = True

    @property
    def done(self) -> int:
        """Bytes in the partial file."""
        return self.part.stat().st_size if self.part.exists() else 0

    def run(self) -> None:
        """Go from source to source until the partial file has the hash of the published one.

        Raises
        ------
        UnavailableError : no network, or no source delivers the file
        DataError : the partial file cannot be written, e.g. `no space left for ...`
        """
        self.require_network()
        while True:
            source, impatient = self.choose()
            if self.done < self.remote.size:
                self.attempt(source, impatient)
            if self.done >= self.remote.size and self.is_intact():
                return

    def choose(self) -> tuple[Source, bool]:
        """Return the next untried source, or else the fastest, and whether to leave it if it is slow."""
        alive = [source for source in self.sources if not source.gone]
        if not alive:
            reasons = "; ".join(f"{source.host}: {source.problem}" for source in self.sources)
            raise UnavailableError(
                f"{self.title} could not be fetched ({reasons}), try again later or give a copy with --source"
                + (f"; {self.done / 1e6:.1f} MB are kept" if self.done else "")
            )
        for source in alive:
            if not source.tried:
                return source, len(alive) > 1
        source = max(alive, key=lambda s: (-s.failures, s.rate))
        if not self.mixing and self.owner in alive:
            source = self.owner
        if source.failures:
            time.sleep(self.pace.pause * 2 ** (source.failures - 1))
        return source, False

    def attempt(self, source: Source, impatient: bool) -> None:
        """Download from one source, and record how it ended."""
        if not self.mixing and self.owner is not source:
            self.part.unlink(missing_ok=True)
        before, worth = self.done, self.remote.size / WORTH
        self.report(before, source.host)
        try:
            self.transfer(source, impatient)
        except TransferError as error:
            source.problem = str(error)
            source.failures += self.done - before < worth
            source.gone = isinstance(error, RefusedError) or source.failures > self.pace.retries
            log.warning("%s", shown(f"{source.host}: {error}"))
            source.tried |= isinstance(error, SlowError) or self.done == before
        else:
            source.tried = True
        if self.done > before and self.owner is not source:
            self.owner = None if before else source
        if self.done - before >= worth:
            source.failures = 0

    def transfer(self, source: Source, impatient: bool) -> None:
        """Append to the partial file until it is complete.

        Raises
        ------
        TransferError : why it stopped before the end
        DataError : the partial file cannot be written
        """
        done, total = self.done, self.remote.size
        begun = since = time.monotonic()  # of the first window, and of the one that counts
        arrived = 0
        with opened(source.url, done, self.pace.timeout) as response:
            skip = done - first_byte(response, done, total)
            while done < total:
                piece = received(response, f"after {done} of {total} bytes")
                arrived += len(piece)
                ours = piece[min(skip, len(piece)) :][: total - done]
                skip -= min(skip, len(piece))
                self.append(ours)
                done += len(ours)
                self.report(done, source.host)
                now = time.monotonic()
                rate, over = arrived / max(now - since, 1e-9), now - since >= self.pace.window
                if over or since == begun:
                    source.rate = rate
                if over:
                    since, arrived = now, 0
                    if impatient and done < total and rate < self.pace.minimum:
                        raise SlowError(f"only {rate / 1e6:.2f} MB/s")
                    if done < total and rate < self.pace.least:
                        raise RefusedError(f"only {rate / 1e3:.1f} kB/s")

    def append(self, data: bytes) -> None:
        """Write to the partial file at once, so that a killed process keeps all bytes that arrived."""
        view = memoryview(data)
        with self.part.open("ab", buffering=0) as file:
            try:
                while view:  # an unbuffered file may take it in pieces
                    view = view[file.write(view) :]
            except OSError as error:
                kept = f"{file.seek(0, 2) / 1e6:.1f} MB are kept, the next fetch resumes there"
                raise disk_error(error, self.part, kept) from error

    def is_intact(self) -> bool:
        """Whether the complete file is the published one; if not, remove it and blame who sent it."""
        with self.part.open("rb") as file:
            problem = remote_problem(file, self.remote)
        if not problem:
            return True
        self.part.unlink()
        log.warning("what arrived is not the published file: %s; starting again", problem)
        if self.owner:
            self.owner.gone, self.owner.problem = True, f"delivered a damaged file, {problem}"
        else:
            self.mixing = False  # one of several is wrong: from now on each source starts its own file
        self.owner = None
        return False

    def report(self, done: int, host: str) -> None:
        """Report the progress to the caller."""
        if self.progress is not None:
            self.progress(host, done, self.remote.size)

    def require_network(self) -> None:
        """Require that some source accepts a connection, within seconds and whatever the resolver does."""
        if not any_reachable([source.url for source in self.sources], self.pace.probe):
            hosts = ", ".join(dict.fromkeys(source.host for source in self.sources))
            raise UnavailableError(
                f"{self.title} could not be fetched (offline: no connection to {hosts}), "
                "connect, or give a copy with --data or --source"
            )
