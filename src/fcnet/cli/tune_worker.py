"""One worker of `fcnet tune --workers N`, started by it: `python -m fcnet.cli.tune_worker`."""

import sys
from typing import Any

from fcnet.cli.ordered import carry_out
from fcnet.errors import FcnetError


def run(description: dict[str, Any]) -> None:
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
    dataset = load_any(search.source, told=False)
    if dataset.origin.sha256 != search.data:
        raise FcnetError(f"{search.label} uses other data than {dataset.origin.path}, name them with --data")
    with opened_storage(search) as storage:
        work(Trials(search, storage), dataset)


if __name__ == "__main__":
    sys.exit(carry_out(run))
