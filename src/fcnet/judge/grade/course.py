"""All submissions of a course, several at a time: what is done is kept, a crash costs one submission."""

from __future__ import annotations

import hashlib
import multiprocessing
import signal
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fcnet.errors import DataError, FcnetError, RunError
from fcnet.files import make_folder
from fcnet.judge.grade.entries import Entry
from fcnet.judge.grade.graded import Graded
from fcnet.judge.grade.rubric import Rubric
from fcnet.judge.isolation.scratch import remove
from fcnet.lock import locked
from fcnet.records import read_json, write_json

if TYPE_CHECKING:
    from fcnet.judge.check import Options

FORMAT = 1

RECORDED = {"file", "verdict", "handout", "stages", "findings", "seconds"}

CRASHED = "the check of this submission ended without a result, check it alone with fcnet check"

Told = Callable[[Graded], None]
Check = Callable[[Path, "Options", int], tuple[dict[str, Any], str]]
Outcome = dict[str, Any]


@dataclass(frozen=True)
class Course:
    """The outcome of grading.

    Attributes
    ----------
    graded : each submission, by name
    reused : how many were checked before and are unchanged
    """

    graded: tuple[Graded, ...]
    reused: int


def grade_course(
    entries: Iterable[Entry],
    out: Path,
    options: Options,
    rubric: Rubric,
    workers: int = 2,
    again: bool = False,
    told: Told = lambda graded: None,
    check: Check | None = None,
    hints: int = 3,
) -> Course:
    """Check submissions and keep each one's record in `out` as soon as it is there.

    Parameters
    ----------
    entries : the submissions
    out : folder of the records; made if it is not there
    options : of every check
    rubric : what gives the points
    workers : processes
    again : check also what was checked before
    told : is called with each submission as it is done
    check : what checks a path; `check_files` if not given
    hints : how much each student's page says, from 0 to 3

    Returns
    -------
    course : all of them

    Raises
    ------
    FcnetError : the system holds less than `options.isolation` requires
    RunError : `out` cannot be written, or another process is grading into it
    """
    try:
        make_folder(out / "submissions")
    except OSError as error:
        raise RunError(f"cannot write {out}: {error.strerror or error}, choose another with --out") from error
    everyone = sorted(entries, key=lambda entry: entry.name)
    task = Task(options, check or check_files, hints)
    keys = {entry: key_of(entry, task) for entry in everyone}
    with locked(out):
        kept = {} if again else kept_outcomes(out, keys)
        done = dict(kept)
        waiting = [entry for entry in everyone if entry not in kept]
        with scratch_folder() as scratch:
            for entry, outcome in checked(waiting, task, workers, scratch):
                write_json(record_path(out, entry), {"format": FORMAT, "key": keys[entry], **outcome})
                done[entry] = outcome
                told(graded_of(entry, outcome, rubric))
    return Course(tuple(graded_of(entry, done[entry], rubric) for entry in everyone), len(kept))


def graded_of(entry: Entry, outcome: Outcome, rubric: Rubric) -> Graded:
    """A submission with its outcome and the rubric that gives it points."""
    return Graded(
        entry.name, entry.shown, outcome["record"], outcome["problem"], rubric, outcome.get("page", "")
    )


def record_path(out: Path, entry: Entry) -> Path:
    """Where a submission's record is."""
    return out / "submissions" / f"{entry.name}.json"


def key_of(entry: Entry, task: Task) -> str:
    """What a record depends on: what was handed in, how it was checked, and the judge with its texts."""
    how = f"{replace(task.options, isolation='auto')!r} {task.hints}"
    return hashlib.sha256(f"{entry.digest()}\0{how}\0{judge_digest()}".encode()).hexdigest()


