"""What fcnet finds on this machine, and what to do about it: a list of checks.

finding        what a check reports
arithmetic     NumPy, the libraries of its products, threads, PyTorch and its device
surroundings   Python, packages, variables, places to write to, the terminal, how foreign code is isolated
storage        the cache and the data sets
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from fcnet.doctor import arithmetic, storage, surroundings
from fcnet.doctor.finding import Finding

Check = Callable[[], Iterable[Finding]]

CHECKS: list[Check] = [
    surroundings.python,
    surroundings.machine,
    arithmetic.numpy,
    arithmetic.products,
    arithmetic.mkl,
    arithmetic.bfloat16,
    arithmetic.pytorch,
    surroundings.packages,
    surroundings.variables,
    surroundings.places,
    surroundings.terminal,
    storage.cache,
    storage.data_sets,
    surroundings.sandbox,
]
"""All checks, in the order in which they are shown."""


def examine(checks: Sequence[Check] | None = None, verify: bool = False) -> list[Finding]:
    """Run checks; one that fails is itself a finding.

    Parameters
    ----------
    checks : the checks; None for all
    verify : hash the files of the data sets, which takes seconds
    """
    found: list[Finding] = []
    for check in CHECKS if checks is None else checks:
        run = partial(storage.data_sets, verify=True) if verify and check is storage.data_sets else check
        try:
            found += run()
        except (Exception, SystemExit) as error:  # whatever is broken, the other checks still run
            words = f"the check failed: {type(error).__name__}: {error}"
            found.append(Finding(check.__name__.replace("_", " "), "problem", words))
    return found
