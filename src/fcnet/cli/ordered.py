"""A process that carries out an order of another one, and ends with it."""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from fcnet.errors import FcnetError, UnknownNameError
from fcnet.extension import OWN_FILE, borrow, own_code_named, started_by
from fcnet.wording import shown


def carry_out(work: Callable[[dict[str, Any]], None]) -> int:
    """Do what the first line of standard input orders, and stop when that ends; returns the exit status.

    Parameters
    ----------
    work : gets the order, an object of JSON; Ctrl-C, SIGTERM and the end of standard input, which says that
        the process that gave the order has ended, are a `KeyboardInterrupt` in it
    """
    from fcnet.train.interruption import stopped_by_sigterm

    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with stopped_by_sigterm():
            order = json.loads(sys.stdin.readline())
            threading.Thread(target=_wait_for_the_end, daemon=True).start()
            own = order.pop(OWN_FILE, None)
            with started_by(own), own_code_named():
                borrow(own)
                work(order)
    except UnknownNameError as error:
        where = "; add it outside of if __name__ == '__main__', or workers do not find it" if own else ""
        print(f"error: {shown(error)}{where}", file=sys.stderr)
        return 2
    except FcnetError as error:
        print(f"error: {shown(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _wait_for_the_end() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)
