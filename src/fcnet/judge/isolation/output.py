"""What a submission's process prints: read as it comes, its beginning kept, the rest counted."""

import contextlib
import os
import select
import threading

from fcnet.wording import shown

MOST_OUTPUT = 64 << 10
"""Bytes of what a call prints that are kept."""


class Output:
    """The reading end of a pipe, emptied by a thread so that the process never waits for us.

    Attributes
    ----------
    total : bytes read so far
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor, self.total = descriptor, 0
        self._kept = bytearray()
        self._lock = threading.Lock()
        self.thread = threading.Thread(target=self._drain, daemon=True)
        self.thread.start()

    def clear(self) -> None:
        """Forget what is kept."""
        with self._lock:
            self._kept.clear()

    def text(self) -> str:
        """What was printed since `clear`, up to this moment."""
        with self._lock:
            while self._waiting(0) and self._read():
                pass
            lines = bytes(self._kept).decode("utf-8", "replace").split("\n")
            return "\n".join(map(shown, lines))

    def _waiting(self, seconds: float | None) -> bool:
        """Whether there is something to read, or the end."""
        if os.name == "nt":  # pipes cannot be asked there: the thread reads them alone
            return False
        try:
            return bool(select.select([self.descriptor], [], [], seconds)[0])
        except (OSError, ValueError):
            return False

    def _read(self) -> bool:
        """Read a part; False at the end."""
        part = os.read(self.descriptor, 1 << 16)
        self.total += len(part)
        self._kept += part[: max(0, MOST_OUTPUT - len(self._kept))]
        return bool(part)

    def _drain(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                if os.name != "nt":
                    self._waiting(None)
                with self._lock:
                    if (os.name == "nt" or self._waiting(0)) and not self._read():
                        return