@cache
def judge_digest() -> str:
    """A hash of the judge's code, its catalogue and its texts."""
    total = hashlib.sha256()
    folder = Path(__file__).resolve().parents[1]
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".py", ".toml", ".txt") and path.is_file():
            total.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def kept_outcomes(out: Path, keys: Mapping[Entry, str]) -> dict[Entry, Outcome]:
    """The outcomes of an earlier grading whose keys are the same.

    A damaged record is made anew, and so is one whose check failed for reasons of ours.
    """
    kept = {}
    for entry, key in keys.items():
        try:
            found = read_json(record_path(out, entry))
        except RunError:
            continue
        record, problem = found.get("record"), found.get("problem")
        whole = (
            isinstance(record, dict) and isinstance(problem, str) and (problem or record.keys() >= RECORDED)
        )
        if whole and found.get("format") == FORMAT and found.get("key") == key and not found.get("ours"):
            kept[entry] = found
    return kept


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for everything that the workers unpack; removed even if they were killed."""
    folder = Path(tempfile.mkdtemp(prefix="fcnet-grade-"))
    try:
        yield folder
    finally:
        remove(folder)


@dataclass(frozen=True)
class Task:
    """How a worker checks an entry."""

    options: Options
    check: Check
    hints: int


def checked(entries: list[Entry], task: Task, workers: int, scratch: Path) -> Iterator[tuple[Entry, Outcome]]:
    """The outcome of each check as it is there. What crashes a worker is tried once more, alone."""
    suspects: list[Entry] = []
    for entry, future in spread(entries, task, workers, scratch):
        try:
            yield entry, future.result()
        except BrokenProcessPool:
            suspects.append(entry)
    for suspect in suspects:
        for entry, future in spread([suspect], task, 1, scratch):
            try:
                yield entry, future.result()
            except BrokenProcessPool:
                yield entry, {"record": {}, "problem": CRASHED, "ours": True}


def spread(
    entries: list[Entry], task: Task, workers: int, scratch: Path
) -> Iterator[tuple[Entry, Future[Outcome]]]:
    """Each entry with the future of its check, as they finish."""
    if not entries:
        return
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        min(workers, len(entries)), multiprocessing.get_context("spawn"), start_worker, (str(scratch),)
    )
    try:
        futures = {pool.submit(check_entry, entry, task): entry for entry in entries}
        left = set(futures)
        while left:
            finished, left = wait(left, return_when=FIRST_COMPLETED)
            for future in finished:
                yield futures[future], future
        pool.shutdown()
    except BaseException:  # Ctrl-C, or a system that holds too little: nothing that runs is waited for
        pool.shutdown(wait=False, cancel_futures=True)
        for process in set(multiprocessing.active_children()) - before:
            process.kill()
        raise


def start_worker(scratch: str) -> None:
    """Prepare a worker: Ctrl-C is for the process that started it, which ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tempfile.tempdir = scratch


def check_entry(entry: Entry, task: Task) -> Outcome:
    """Check one submission; a mistake of the student's or a defect of ours is an outcome, too.

    Raises
    ------
    FcnetError : the system holds less than is required, which concerns all submissions
    """
    folder = Path(tempfile.mkdtemp(prefix="submission-"))
    try:
        path = entry.prepare(folder)
        record, page = task.check(path, task.options, task.hints)
        judged = Path(record["file"])
        name = str(judged.relative_to(folder)) if folder in judged.parents else entry.shown
        return {"record": {**record, "file": name}, "page": page.replace(f"{folder}/", ""), "problem": ""}
    except DataError as error:
        return {"record": {}, "problem": str(error).replace(str(folder), entry.shown)}
    except FcnetError:
        raise
    except Exception as error:
        problem = f"the check itself failed ({type(error).__name__}), please report it with this record"
        return {"record": {}, "problem": problem, "ours": True, "traceback": traceback.format_exc()}
    finally:
        remove(folder)


def check_files(path: Path, options: Options, hints: int) -> tuple[dict[str, Any], str]:
    """What `fcnet check` says of a submission: its record, and the page with the student's lines.

    The page is without points: those are the rubric's. The record's file is the one that was judged; where
    each half is in a file of its own, it is the folder.
    """
    from fcnet.judge.check import check_parts, merged
    from fcnet.judge.output.page import page

    parts = check_parts(path, options)
    bare = [
        (source, replace(report, stages=tuple(replace(stage, points=0.0, of=0.0) for stage in report.stages)))
        for source, report in parts
    ]
    judged = {source.path for source, _ in parts}
    file = judged.pop() if len(judged) == 1 else path
    return merged(str(file), [report for _, report in parts]).to_record(), page(bare, hints)
