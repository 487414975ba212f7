"""Fetches the archive: sources in order, the slow ones left, the partial file always continued.

Every source is tried once, impatiently; then the fastest one is used to the end. The hash decides whether
what came together is the archive. A killed fetch leaves `cifar-10-python.tar.gz.part`, and the next one
goes on from there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from fcnet.data.archive import archive_problem, extract
from fcnet.data.files import disk_error, locked, require_space
from fcnet.data.find import expanded, is_complete, is_file
from fcnet.data.network import any_reachable
from fcnet.data.published import ARCHIVE, CIFAR10, FOLDER, SOURCES, Published
from fcnet.data.transfer import (
    Job,
    Meter,
    Pace,
    RefusedError,
    SlowError,
    TransferError,
    transfer,
)
from fcnet.errors import DataError


class UnavailableError(DataError):
    """No source delivers CIFAR-10: no network, or every source failed."""


@dataclass(frozen=True)
class Status:
    """How far a fetch is.

    done, total : bytes
    source : the host in use
    message : something that a user should know, or empty
    """

    done: int
    total: int
    source: str
    message: str = ""


Progress = Callable[[Status], None]
EARLIER = "an earlier run"
"""Stands for the sources of a partial file that was found."""

WORTH = 1000
"""A connection that brings less than this part of the file before it fails counts as a failure."""


@dataclass
class _Source:
    url: str
    meter: Meter = field(default_factory=lambda: Meter(0.0))
    rate: float = 0.0
    tried: bool = False
    failures: int = 0
    problem: str = ""
    gone: bool = False

    @property
    def host(self) -> str:
        return self.url.split("/")[2].rpartition("@")[2]  # a password is nobody's business


def fetch(
    parent: Path,
    *,
    source: str | None = None,
    progress: Progress | None = None,
    published: Published = CIFAR10,
    sources: Sequence[str] = SOURCES,
    pace: Pace | None = None,
) -> Path:
    """Bring CIFAR-10 to `parent/cifar-10-batches-py`.

    Parameters
    ----------
    parent : the folder to fill; made if need be
    source : the only address, or path of the archive, to take it from; None for the known mirrors
    progress : called with a `Status` after each piece
    published : size and hashes that the archive must have
    sources : addresses in the order in which they are tried
    pace : minimum rate, timeouts and retries

    Returns
    -------
    Path : the folder with the official files

    Raises
    ------
    UnavailableError : no network, or no source delivers the archive
    DataError : a full disk, an unwritable folder, a source that is a path and not the archive
    """
    target, archive = parent / FOLDER, parent / ARCHIVE
    if is_complete(target):
        return target
    if source is not None and not is_url(source):
        return extract(local_archive(source), parent, published)
    refuse_if_forbidden()
    urls = [source] if source else sources
    run = _Fetch([_Source(url) for url in urls], published, pace or Pace(), progress)
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with locked(parent / f".{ARCHIVE}.lock", run.tell_waiting) as alone:
            if is_complete(target):  # by another process, while this one waited
                return target
            if archive.is_file():  # somebody else's, so it stays
                return extract(archive, parent, published)
            part = parent / (f"{ARCHIVE}.part" if alone else f"{ARCHIVE}.{os.getpid()}.part")
            run.until_complete(part)
            extract(part, parent, published)
            part.unlink()
    except OSError as error:
        raise disk_error(error, archive) from error
    return target


def refuse_if_forbidden() -> None:
    """Require that `$FCNET_OFFLINE` does not forbid the network.

    Raises
    ------
    UnavailableError : it does
    """
    if os.environ.get("FCNET_OFFLINE", "0") not in ("", "0"):
        raise UnavailableError(
            "FCNET_OFFLINE is set and there is no CIFAR-10, unset it or give a copy with --data or --source"
        )


def is_url(source: str) -> bool:
    """Whether a source is an address and not a path.

    Raises
    ------
    DataError : an address that is neither http nor https
    """
    scheme, colon, _ = source.partition("://")
    if colon and scheme.lower() not in ("http", "https"):
        raise DataError(
            f"--source {source} is neither http nor https, give such an address or the archive's path"
        )
    return bool(colon)


def local_archive(source: str) -> Path:
    """Return the archive that a path names, or that lies in the folder that it names.

    Raises
    ------
    DataError : there is none
    """
    named = expanded(Path(source), "--source")
    path = next((p for p in (named, named / ARCHIVE) if is_file(p)), None)
    if path is None:
        raise DataError(f"--source {source} is no archive and holds no {ARCHIVE}, give the path of one")
    return path


@dataclass
class _Fetch:
    """The state of one fetch.

    contributors : addresses whose bytes are in the partial file
    mixing : whether a source may go on with what another one began
    last : the source that was used last
    """

    sources: list[_Source]
    published: Published
    pace: Pace
    progress: Progress | None
    contributors: set[str] = field(default_factory=set)
    mixing: bool = True
    last: _Source | None = None

    def until_complete(self, part: Path) -> None:
        """Go from source to source until the partial file has the archive's hash."""
        self.require_network()
        total = self.published.archive.size
        there = part.stat().st_size if part.exists() else 0
        if there:
            self.contributors = {EARLIER}
        require_space(part.parent, max(total - there, 0) + self.published.unpacked)
        while True:
            source, impatient = self.choose(part)
            job = Job(part, total, self.pace, partial(self.report, host=source.host))
            if job.done < total:
                self.attempt(job, source, impatient)
            if job.done >= total and self.is_intact(part, source):
                return

    def choose(self, part: Path) -> tuple[_Source, bool]:
        """Return the next untried source, or else the fastest, and whether to leave it if it is slow."""
        alive = [source for source in self.sources if not source.gone]
        if not alive:
            reasons = "; ".join(f"{source.host}: {source.problem}" for source in self.sources)
            kept = part.stat().st_size if part.exists() else 0
            raise UnavailableError(
                f"CIFAR-10 could not be fetched ({reasons}), try again later or give a copy with --source"
                + (f"; {kept / 1e6:.1f} MB are kept" if kept else "")
            )
        for source in alive:
            if not source.tried:
                return source, len(alive) > 1
        source = max(alive, key=lambda s: (-s.failures, s.rate))
        if not self.mixing and self.last in alive:
            source = self.last
        if source.failures:
            time.sleep(self.pace.pause * 2 ** (source.failures - 1))
        return source, False

    def attempt(self, job: Job, source: _Source, impatient: bool) -> None:
        """Take what one source gives, and note how it ended."""
        if not self.mixing and self.contributors - {source.url}:
            job.part.unlink(missing_ok=True)
            self.contributors = set()
        if self.last is not source:
            source.meter, self.last = Meter(self.pace.window), source
        before = job.done
        self.report(before, source.host)
        try:
            transfer(job, source.url, source.meter, impatient)
        except TransferError as error:
            source.problem = str(error)
            source.failures += job.done - before < job.total / WORTH
            source.gone = isinstance(error, RefusedError) or source.failures > self.pace.retries
            self.report(job.done, source.host, f"{source.host}: {error}")
            source.tried |= isinstance(error, SlowError) or job.done == before
        else:
            source.tried = True
        if job.done > before:
            source.rate = source.meter.rate
            self.contributors.add(source.url)
        if job.done - before >= job.total / WORTH:
            source.failures = 0

    def is_intact(self, part: Path, source: _Source) -> bool:
        """Whether the complete file is the archive; if not, remove it, and leave out who is to blame."""
        with part.open("rb") as file:
            problem = archive_problem(file, self.published.archive)
        if not problem:
            return True
        part.unlink()
        self.report(0, source.host, f"what arrived is not the archive: {problem}; starting again")
        if self.contributors == {source.url}:
            source.gone, source.problem = True, f"delivered a damaged file, {problem}"
        elif len(self.contributors - {EARLIER}) > 1:
            self.mixing = False  # one of them is at fault: from now on each starts a file of its own
        self.contributors = set()
        return False

    def report(self, done: int, host: str, message: str = "") -> None:
        """Tell the caller how far it is."""
        if self.progress is not None:
            self.progress(Status(done, self.published.archive.size, host, message))

    def tell_waiting(self) -> None:
        """Tell the caller that another process is at it."""
        self.report(0, "", "waiting for another process that is fetching CIFAR-10 to the same folder")

    def require_network(self) -> None:
        """Require that some source accepts a connection, within seconds and whatever the resolver does."""
        urls = [source.url for source in self.sources]
        if not any_reachable(urls, self.pace.probe):
            hosts = ", ".join(dict.fromkeys(source.host for source in self.sources))
            raise UnavailableError(f"CIFAR-10 could not be fetched (offline: no connection to {hosts}), "
                                   "connect, or give a copy with --data or --source")  # fmt: skip
