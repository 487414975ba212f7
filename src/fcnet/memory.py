"""How much memory this machine has, and how much of it this process may still take."""

import os
import re
from contextlib import suppress
from pathlib import Path

from fcnet.errors import DataError
from fcnet.wording import megabytes


def total() -> int | None:
    """Bytes of memory of the machine; None where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows
        return None


def available() -> int | None:
    """Bytes that this process may still take: the least of what machine, container and process limit leave.

    Where Linux's accounts are missing that is the memory of the machine; None if that is not known either.
    """
    of_machine = _kilobytes(Path("/proc/meminfo"), "MemAvailable")
    left = [found for found in (of_machine, _of_container(), _of_process()) if found is not None]
    return max(min(left), 0) if left else total()


def check_memory(where: str, size: int, remedy: str, left: int | None = None) -> None:
    """Make sure that something may take `size` bytes of memory.

    Parameters
    ----------
    where : what takes it
    size : bytes
    remedy : what to do if that is too much
    left : bytes that are available; those of this process if not given

    Raises
    ------
    DataError : `WHERE takes about N of memory and M are available; REMEDY`
    """
    left = available() if left is None else left
    if left is not None and size > left:
        raise DataError(
            f"{where} takes about {megabytes(size)} of memory and {megabytes(left)} are available; {remedy}"
        )


def _of_container() -> int | None:
    """What the control group leaves, in version 2 or 1; files that were read do not count as used."""
    root = Path("/sys/fs/cgroup")
    for folder, limit, used, cached in (
        (root, "memory.max", "memory.current", "inactive_file"),
        (root / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        with suppress(OSError, ValueError):  # "max" is neither a number nor a limit
            idle = re.search(rf"^{cached} (\d+)$", (folder / "memory.stat").read_text(), re.MULTILINE)
            taken = int((folder / used).read_text()) - int(idle[1] if idle else 0)
            return int((folder / limit).read_text()) - taken
    return None


def _of_process() -> int | None:
    """What `ulimit -v` leaves."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    taken = _kilobytes(Path("/proc/self/status"), "VmSize")
    return None if limit == resource.RLIM_INFINITY or taken is None else limit - taken


def _kilobytes(path: Path, name: str) -> int | None:
    """An entry of a file of /proc, in bytes."""
    with suppress(OSError):
        if found := re.search(rf"^{name}:\s+(\d+) kB$", path.read_text(), re.MULTILINE):
            return 1024 * int(found[1])
    return None
