"""Ctrl-C and SIGTERM that arrive between two steps, never in the middle of one."""

import signal
import threading
from collections.abc import Callable, Iterator
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

    def note(number: int, frame: FrameType | None) -> None:
        again, interruption.signal = interruption.requested, number
        if again:
            raise interruption.stop()

    ignored = signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    with _handled(note, signal.SIGINT, *([] if ignored else [signal.SIGTERM])):
        yield interruption


@contextmanager
def stopped_by_sigterm() -> Iterator[None]:
    """SIGTERM stops as Ctrl-C does, a training between two steps; outside the main thread, nothing does."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Terminated

    with _handled(stop, signal.SIGTERM):
        yield


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], None], *numbers: signal.Signals) -> Iterator[None]:
    """A block in which these signals call a function; outside the main thread, they do not."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, usual in before.items():
            signal.signal(number, usual)
