"""One transfer from one source: continues the partial file with a Range request, and says why it stopped.

It ends in one of four ways: the file is complete, or `SlowError`, `BrokenError` (worth another try),
`RefusedError` (not worth one). In each case every byte that arrived stays in the partial file.
"""

from __future__ import annotations

import http.client
import re
import ssl
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from fcnet import __version__
from fcnet.data.files import disk_error, write_all

CHUNK = 1 << 18


@dataclass(frozen=True)
class Pace:
    """How patient a fetch is.

    minimum : bytes per second, averaged over `window`, below which a source is left while others remain
    window : seconds over which the rate is averaged
    timeout : seconds to wait for a connection, and for the next byte
    retries : failures in a row, without a byte in between, after which a source is given up
    pause : seconds before the first of these retries, doubled for each further one
    probe : seconds within which some source must accept a connection, or the machine is offline
    """

    minimum: float = 1e6
    window: float = 10.0
    timeout: float = 10.0
    retries: int = 3
    pause: float = 1.0
    probe: float = 4.0


class TransferError(Exception):
    """Why a transfer stopped early."""


class SlowError(TransferError):
    """The source delivers less than the minimum rate, or nothing any more."""


class BrokenError(TransferError):
    """The source failed in a way that may pass."""


class RefusedError(TransferError):
    """The source does not have the file."""


class Meter:
    """Bytes per second over the last `window` seconds."""

    def __init__(self, window: float) -> None:
        self.window = window
        self.total = 0
        self.recent = deque([(time.monotonic(), 0)])

    def add(self, count: int) -> None:
        """Note that `count` bytes arrived now."""
        now = time.monotonic()
        self.total += count
        self.recent.append((now, self.total))
        while self.recent[1][0] <= now - self.window:
            self.recent.popleft()

    @property
    def full(self) -> bool:
        """Whether a whole window has passed, so that the rate means something."""
        return time.monotonic() - self.recent[0][0] >= self.window

    @property
    def rate(self) -> float:
        """Bytes per second."""
        then, before = self.recent[0]
        return (self.total - before) / max(time.monotonic() - then, 1e-9)


@dataclass(frozen=True)
class Job:
    """What is to be transferred, from wherever: `total` bytes to the partial file `part`.

    report : called with the number of bytes in `part` after each piece
    """

    part: Path
    total: int
    pace: Pace
    report: Callable[[int], None]

    @property
    def done(self) -> int:
        """Bytes in the partial file."""
        return self.part.stat().st_size if self.part.exists() else 0


def transfer(job: Job, url: str, meter: Meter, impatient: bool) -> None:
    """Append to the partial file until it is complete.

    Parameters
    ----------
    job : the partial file and the size of the whole
    url : http or https address of the file
    meter : measures this transfer, and those before it from the same source without a pause
    impatient : leave when the source is slower than the minimum rate

    Raises
    ------
    SlowError, BrokenError, RefusedError : why it stopped before the end
    DataError : the partial file cannot be written, e.g. `no space left for ...`
    """
    done = job.done
    with _open(url, done, job.pace.timeout) as response:
        skip = done - _first_byte(response, done, job.total)
        with job.part.open("ab", buffering=0) as file:
            while done < job.total:
                piece = _receive(response, f"after {done} of {job.total} bytes")
                meter.add(len(piece))
                ours = piece[min(skip, len(piece)) :][: job.total - done]
                skip -= min(skip, len(piece))
                _append(file, ours, job.part)
                done += len(ours)
                job.report(done)
                if impatient and done < job.total and meter.full and meter.rate < job.pace.minimum:
                    raise SlowError(f"only {meter.rate / 1e6:.2f} MB/s")


def _open(url: str, done: int, timeout: float) -> http.client.HTTPResponse:
    headers = {"User-Agent": f"fcnet/{__version__}", "Accept-Encoding": "identity"}
    if done:
        headers["Range"] = f"bytes={done}-"
    try:
        response: http.client.HTTPResponse = urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=timeout
        )
    except urllib.error.HTTPError as error:
        error.close()
        kind = BrokenError if error.code in (408, 425, 429) or error.code >= 500 else RefusedError
        raise kind(f"answered {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        kind = RefusedError if isinstance(error.reason, ssl.SSLCertVerificationError) else BrokenError
        raise kind(_reason(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise BrokenError(_reason(error)) from error
    return response


def _first_byte(response: http.client.HTTPResponse, wanted: int, total: int) -> int:
    """Where the answer starts in the file: `wanted`, or 0 from a server that ignores ranges.

    Both kinds of answer state the size of the whole file, which tells a login page or another edition
    from the real thing before a byte of it is written.
    """
    if response.status == 200:
        size = response.headers.get("Content-Length", "unknown")
        if size != str(total):
            raise RefusedError(f"offers a file of {size} bytes, not {total}")
        return 0
    stated = response.headers.get("Content-Range", "")
    match = re.fullmatch(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", stated.strip())
    if response.status != 206 or match is None or int(match[1]) != wanted:
        raise RefusedError(
            f"answered {response.status} {stated or 'without range'} when asked from byte {wanted}"
        )
    if match[3] not in (str(total), "*"):
        raise RefusedError(f"offers a file of {match[3]} bytes, not {total}")
    return wanted


def _receive(response: http.client.HTTPResponse, where: str) -> bytes:
    """Return whatever has arrived, at least one byte."""
    try:
        piece = response.read1(CHUNK)
    except TimeoutError as error:
        raise SlowError(f"fell silent {where}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise BrokenError(f"broke off {where} ({_reason(error)})") from error
    if not piece:
        raise BrokenError(f"broke off {where}")
    return piece


def _append(file: FileIO, data: bytes, part: Path) -> None:
    try:
        write_all(file, data)
    except OSError as error:
        kept = file.seek(0, 2) / 1e6
        raise disk_error(error, part, f"{kept:.1f} MB are kept, the next fetch goes on from there") from error


def _reason(error: object) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())
