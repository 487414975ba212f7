"""One worker of `fcnet tune --workers N`, started by it: `python -m fcnet.cli.tune_worker`."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading

from fcnet.errors import FcnetError
from fcnet.wording import shown


def main() -> int:
    """Work for the search on standard input, and stop when that ends; returns the exit status."""
    from fcnet.train.interruption import stopped_by_sigterm

    def wait_for_the_end() -> None:
        sys.stdin.read()
        os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with stopped_by_sigterm():
            description = json.loads(sys.stdin.readline())
            threading.Thread(target=wait_for_the_end, daemon=True).start()
            run(description)
    except FcnetError as error:
        print(f"error: {shown(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def run(description: dict[str, object]) -> None:
    """Load the data, join the study, and work until there are enough trials.

    Raises
    ------
    FcnetError : the data differ from those of the search, or a trial cannot run
    """
    from fcnet.cli.loading import load_any
    from fcnet.tuning.search import Search
    from fcnet.tuning.storage import opened_storage
    from fcnet.tuning.study import Trials
    from fcnet.tuning.trial import work

    search = Search.from_dict(description)
    dataset = load_any(
        search.source,
        search.require_cifar10,
        search.image_size,
        told=False,
        skip_damaged=search.skip_damaged,
        table=search.table,
        stream=search.stream,
    )
    if dataset.origin.sha256 != search.data:
        raise FcnetError(f"{search.label} uses other data than {dataset.origin.path}, name them with --data")
    with opened_storage(search) as storage:
        work(Trials(search, storage), dataset)


if __name__ == "__main__":
    sys.exit(main())
