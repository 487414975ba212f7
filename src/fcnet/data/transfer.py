"""One transfer: where a source can be reached, how it answers, and in which words it fails.

A server's answer is checked before a byte of it is written. Nothing of its words reaches a terminal raw.
"""

import http.client
import re
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from fcnet import __version__
from fcnet.errors import DataError
from fcnet.wording import shown

CHUNK = 1 << 18
"""Most bytes that are taken at once."""


class TransferError(Exception):
    """Why a transfer stopped early; the reason may pass, except for the subclasses below."""


class SlowError(TransferError):
    """The source delivers less than the minimum rate, or nothing."""


class RefusedError(TransferError):
    """The source does not have the file, or is not worth another try."""


def any_reachable(urls: Sequence[str], seconds: float) -> bool:
    """Whether some address, or the proxy before it, accepts a connection within `seconds`.

    All are asked at once in threads that nothing waits for, since a resolver without network may hang.
    """
    answered = threading.Event()
    pending = threading.Semaphore(0)

    def ask(address: tuple[str, int]) -> None:
        import socket

        with suppress(OSError, UnicodeError), socket.create_connection(address, timeout=seconds):
            answered.set()
        pending.release()

    addresses = {address_of(url) for url in urls}
    for address in addresses:
        threading.Thread(target=ask, args=(address,), daemon=True).start()
    end = time.monotonic() + seconds
    for _ in addresses:
        pending.acquire(timeout=max(0.0, end - time.monotonic()))
        if answered.is_set():
            return True
    return answered.is_set()


def address_of(url: str) -> tuple[str, int]:
    """Return host and port to connect to for a URL: its own, or those of the proxy before it.

    Raises
    ------
    DataError : `URL is not an address: ...`
    """
    try:
        parts = urlsplit(url)
        proxy = urllib.request.getproxies().get(parts.scheme)
        if proxy and not urllib.request.proxy_bypass(parts.hostname or ""):
            parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        if not parts.hostname:
            raise ValueError("it names no host")
        return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise DataError(f"{without_user(url)} is not an address: {error}") from error


def without_user(url: str) -> str:
    """An address without the user name and password that it may hold."""
    return re.sub(r"^([a-zA-Z][a-zA-Z0-9+.-]*://)[^/]*@", r"\1", url)


def opened(url: str, done: int, timeout: float) -> http.client.HTTPResponse:
    """Ask a source for a file from byte `done` on.

    Raises
    ------
    TransferError : why it does not answer, or not with the file
    """
    headers = {"User-Agent": f"fcnet/{__version__}", "Accept-Encoding": "identity"}
    if done:
        headers["Range"] = f"bytes={done}-"
    try:
        response: http.client.HTTPResponse = urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=timeout
        )
    except urllib.error.HTTPError as error:
        error.close()
        kind = TransferError if error.code in (408, 425, 429) or error.code >= 500 else RefusedError
        raise kind(f"answered {error.code} {_reason(error.reason)}") from error
    except urllib.error.URLError as error:
        kind = RefusedError if isinstance(error.reason, ssl.SSLCertVerificationError) else TransferError
        raise kind(_reason(error.reason)) from error
    except (http.client.InvalidURL, ValueError) as error:
        raise RefusedError(_reason(error)) from error
    except (OSError, http.client.HTTPException) as error:
        raise TransferError(_reason(error)) from error
    return response


def first_byte(response: http.client.HTTPResponse, wanted: int, total: int) -> int:
    """Where the answer starts in the file: `wanted`, or 0 from a server that ignores ranges.

    Both kinds of answer state the size of the whole file, which tells a login page or another edition
    from the real thing before a byte of it is written.

    Raises
    ------
    RefusedError : it is another file, or another part of it
    """
    if response.status == 200:
        size = response.headers.get("Content-Length", "unknown")
        if size != str(total):
            raise RefusedError(f"offers a file of {size:.40} bytes, not {total}")
        return 0
    stated = response.headers.get("Content-Range", "")
    match = re.fullmatch(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", stated.strip())
    if response.status != 206 or match is None or int(match[1]) != wanted:
        answer = f"{response.status} {_reason(stated or 'without range')}"
        raise RefusedError(f"answered {answer} when asked from byte {wanted}")
    if match[3] not in (str(total), "*"):
        raise RefusedError(f"offers a file of {match[3]} bytes, not {total}")
    return wanted


def received(response: http.client.HTTPResponse, where: str) -> bytes:
    """Return whatever has arrived, at least one byte.

    Raises
    ------
    TransferError : nothing arrives any more
    """
    try:
        piece = response.read1(CHUNK)
    except TimeoutError as error:
        raise SlowError(f"fell silent {where}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise TransferError(f"broke off {where} ({_reason(error)})") from error
    if not piece:
        raise TransferError(f"broke off {where}")
    return piece


def _reason(error: object) -> str:
    """A server's or the system's words in one line, at most 200 characters of them."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return shown(" ".join(str(text).split()), 200)
