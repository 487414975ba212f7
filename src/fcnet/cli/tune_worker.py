"""One worker of `fcnet tune --workers N`, started by it: `python -m fcnet.cli.tune_worker`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from fcnet.errors import FcnetError


def main() -> int:
    """Run trials as ordered on standard input; returns the exit status."""
    from fcnet.tuning.workers import receive, stopped_by_sigterm

    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with stopped_by_sigterm():
            run(receive(sys.stdin))
    except FcnetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def run(order: dict[str, object]) -> None:
    """Load the data, join the study, and work until there are enough trials.

    Raises
    ------
    FcnetError : the data are others than the search began with, or a trial cannot be run
    """
    from fcnet.cli.loading import load_any
    from fcnet.tuning.plan import Place
    from fcnet.tuning.storage import opened_storage
    from fcnet.tuning.study import join_study
    from fcnet.tuning.trial import work

    data, storage, deadline, side = (order[name] for name in ("data", "storage", "deadline", "image_size"))
    dataset = load_any(
        None if data is None else Path(str(data)),
        bool(order["require_cifar10"]),
        None if side is None else int(str(side)),
        told=False,
        skip_damaged=bool(order.get("skip_damaged")),
    )
    place = Place(Path(str(order["out"])), None if storage is None else str(storage), str(order["study"]))
    with opened_storage(place) as opened:
        study, plan = join_study(opened, place)
        if not plan.fits(dataset):
            raise FcnetError(f"{place.label} is about other data than {dataset.origin.path}, see --data")
        work(study, opened, place, plan, dataset, None if deadline is None else float(str(deadline)))


if __name__ == "__main__":
    sys.exit(main())
