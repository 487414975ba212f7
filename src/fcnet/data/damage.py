"""Whatever goes wrong while a file of somebody else's is read is one error that names the file."""

from collections.abc import Iterator
from contextlib import contextmanager

from fcnet.errors import DataError


@contextmanager
def naming(path: object, kind: str, remedy: str = "", scratch: bool = False) -> Iterator[None]:
    """Make one error of whatever goes wrong in the block; a DataError passes, since it says more.

    Parameters
    ----------
    path : the file
    kind : what it should be, such as "a table"
    remedy : what to do if it does not fit into memory
    scratch : whether the block writes another file too, so that errors of the system pass

    Raises
    ------
    DataError : `cannot read PATH: REASON`, `PATH does not fit into memory, REMEDY`, or
        `PATH is damaged or not KIND: REASON`
    """
    try:
        yield
    except DataError:
        raise
    except MemoryError as error:
        raise DataError(f"{path} does not fit into memory, {remedy or 'free some'}") from error
    except Exception as error:  # libraries fail in many ways on bytes that are not theirs
        if isinstance(error, OSError) and error.errno is not None:
            if scratch:
                raise
            raise DataError(f"cannot read {path}: {error.strerror or error}") from error
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"{path} is damaged or not {kind}: {reason}") from error
