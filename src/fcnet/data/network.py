"""Whether there is a network, told within seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from fcnet.errors import DataError


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
    DataError : `URL is no address: ...`
    """
    import urllib.request
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        proxy = urllib.request.getproxies().get(parts.scheme)
        if proxy and not urllib.request.proxy_bypass(parts.hostname or ""):
            parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise DataError(f"{url} is no address: {error}") from error
