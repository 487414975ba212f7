"""Whole run folders to start from, and small tools that damage them."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import load, save

from fcnet.data.digits import load_digits
from fcnet.runs.observed import Control, LiveFolder, Progress, write_live
from fcnet.runs.observer import Observer
from fcnet.runs.training import train_run
from fcnet.train.callbacks import Callback, Callbacks
from fcnet.train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from fcnet.train.config import TrainConfig

Damage = Callable[[Path, Path], None]
"""Does something to a run folder; the second path is a folder outside of it that has to stay as it is."""

CONFIG = TrainConfig(
    hidden=(24,), initialisation="he", preprocessing="standardised", batch_size=60, epochs=2,
    learning_rate=0.05, momentum=0.9, reg=1e-4, validation=200,
)  # fmt: skip

ESCAPES = "\x1b]0;title\x07\x1b[2J\x1b[31mred\r\nerror: forged\u202e\x9b1m"
"""What would set the title, clear the screen, forge a line and turn the direction of writing."""

UNAVAILABLE = "CIFAR-10 is not available"


class Stop(Callback):
    """Ends a training after its first evaluation, as Ctrl-C does."""

    def on_batch_end(self, step: int, total: int, loss: float) -> None:
        if step == 30:
            import signal

            signal.raise_signal(signal.SIGINT)


def whole_folders(home: Path) -> None:
    """Make `finished`, `unfinished`, `watched`, `good` and a picture in a folder."""
    digits = load_digits(UNAVAILABLE)
    for name in ("finished", "good"):
        train_run(CONFIG, digits, home / name)
    with contextlib.suppress(KeyboardInterrupt):
        train_run(CONFIG, digits, home / "unfinished", callback=Stop())
    watched = home / "watched"
    with contextlib.suppress(KeyboardInterrupt):
        train_run(CONFIG, digits, watched, callback=Callbacks(Observer(watched, digits, "train"), Stop()))
    write_live(LiveFolder(watched).progress, Progress(30, 48, 1.0, 0.5))
    write_live(LiveFolder(watched).control, Control("run"))
    Image.fromarray(np.zeros((8, 8), dtype=np.uint8)).save(home / "picture.png")


# Files


def content(name: str, text: bytes | str) -> Damage:
    """A file with other content."""

    def damage(run: Path, outside: Path) -> None:
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).write_bytes(text.encode() if isinstance(text, str) else text)

    return unsealed(damage)


def unsealed(damage: Damage) -> Damage:
    """The same without hashes, which an attacker would write anew."""

    def both(run: Path, outside: Path) -> None:
        (run / "SHA256SUMS").unlink(missing_ok=True)
        damage(run, outside)

    return both


def cleared(name: str, make: Callable[[Path, Path], object]) -> Damage:
    """Something else under the name of a file."""

    def damage(run: Path, outside: Path) -> None:
        path = run / name
        path.parent.mkdir(exist_ok=True)
        if path.is_dir() and not path.is_symlink():
            path.rename(outside / path.name)
        path.unlink(missing_ok=True)
        make(path, outside)

    return damage


def missing(name: str) -> Damage:
    return cleared(name, lambda path, outside: None)


def pipe(name: str) -> Damage:
    return cleared(name, lambda path, outside: os.mkfifo(path))


def folder(name: str) -> Damage:
    return cleared(name, lambda path, outside: path.mkdir())


def endless(name: str) -> Damage:
    return cleared(name, lambda path, outside: path.symlink_to("/dev/zero"))


def dangling(name: str) -> Damage:
    return cleared(name, lambda path, outside: path.symlink_to(outside / "created"))


def linked(name: str, target: str = "precious.txt") -> Damage:
    return cleared(name, lambda path, outside: path.symlink_to(outside / target))


def hard_linked(name: str) -> Damage:
    return cleared(name, lambda path, outside: os.link(outside / "precious.txt", path))


def circular(name: str) -> Damage:
    return cleared(name, lambda path, outside: path.symlink_to(path.name))


def sparse(name: str, size: int) -> Damage:
    """So many bytes of zeros that take no room."""

    def damage(run: Path, outside: Path) -> None:
        with (run / name).open("wb") as file:
            file.truncate(size)

    return unsealed(damage)


# Values


def value(name: str, where: str, literal: str) -> Damage:
    """One value of a JSON file, or of every line of a history, as literal text; "" removes it."""

    def changed(text: str) -> str:
        values = json.loads(text)
        inner = values
        *parents, last = where.split(".")
        for parent in parents:
            inner = inner[parent]
        inner[last] = "@@"
        if not literal:
            del inner[last]
        return json.dumps(values).replace('"@@"', literal)

    def damage(run: Path, outside: Path) -> None:
        text = (run / name).read_text()
        lines = text.splitlines() if name.endswith("l") else [text]
        (run / name).write_text("".join(changed(line) + "\n" for line in lines))

    return unsealed(damage)


def setting(name: str, literal: str) -> Damage:
    """One setting of config.toml as literal text."""

    def damage(run: Path, outside: Path) -> None:
        text = (run / "config.toml").read_text()
        kept = re.sub(rf"^{name} = (\[[^]]*\]|.*)\n", "", text, flags=re.MULTILINE)
        (run / "config.toml").write_text(f"{kept}{name} = {literal}\n")

    return unsealed(damage)


def tensors(name: str, **changes: Callable[[NDArray[Any]], NDArray[Any]] | None) -> Damage:
    """Tensors of a file, by their names with `_` for `.`, as a function makes them; None removes one."""

    def damage(run: Path, outside: Path) -> None:
        arrays, about = opened(run / name)
        for key in list(arrays):
            place = key.replace(".", "_")
            change = changes.get(place)
            if change is not None:
                arrays[key] = np.ascontiguousarray(change(arrays[key]))
            elif place in changes:
                del arrays[key]
        (run / name).write_bytes(save(arrays, about))

    return unsealed(damage)


def said(name: str, key: str, text: str | None) -> Damage:
    """What a safetensors file says of itself under a key; None removes it."""

    def damage(run: Path, outside: Path) -> None:
        arrays, about = opened(run / name)
        about.pop(key, None)
        (run / name).write_bytes(save(arrays, about if text is None else about | {key: text}))

    return unsealed(damage)


def opened(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """The arrays of a safetensors file, and what it says of itself."""
    whole = path.read_bytes()
    header = json.loads(whole[8 : 8 + int.from_bytes(whole[:8], "little")])
    return load(whole), header.get("__metadata__", {})


def header(name: str, text: str, data: bytes = b"") -> Damage:
    """A safetensors file of this header."""
    return content(name, len(text.encode()).to_bytes(8, "little") + text.encode() + data)


def checkpoint(change: Callable[[Checkpoint], Checkpoint]) -> Damage:
    """A checkpoint that was changed and has the hash that belongs to it."""

    def damage(run: Path, outside: Path) -> None:
        path = run / "checkpoint" / "state.safetensors"
        found = load_checkpoint(path)
        assert found is not None
        save_checkpoint(path, change(found))

    return damage


def deep(run: Path, outside: Path) -> None:
    """Folders inside folders, more than Python would go down into."""
    here = os.open(run, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


def sealed_anew(name: str, values: dict[str, Any], where: str, literal: str) -> Damage:
    """A JSON file of these values, one of which is literal text."""
    text = json.dumps(values | {where: "@@"}).replace('"@@"', literal)
    return content(name, text)
