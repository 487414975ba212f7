"""One case: a folder with something spoiled in it, and a command that reads it; all follows from a seed."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fuzz.mutate import any_mutation, sealed
from fuzz.seeds import OPTIONS


@dataclass(frozen=True)
class Kind:
    """Something that fcnet reads.

    name : of the good input in the folder of seeds; it is copied to `x`
    commands : that read it, as they are typed
    within : what is spoiled, seen from the folder of the case
    prepare : called with the folder of the case before anything is spoiled
    """

    name: str
    commands: tuple[str, ...]
    within: str = "x"
    prepare: Callable[[Path, random.Random], None] = lambda folder, rng: None


def loose(folder: Path, rng: random.Random) -> None:
    """A run whose hashes nobody wrote: they are then read without that protection."""
    if rng.random() < 0.4:
        (folder / "x" / "SHA256SUMS").unlink(missing_ok=True)


READ_RUN = (
    "runs .", "runs . --json", "runs x --sort test", "compare x good", "compare good x", "report x",
    "train --out x --resume", "train --config x/config.toml --out new --epochs 1", "watch x good",
)  # fmt: skip
READ_MODEL = (
    "test x --again", "predict x good.png", "predict x good.png --json", "predict x good.png --show seen.png",
    "export x --onnx", "fold x good --out new", "explore x",
)  # fmt: skip
OTHERS = {
    "reproduce": "takes minutes; it resumes its runs as train --resume does",
    "data sample": "reads nothing",
    **dict.fromkeys(
        ("record run", "record plan", "record verify"),
        "tests/protocol spoils every value of a record; the runs are read and resumed as by test and train",
    ),
    **dict.fromkeys(("start", "check", "grade"), "reads solutions, which tests/isolation attacks"),
    **dict.fromkeys(("audit", "doctor"), "reads nothing that somebody else wrote"),
}
"""The commands that are not fuzzed, and why."""

TRAIN = " ".join(["--out new", *OPTIONS])

KINDS = (
    Kind("run", READ_RUN + READ_MODEL * 2, prepare=loose),
    Kind("own", READ_RUN + READ_MODEL * 2, prepare=loose),
    Kind("stopped", ("train --out x --resume", "train --out x --resume --tensorboard", *READ_RUN)),
    Kind("watched", ("watch x good", "watch x good", "train --out x --resume --watch", *READ_RUN)),
    Kind(
        "study",
        ("tune --out x --resume --trials 2", "tune --out x --resume --trials 3", "runs x", "report x",
         "train --config x/best.toml --out new --epochs 1"),
    ),
    Kind("reproduction", ("report x", "runs x", "watch x good")),
    Kind(
        "pictures",
        (f"train --data x {TRAIN}", f"train --data x --image-size 8 {TRAIN}", "predict good x",
         "predict good x --json"),
    ),
    Kind("arrays.npz", (f"train --data x.npz {TRAIN}",), within="x.npz"),
    Kind(
        "pictures",
        (f"train --data x {TRAIN}", "cache list", "cache list --json", "cache prune --yes", "data info"),
        within="cache",
    ),
    Kind("cifar", ("data info --data x", "data verify --data x", f"train --data x {TRAIN}")),
    Kind("archive", ("data info --data x", f"train --data x {TRAIN}", "data fetch --data y --source x")),
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """What is run, and how it was made: the seed makes it again."""

    seed: int
    kind: str
    command: tuple[str, ...]
    spoiled: tuple[str, ...]


def make(seed: int, seeds: Path, folder: Path) -> Case:
    """Fill a folder from the good inputs, spoil it, and choose a command.

    Parameters
    ----------
    seed : what everything follows from
    seeds : the good inputs
    folder : empty; `work/` becomes the folder in which the command runs, `outside/` must stay as it is
    """
    rng = random.Random(seed)
    kind = rng.choice(KINDS)
    work, outside = folder / "work", folder / "outside"
    outside.mkdir()
    (outside / "letter").write_text('{"dear": "friend"}\nwithout an end')
    (outside / "folder").mkdir()
    (outside / "folder" / "events.out.tfevents.1").write_text("of another run")
    work.mkdir()
    target = work / f"x{Path(kind.name).suffix}"
    _copy(seeds / kind.name, target)
    shutil.copytree(seeds / "run", work / "good")
    shutil.copy(seeds / "pictures" / "dark" / "0.png", work / "good.png")
    if kind.within == "cache":
        target.symlink_to(seeds / kind.name) if not target.exists() else None
        shutil.copytree(seeds / "cache", work / "cache")
    else:
        (work / "cache").mkdir()
    kind.prepare(work, rng)
    spoiled = []
    within = work / kind.within
    files = sorted(path for path in (within, *within.rglob("*")) if path.is_file())
    folders = sorted(path for path in within.rglob("*") if path.is_dir())
    chosen = rng.sample(files, min(len(files), rng.choice([1, 1, 1, 2, 3])))
    if folders and rng.random() < 0.05:
        chosen = [rng.choice(folders)]
    for path in chosen:
        try:
            done = any_mutation(path, rng)
        except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError, MemoryError):
            path.write_bytes(b"spoiled")  # values that even the mutation cannot write
            done = "overwritten"
        spoiled.append(f"{path.relative_to(work)}: {done}")
    if rng.random() < 0.1 and within.is_dir():
        spoiled.append(_added(within, rng))
    if rng.random() < 0.6:
        sealed(target)
    return Case(seed, kind.name, tuple(rng.choice(kind.commands).split()), tuple(spoiled))


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)


def _added(folder: Path, rng: random.Random) -> str:
    """Something beside what belongs there."""
    path = folder / rng.choice(
        [".lock", "tensorboard", "checkpoint", "test.json", "report.html", "model.onnx", "\x1b[2J"]
    )
    if path.exists() or path.is_symlink():
        return "nothing added"
    target = folder.resolve().parents[0].parent / "outside" / rng.choice(["letter", "new", "folder"])
    path.symlink_to(target)
    return f"{path.name!r} added: a link to {target.name}"
