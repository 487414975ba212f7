"""Ctrl-C and SIGTERM that arrive between two steps, never in the middle of one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from fcnet.errors import Terminated


class Interruption:
    """Whether the training was asked to stop, and by which signal."""

    signal: int | None = None

    @property
    def requested(self) -> bool:
        return self.signal is not None

    def stop(self) -> KeyboardInterrupt:
        """The exception to raise."""
        return Terminated() if self.signal == signal.SIGTERM else KeyboardInterrupt()


@contextmanager
def deferred_interrupt() -> Iterator[Interruption]:
    """Note the first Ctrl-C or SIGTERM instead of raising; the second raises at once.

    An interrupt in the middle of an update would leave some parameters updated and some not. Job schedulers
    send SIGTERM some seconds before they kill; a process that was started to ignore it keeps ignoring it.
    Outside the main thread, where Python delivers no signals, this does nothing.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return

    def note(number: int, frame: FrameType | None) -> None:
        again, interruption.signal = interruption.requested, number
        if again:
            raise interruption.stop()

    numbers = [signal.SIGINT]
    if signal.getsignal(signal.SIGTERM) != signal.SIG_IGN:
        numbers.append(signal.SIGTERM)
    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def stopped_by_sigterm() -> Iterator[None]:
    """SIGTERM stops as Ctrl-C does, a training between two steps; outside the main thread, nothing does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
