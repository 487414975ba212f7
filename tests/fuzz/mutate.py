"""Ways to spoil a file: its bytes, the values in it, or what kind of file it is."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Mutation = Callable[[Path, random.Random], str]
"""Spoils a file and says how."""

LONG = "x" * 70_000
ESCAPES = "\x1b[31mred\x1b]0;title\x07\r\nline\u202e\x00"

VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2, 7, 2**31, 2**63, 2**70, 10**400, -(10**400),
    0.0, -0.0, 0.5, 1e-320, 1e308, float("nan"), float("inf"), float("-inf"),
    "", "x", "0", "nan", "../../outside/letter", "/dev/zero", "~nobody/x",
    ESCAPES, LONG, "\ud800", [], {}, [[]], [None], [0, -1, 2**40], {"a": 1}, [[1, 2], [3]], ["relu"] * 3,
]  # fmt: skip
"""Values that a file may hold in the place of a good one."""

TOKENS = [
    "nan", "-inf", "1e400", "1e-300", "0", "-1", "1000000000", "9" * 30, "9" * 5000, "0x_", "true",
    '""', '"x"', "'", '"' + LONG + '"', '"\\u001b[31m"', "2020-01-01", "07:32:00",
    "[]", "[0]", "[-1, 2]", "[[1]]",
    "[256, 256, 256, 256]", "[100000000]", "{}", "{a = 1}", "[" * 5000 + "]" * 5000,
]  # fmt: skip
"""The same for TOML."""


def any_mutation(path: Path, rng: random.Random) -> str:
    """Spoil a file in a way that suits its kind, or in one that suits every kind."""
    suited = KINDS.get(path.suffix, [])
    if path.is_dir():
        return rng.choice(FILES)(path, rng)
    kind = rng.choices([suited or BYTES, BYTES, FILES], [6, 2, 2])[0]
    return rng.choice(kind)(path, rng)


# Bytes


def flip(path: Path, rng: random.Random) -> str:
    content = bytearray(path.read_bytes())
    for _ in range(rng.choice([1, 1, 3, 30])):
        if content:
            content[rng.randrange(len(content))] = rng.randrange(256)
    path.write_bytes(content)
    return "bytes changed"


def cut(path: Path, rng: random.Random) -> str:
    content = path.read_bytes()
    path.write_bytes(content[: rng.randrange(len(content) + 1)])
    return "cut"


def repeat(path: Path, rng: random.Random) -> str:
    content = path.read_bytes()
    start, end = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    path.write_bytes(content[:end] + content[start:end] * rng.choice([1, 2, 50]) + content[end:])
    return "a part repeated"


def insert(path: Path, rng: random.Random) -> str:
    content = path.read_bytes()
    place = rng.randrange(len(content) + 1)
    more = rng.choice(
        [b"\x00", b"\xff\xfe", b"\n\n", ESCAPES.encode("utf-8"), b"{" * 100_000, b"9" * 5000, b'"']
    )
    path.write_bytes(content[:place] + more + content[place:])
    return "bytes inserted"


def empty(path: Path, rng: random.Random) -> str:
    path.write_bytes(b"")
    return "emptied"


BYTES: list[Mutation] = [flip, cut, repeat, insert, empty]


# Values


def places(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to all values in nested lists and dictionaries."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [(*above, key) for key in keys] + [p for key in keys for p in places(value[key], (*above, key))]


def spoil(value: Any, rng: random.Random) -> Any:
    """A copy of nested values with one of them replaced, removed, added or made deep."""
    found = places(value)
    if not found or rng.random() < 0.05:
        return rng.choice(VALUES)
    value = json.loads(json.dumps(value))
    *above, last = rng.choice(found)
    holder = value
    for key in above:
        holder = holder[key]
    match rng.randrange(10):
        case 0:
            del holder[last]
        case 1 if isinstance(holder, dict):
            holder[rng.choice(["extra", "", ESCAPES, LONG, "format"])] = rng.choice(VALUES)
        case 2:
            deep: Any = 0
            for _ in range(rng.choice([50, 900])):
                deep = [deep] if rng.random() < 0.5 else {"a": deep}
            holder[last] = deep
        case 3 if isinstance(holder[last], list):
            holder[last] = holder[last] * rng.choice([2, 1000])
        case 4 if isinstance(holder[last], int | float):
            holder[last] = rng.choice(
                [-holder[last], holder[last] + 1, holder[last] * 10**9, str(holder[last])]
            )
        case _:
            holder[last] = rng.choice(VALUES)
    return value


def as_text(value: Any) -> bytes:
    return json.dumps(value, indent=1).encode("utf-8", "replace")


def json_values(path: Path, rng: random.Random) -> str:
    if rng.random() < 0.05:
        path.write_bytes(b"[" * 100_000 + b"]" * 100_000)
        return "deep JSON"
    value = json.loads(path.read_bytes())
    for _ in range(rng.choice([1, 1, 1, 4])):
        value = spoil(value, rng)
    path.write_bytes(as_text(value))
    return "values changed"


def json_lines(path: Path, rng: random.Random) -> str:
    lines = path.read_bytes().splitlines()
    if lines:
        number = rng.randrange(len(lines))
        match rng.randrange(5):
            case 0:
                lines.insert(number, lines[rng.randrange(len(lines))])
            case 1:
                del lines[number]
            case 2:
                rng.shuffle(lines)
            case _:
                try:
                    lines[number] = json.dumps(spoil(json.loads(lines[number]), rng)).encode()
                except ValueError:
                    lines[number] = b"null"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return "lines changed"


def toml_values(path: Path, rng: random.Random) -> str:
    lines = path.read_text().splitlines() or [""]
    number = rng.randrange(len(lines))
    key = lines[number].partition("=")[0]
    match rng.randrange(8):
        case 0:
            del lines[number]
        case 1:
            lines.insert(number, lines[rng.randrange(len(lines))])
        case 2:
            lines.insert(number, f"{rng.choice(['extra', '[extra]', '[[extra]]', 'a.' * 30_000 + 'a'])} = 1")
        case 3:
            lines.insert(0, rng.choice(["[x]", "[[x]]", '"" = 1', "\x00", "# \x1b[31m"]))
        case _:
            lines[number] = f"{key}= {rng.choice(TOKENS)}"
    path.write_text("\n".join(lines) + "\n")
    return "settings changed"


# Arrays


@np.errstate(all="ignore")
def another_array(array: Any, rng: random.Random) -> Any:
    """An array that is not what it should be: in its numbers, its type or its shape."""
    match rng.randrange(11):
        case 0:
            return np.full_like(array, rng.choice([0, 1]))
        case 1:
            return (array * np.array(1e300)).astype(array.dtype) if array.dtype.kind == "f" else array[:0]
        case 2:
            changed = array.astype(np.float64)
            changed.reshape(-1)[: rng.choice([1, changed.size])] = rng.choice([np.nan, np.inf, -1, 1e308])
            return changed.astype(array.dtype) if array.dtype.kind == "f" else changed
        case 3:
            return array.astype(rng.choice(["f2", "f8", "i8", "u1", "?", "i4", "f4"]))
        case 4:
            return array.reshape(-1)
        case 5:
            return array[None]
        case 6:
            return array.T.copy()
        case 7:
            return array[:-1].copy() if array.ndim else array
        case 8:
            return np.array(0, array.dtype)
        case 9:
            return array[:0].copy() if array.ndim else array
        case _:
            return np.concatenate([array, array]) if array.ndim else array


def tensors(path: Path, rng: random.Random) -> str:
    """Other arrays, names or metadata in a file of safetensors."""
    from safetensors.numpy import load, save

    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    head, body = json.loads(content[8 : 8 + length]), content[8 + length :]
    if rng.random() < 0.4:
        head = spoil(head, rng)
        raw = json.dumps(head).encode()
        path.write_bytes(struct.pack("<Q", rng.choice([len(raw)] * 9 + [2**62])) + raw + body)
        return "the header changed"
    arrays = load(content)
    name = rng.choice(sorted(arrays))
    match rng.randrange(6):
        case 0:
            del arrays[name]
        case 1:
            arrays[rng.choice(["extra", ESCAPES, *sorted(arrays)])] = arrays[name]
        case _:
            arrays[name] = np.ascontiguousarray(another_array(arrays[name], rng))
    path.write_bytes(save(arrays, head.get("__metadata__")))
    return f"array {name} changed"


def npz(path: Path, rng: random.Random) -> str:
    """Other arrays or members in an .npz file."""
    content = path.read_bytes()
    with np.load(io.BytesIO(content)) as file:
        arrays = dict(file)
    name = rng.choice(sorted(arrays))
    match rng.randrange(8):
        case 0:
            del arrays[name]
        case 1:
            arrays[rng.choice(["extra", "X_test", "y_test", "classes", "a/b"])] = arrays[name]
        case 2:
            arrays[name] = np.array([None, "x", 3], dtype=object)
        case 3:
            arrays[name] = np.array([rng.choice(["a", "", ESCAPES, LONG]), "b"] * 30)
        case 4 | 5:
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
                shape = rng.choice(
                    ["(1152921504606846976, 4)", "(-1,)", "(0, 5)", "(60000000, 5)", "()", "(60,5", "'x'"]
                )
                text = (
                    f"{{'descr': '{rng.choice(['<f4', '|O', '<U9', '|V0', 'x'])}', 'fortran_order': False, "
                )
                text = (text + f"'shape': {shape}, }}\n").encode()
                head = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text
                file.writestr(f"{name}.npy", rng.choice([b"no array", b"", head, head + bytes(30_000_000)]))
            return "a member that claims anything"
        case _:
            arrays[name] = another_array(arrays[name], rng)
    np.savez(path, **arrays)
    return f"array {name} changed"


def npy(path: Path, rng: random.Random) -> str:
    np.save(path, another_array(np.load(path), rng), allow_pickle=False)
    return "the array changed"


# Pictures


def png(path: Path, rng: random.Random) -> str:
    """A header that claims another size or type, with a correct checksum; or a chunk of text."""
    content = bytearray(path.read_bytes())
    sizes = [0, 1, 2, 5000, 20_000, 2**31 - 1]
    head = struct.pack(">II", rng.choice(sizes), rng.choice(sizes)) + bytes(
        rng.choice([content[24:29], bytes(5)])
    )
    content[16:33] = head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    path.write_bytes(content)
    return "another size claimed"


def picture(path: Path, rng: random.Random) -> str:
    """A picture of another format, mode or size in the place of this one."""
    from PIL import Image

    mode = rng.choice(["1", "L", "P", "LA", "RGBA", "CMYK", "I;16", "I", "F"])
    size = rng.choice([(1, 1), (1, 300), (9, 9), (300, 1), (3000, 3000)])
    try:
        Image.new(mode, size).save(path, rng.choice(["PNG", "TIFF", "GIF", "BMP", "PPM", "JPEG", "ICO"]))
    except (OSError, ValueError, KeyError):
        path.write_bytes(b"")
    return f"a picture {mode} of {size}"


# Kinds of files


def missing(path: Path, rng: random.Random) -> str:
    _remove(path)
    return "removed"


def folder(path: Path, rng: random.Random) -> str:
    _remove(path)
    path.mkdir()
    return "a folder"


def pipe(path: Path, rng: random.Random) -> str:
    _remove(path)
    os.mkfifo(path)
    return "a pipe"


def link(path: Path, rng: random.Random) -> str:
    """A link to a file or folder of the user, to a name that is not there yet, to a device or to itself."""
    outside = _outside(path)
    target = rng.choice([outside / "letter", outside / "new", outside / "folder", Path("/dev/zero"), path])
    _remove(path)
    path.symlink_to(target)
    return f"a link to {target.name}"


def hard_link(path: Path, rng: random.Random) -> str:
    outside = _outside(path)
    _remove(path)
    path.hardlink_to(outside / "letter")
    return "a hard link"


def unreadable(path: Path, rng: random.Random) -> str:
    path.chmod(0)
    return "not readable"


def other_name(path: Path, rng: random.Random) -> str:
    path.rename(
        path.with_name(rng.choice(["\x1b[31m", "a\nb", "x" * 250, "\udcff", "  ", "-rf"]) + path.suffix[:5])
    )
    return "renamed"


FILES: list[Mutation] = [missing, folder, pipe, link, link, hard_link, unreadable, other_name]


def _outside(path: Path) -> Path:
    """The folder of the user's own files, beside the one that is fuzzed."""
    return next(place / "outside" for place in path.absolute().parents if (place / "outside").exists())


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


KINDS: dict[str, list[Mutation]] = {
    ".json": [json_values],
    ".jsonl": [json_lines],
    ".journal": [json_lines],
    ".toml": [toml_values],
    ".safetensors": [tensors],
    ".npz": [npz],
    ".npy": [npy],
    ".png": [png, picture],
    **{suffix: [picture] for suffix in (".jpg", ".gif", ".bmp", ".tiff", ".webp")},
}
"""What suits the kind of a file, by its suffix."""


def sealed(folder: Path) -> None:
    """Write the hashes of a run's files again, as somebody who alters a run would."""
    sums = folder / "SHA256SUMS"
    if not sums.is_file() or sums.is_symlink():
        return
    names = [line.partition("  ")[2] for line in sums.read_text(errors="replace").splitlines()]
    files = [folder / name for name in names if name and (folder / name).is_file()]
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}"
        for path in files
        if path.stat().st_size
    ]
    sums.write_text("\n".join(lines) + "\n")
