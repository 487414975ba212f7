"""Run folders: what a training leaves behind, written atomically and read back with checks.

config.toml         the settings
history.jsonl       one line an evaluation
model.safetensors   the trained weights, with PyTorch's names and layout
input.safetensors   what turns pixels into the network's inputs
checkpoint/         what an interrupted training needs to go on
SHA256SUMS          hashes of the files above and of record.json, as `sha256sum --check` takes them
record.json         settings, seed, commit, data and its hash, versions, machine, seconds, metrics
test.json           once the test set was used: the result, and how often it was used
.lock               while a process works in the folder: which
"""

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from fcnet import __version__
from fcnet.errors import RunError
from fcnet.extension import program
from fcnet.files import (
    RESTORE,
    exists,
    make_folder,
    open_plain,
    os_errors_as,
    read_file,
    temporary_file,
    write_atomically,
)
from fcnet.schema import TENSORS_LIMIT, Object, Record, checked, read_as

FORMAT = 1
"""Version of the run folder's layout, in record.json."""

SUMS_LIMIT = 1 << 16
"""The most bytes of SHA256SUMS."""


NO_UNICODE = re.compile("[\ud800-\udfff]")
"""A byte of a file's name that is not Unicode, as Python has it; JSON cannot hold it."""

SEALED = ("config.toml", "history.jsonl", "input.safetensors", "model.safetensors", "record.json")
"""The files of a finished training, which nothing writes any more."""

PACKAGES = ("fcnet", "numpy", "scipy", "scikit-learn", "matplotlib", "torch", "mkl")


class RunFolder:
    """The places in a run folder.

    path : of the folder
    data : what the record will say of the data, from the beginning on: by it a run finds them again
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.toml"
        self.history = path / "history.jsonl"
        self.checkpoint = path / "checkpoint" / "state.safetensors"
        self.data = path / "data.json"
        self.record = path / "record.json"
        self.sums = path / "SHA256SUMS"
        self.test = path / "test.json"

    @property
    def finished(self) -> bool:
        """Whether the training ended; the record is written last."""
        return exists(self.record)

    def read_record(self) -> dict[str, Any]:
        """The record of a finished training.

        Raises
        ------
        RunError : there is none, it is damaged or altered, or another version wrote it
        """
        record = read_json(self.record)
        check_format(
            self.record, record.get("format"), FORMAT, _writer(record), "use that one or repeat the run"
        )
        self.check(self.record.name)
        checked(record, Record, self.record)
        return record

    def finish(self, record: dict[str, Any]) -> None:
        """Write the record, which makes the training a finished one, after the hashes of all files.

        Raises
        ------
        RunError : they cannot be written
        """
        text = as_json(record)
        digests = {name: _sha256(self.path / name) for name in SEALED if name != self.record.name}
        digests[self.record.name] = hashlib.sha256(text.encode()).hexdigest()
        lines = "".join(f"{digests[name]}  {name}\n" for name in SEALED)
        write_atomically(self.sums, lines, try_again())
        write_atomically(self.record, text, try_again())

    def check(self, *names: str) -> None:
        """Make sure that files of a finished training are as it left them; others are not known.

        Raises
        ------
        RunError : a file is missing or was altered
        """
        if not self.finished or not exists(self.sums):  # or the folder of an older version
            return
        lines = read_file(self.sums, SUMS_LIMIT).decode(errors="replace").splitlines()
        digests = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
        for name in names:
            if name in SEALED and _sha256(self.path / name) != digests.get(name):
                raise RunError(
                    f"{self.path / name} was altered since the training ended, it does not match its hash "
                    f"in {self.sums}; restore it or repeat the run (delete the latter to use it as it is)"
                )


def try_again() -> str:
    """What to do where a training cannot write any more."""
    return f"fix that and continue from the last checkpoint ({program()} train --resume)"


def check_format(
    path: Path, found: object, known: int, writer: str, remedy: str, oldest: int | None = None
) -> None:
    """Make sure that this version of fcnet understands a file.

    Parameters
    ----------
    path, found : the file, and the number of its format
    known : the number that this version writes
    writer : the version of fcnet that wrote it, if that is known
    remedy : what to do with one that is too old
    oldest : the oldest format that is still read, `known` if not given

    Raises
    ------
    RunError : it is of a newer version, or too old
    """
    if isinstance(found, int) and (known if oldest is None else oldest) <= found <= known:
        return
    if isinstance(found, int) and found > known:
        newer = f"a newer version of fcnet ({writer})" if writer else "a newer version of fcnet"
        raise RunError(
            f"{path} was written by {newer}: its format is {found}, and fcnet {__version__} reads "
            f"format {known}; update fcnet"
        )
    raise RunError(f"{path} was written by another version of fcnet, {remedy}")


def format_number(text: str | None, kind: str) -> int | None:
    """N of a format such as "KIND-N"; None if it is none."""
    number = (text or "").removeprefix(f"{kind}-")
    return int(number) if number.isascii() and number.isdigit() and len(number) < 10 else None


def _writer(record: dict[str, Any]) -> str:
    """The version of fcnet that a record names; "" where it names none."""
    try:
        return str(record["environment"]["versions"]["fcnet"])
    except (KeyError, TypeError):
        return ""


def _sha256(path: Path) -> str:
    """The hash of a file.

    Raises
    ------
    RunError : it is missing or cannot be read
    """
    with os_errors_as(f"cannot read {path}", RESTORE), open_plain(path, TENSORS_LIMIT) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_writable(folder: Path) -> None:
    """Make a folder and its parents, and write and remove a file in it.

    Raises
    ------
    RunError : `cannot write to FOLDER: REASON, choose another with --out`
    """
    with os_errors_as(f"cannot write to {folder}", "choose another with --out"):
        make_folder(folder)
        with temporary_file(folder / "writable"):
            pass


def as_json(content: Any) -> str:
    """Plain values as JSON for people and programs."""
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
    text = NO_UNICODE.sub(lambda found: rf"\\u{ord(found[0]):04x}", text)
    return json.dumps(json.loads(text), indent=2, allow_nan=False) + "\n"


def write_json(path: Path, content: Any) -> None:
    """Write plain values as JSON, atomically."""
    write_atomically(path, as_json(content))


def read_json(path: Path, kind: type[msgspec.Struct] | None = None) -> dict[str, Any]:
    """Read a JSON object.

    Parameters
    ----------
    path : the file
    kind : what it has to be, if that is known

    Raises
    ------
    RunError : the file is missing, unreadable, no JSON object or none of this kind; the text names it
    """
    values = read_as(path, Object)
    if kind is not None:
        checked(values, kind, path)
    return values


def environment() -> dict[str, Any]:
    """Versions, machine and commit, as every record states them."""
    from importlib.metadata import PackageNotFoundError, version

    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "python": platform.python_version(),
        "versions": versions,
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": cores(),
        "commit": _commit(),
        "command": " ".join([program(), *map(without_password, sys.argv[1:])]),
    }


def without_password(text: str) -> str:
    """A word or a message without the password of the URL in it."""
    text = re.sub(r"://([^:/@]*):.*@", r"://\1@", text, flags=re.DOTALL)
    return re.sub(r"([?&]\w*password=)[^&\s]*", r"\1", text)


def cores() -> int:
    """Processors that this process may use, as far as the system says."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def _commit() -> str:
    """The commit of the checkout that fcnet runs from, "-dirty" if it was changed; or that there is none."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return "not a checkout"
    try:
        described = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return described.stdout.strip()
