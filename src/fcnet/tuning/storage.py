"""The journal or the database that holds the trials, and how its password stays secret.

A password may be in `~/.pgpass`, in PGPASSWORD, or in a variable that `--storage env:NAME` names. It is
never written, printed or given to a worker on its command line.
"""

import os
import re
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage, JournalStorage, RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.storages.journal import JournalFileBackend

from fcnet.errors import FcnetError, RunError
from fcnet.extras import require
from fcnet.files import os_errors_as
from fcnet.lock import Lock, open_own_file
from fcnet.records import without_password
from fcnet.tuning.search import Search

BEAT_SECONDS = 10
"""Seconds between two heartbeats of a worker in a database."""

GRACE_SECONDS = 60
"""Seconds without a heartbeat after which a worker elsewhere counts as lost."""

TRIES = 3
"""Workers lost during one trial after which it fails: it may be too large for the machine."""

TABLE_TRIES = 10
"""How often a worker opens a new database, in which others may be making the same tables at that moment."""

EXAMPLE = "postgresql://USER@HOST/DATABASE"


def url_of(storage: str) -> str:
    """The database's URL: that of `--storage`, or of the variable NAME for `env:NAME`.

    Raises
    ------
    FcnetError : the variable is not set
    """
    if not storage.startswith("env:"):
        return storage
    name = storage.removeprefix("env:")
    if not os.environ.get(name):
        raise FcnetError(f"--storage {storage}: the variable {name!r} is not set, set it to {EXAMPLE}")
    return os.environ[name]


class JournalLock(Lock):
    """Lets one process at a time write to a journal, and cuts off what a killed process left unfinished.

    Optuna's own locks are files that outlive a killed process, so that others wait for it half a minute. An
    unfinished last line would make the journal unreadable as soon as the next line follows it.
    """

    def __init__(self, journal: Path) -> None:
        super().__init__(journal.with_name(f".{journal.name}.lock"))
        self.journal = journal

    def acquire(self, on_wait: Callable[[str], object] | None = None) -> bool:
        """Wait for the lock, and make the journal end with a whole line; returns True."""
        try:
            super().acquire(on_wait)
            cut_unfinished_line(self.journal)
        except BaseException:  # after Ctrl-C, a lock that nobody releases would block this process itself
            self.release()
            raise
        return True


def cut_unfinished_line(path: Path) -> None:
    """Cut a file after its last line break, and make it if it is missing.

    Raises
    ------
    OSError : as `open_own_file`
    """
    with os.fdopen(open_own_file(path), "r+b") as file:
        kept = file.seek(0, os.SEEK_END)
        while kept and file.seek(kept - 1) >= 0 and file.read(1) != b"\n":
            kept -= 1
        file.truncate(kept)


@contextmanager
def opened_storage(search: Search) -> Iterator[BaseStorage]:
    """The journal in the folder, or the database; its connections are closed afterwards.

    Raises
    ------
    RunError : the journal cannot be opened, is a link, or is damaged
    FcnetError : the database cannot be reached, or its driver is not installed
    """
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)  # fcnet has its own messages
    if search.storage is None:
        with os_errors_as(f"cannot open {search.journal}", "choose another with --out"):
            os.close(open_own_file(search.journal))
        lock = cast(Any, JournalLock(search.journal))
        try:  # which reads all of it
            storage = JournalStorage(JournalFileBackend(str(search.journal), lock_obj=lock))
        except (LookupError, TypeError, ValueError, AttributeError, AssertionError, RecursionError) as error:
            raise RunError(
                f"{search.journal} is damaged ({type(error).__name__}), restore it or choose another --out"
            ) from error
        yield storage
        return
    with _database_errors():
        database = _database(search.storage)
        try:
            yield database
        finally:
            database.remove_session()
            database.engine.dispose()


def _database(url: str) -> RDBStorage:
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    url = with_driver(url)
    if url.startswith("postgresql+psycopg:"):
        require("psycopg", "postgresql")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # heartbeats have been "experimental" since 2021
        retry = RetryHeartbeatStaleTrialCallback(TRIES - 1, inherit_intermediate_values=True)
        try:
            _make_tables(url)
            return RDBStorage(
                url,
                engine_kwargs={"pool_pre_ping": True},
                heartbeat_interval=BEAT_SECONDS,
                grace_period=GRACE_SECONDS,
                heartbeat_stale_trial_callback=retry,
            )
        except (ArgumentError, NoSuchModuleError, ValueError):  # ValueError: the port is not a number
            raise FcnetError(f"--storage is not a database URL, give {EXAMPLE}") from None
        except ImportError:
            raise FcnetError("--storage needs the database's driver, install it with pip") from None


def _make_tables(url: str) -> None:
    """Make Optuna's tables where they are missing; the loser of a race with another worker tries again."""
    from sqlalchemy.exc import IntegrityError, ProgrammingError
    from sqlalchemy.pool import NullPool

    for tries_left in reversed(range(TABLE_TRIES)):
        try:
            RDBStorage(url, engine_kwargs={"poolclass": NullPool})  # which leaves no connection open
            return
        except (IntegrityError, ProgrammingError):
            if not tries_left:
                raise
            time.sleep(0.3)


def with_driver(url: str) -> str:
    """The URL with psycopg 3, where it names PostgreSQL and no driver."""
    return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url)


@contextmanager
def _database_errors() -> Iterator[None]:
    """Turn a database error into one clear line without the password."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error.__cause__ or error
        lines = str(cause).strip().splitlines() or [type(cause).__name__]
        reason = without_password(lines[0].rstrip("."))  # a foreign message may repeat the URL
        raise FcnetError(
            f"the database cannot be used ({reason}), check that it runs and resume with --resume"
        ) from None
