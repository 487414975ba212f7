"""The table of hostile run folders: what is done to one, and which commands read that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import structs

from fcnet.train.checkpoint import Checkpoint
from hostile.prepare import (
    ESCAPES,
    Damage,
    checkpoint,
    circular,
    cleared,
    content,
    dangling,
    deep,
    endless,
    folder,
    hard_linked,
    header,
    linked,
    missing,
    pipe,
    said,
    sealed_anew,
    setting,
    sparse,
    tensors,
    value,
)

RUN = "RUN"
"""Stands for the folder in the commands."""

COMMANDS = {
    "runs": "runs .",
    "runs --json": "runs . --json",
    "compare": f"compare {RUN} good",
    "predict": f"predict {RUN} picture.png",
    "predict --json": f"predict {RUN} picture.png --json",
    "test": f"test {RUN}",
    "export": f"export {RUN} --onnx",
    "report": f"report {RUN}",
    "resume": f"train --out {RUN} --resume",
    "tensorboard": f"train --out {RUN} --resume --tensorboard",
    "config": f"train --out new --config {RUN}/config.toml --epochs 1",
    "fold": f"fold {RUN} good --mirror",
    "explore": f"explore {RUN}",
    "watch": f"watch {RUN} good",
    "watch a training": f"watch {RUN} good",
    "resume --watch": f"train --out {RUN} --resume --watch",
}
"""Every command that reads a run folder; the page of `fcnet watch` is asked all that its front end asks."""

TRAINS = "watch a training"
"""The command beside which the lock of the folder is held, as a training does."""

OTHERS = {
    "reproduce": "resumes its runs as train --resume does",
    **dict.fromkeys(("record run", "record plan"), "resumes its runs as train --resume does"),
    "record verify": "reads a record; tests/protocol spoils those, and run folders are read as by test",
    "tune": "reads a study; tests/fuzz spoils those, and their runs are resumed as train --resume does",
    **dict.fromkeys(("data fetch", "data verify", "data info", "data sample"), "reads data"),
    **dict.fromkeys(("cache list", "cache prune"), "reads the cache"),
    **dict.fromkeys(("start", "check", "grade"), "reads solutions of the exercise"),
    **dict.fromkeys(("audit", "doctor"), "reads no folder"),
}
"""The commands that read no run folder by themselves, and what they do instead."""

READS = {
    "config.toml": ("runs", "compare", "resume", "config", "fold", "explore", "watch"),
    "history.jsonl": ("runs", "compare", "report", "resume", "fold", "watch"),
    "record.json": ("runs", "runs --json", "compare", "test", "report", "fold", "explore", "watch"),
    "test.json": ("runs", "test", "report", "watch"),
    "SHA256SUMS": ("runs", "predict", "resume", "fold", "explore", "watch"),
    "model.safetensors": (
        "compare",
        "predict",
        "predict --json",
        "test",
        "export",
        "report",
        "fold",
        "explore",
        "watch",
    ),
    "input.safetensors": ("predict --json", "test", "export", "fold", "explore", "watch"),
    "live": ("watch", TRAINS, "resume --watch"),
    "checkpoint": ("resume",),
    "folder": ("resume", "tensorboard"),
    "lock": ("resume", "test", "watch"),
    "test.json to be written": ("test",),
    "model.onnx": ("export",),
    "report.html": ("report",),
}
"""Which of them read a file, or write it."""

FILES = (
    "config.toml",
    "history.jsonl",
    "record.json",
    "test.json",
    "SHA256SUMS",
    "model.safetensors",
    "input.safetensors",
)


@dataclass(frozen=True)
class Case:
    """One hostile folder.

    name : what is wrong
    damage : makes it so
    reads : a key of `READS`
    base : the folder to start from
    """

    name: str
    damage: Damage
    reads: str
    base: str = "finished"
    folder: str = "run"


HUGE, LONG, DEEP = "1" + "0" * 400, "1" * 5000, "[" * 100_000
FEW = ("NaN", HUGE, "-1", '"high"', "null")
NUMBERS = ("NaN", "Infinity", "-Infinity", HUGE, LONG, "1e999", "-1", '"high"', "null", "[]", "{}", "true")
WRONG = ("null", "[]", "7")
QUOTED = '"' + ESCAPES.encode("unicode_escape").decode().replace("\\x", "\\u00") + '"'
STATE = "checkpoint/state.safetensors"


def all_cases() -> Iterator[Case]:
    """The whole table."""
    yield from _no_files()
    yield from _values()
    yield from _contents()
    yield from _models()
    yield from _checkpoints()
    yield from _live()
    yield from _links()
    yield from _escapes()


def _no_files() -> Iterator[Case]:
    """Something else under the name of each file."""
    for name in (*FILES, STATE):
        base = "unfinished" if name == STATE else "finished"
        reads = "checkpoint" if name == STATE else name
        for make in (pipe, endless, folder, dangling, circular, missing):
            yield Case(f"{name}: {make.__name__}", make(name), reads, base)
    for name in ("history.jsonl", "config.toml"):
        for make in (pipe, endless, folder, dangling):
            yield Case(f"{name} of an unfinished run: {make.__name__}", make(name), name, "unfinished")


def _values() -> Iterator[Case]:
    for name, where, literals in (
        ("record.json", "metrics.val_accuracy", (*NUMBERS, "2")),
        ("record.json", "metrics", ("", *WRONG)),
        ("record.json", "seconds", FEW),
        ("record.json", "data", ("", *WRONG)),
        ("record.json", "data.sha256", ("", *WRONG)),
        ("record.json", "data.path", ("", *WRONG, '"\\u0000"')),
        ("record.json", "data.name", ("", *WRONG, '"nothing"')),
        ("record.json", "data.kind", ('"arrays"', '"folder"', '"other"', *WRONG)),
        ("record.json", "data.label", ("", *WRONG, '"' + "x" * 1_000_000 + '"')),
        ("record.json", "config", ("", *WRONG)),
        ("record.json", "environment", ("", *WRONG)),
        ("record.json", "environment.versions", WRONG),
        ("record.json", "environment.command", WRONG),
        ("record.json", "engine", ("", *WRONG)),
        ("record.json", "examples", ("", *WRONG)),
        ("record.json", "examples.validation", ("0", "1e9", *FEW)),
        ("record.json", "parameters", FEW),
        ("record.json", "steps", FEW),
        ("record.json", "format", ("", "0", "2", *WRONG)),
        ("record.json", "seed", WRONG),
        ("history.jsonl", "epoch", ("0", "1e-300", *FEW)),
        ("history.jsonl", "step", ("0", *FEW)),
        ("history.jsonl", "seconds", FEW),
        ("history.jsonl", "val_accuracy", (*NUMBERS, "2")),
        ("history.jsonl", "loss", FEW),
        ("history.jsonl", "objective", ("", *FEW)),
        ("history.jsonl", "more", ("1",)),
    ):
        for literal in literals:
            shown = literal if len(literal) < 30 else f"{literal[:3]}... of {len(literal)} characters"
            damage = value(name, where, literal)
            yield Case(f"{name}: {where} is {shown or 'missing'}", damage, name)
    for where, literals in (
        ("accuracy", (*NUMBERS, "2")),
        ("count", ("0", *FEW)),
        ("images", FEW),
        ("loss", FEW),
        ("classes", (*WRONG, "[1, 2]", '["a"]')),
        (
            "confusion",
            (*WRONG, "[[1]]", "[[1, 2], [3]]", "[[" + HUGE + ", 1], [1, 1]]", '[["a", 1], [1, 1]]'),
        ),
    ):
        for literal in literals:
            shown = literal if len(literal) < 30 else f"{literal[:3]}... of {len(literal)} characters"
            damage = sealed_anew("test.json", TEST, where, literal)
            yield Case(f"test.json: {where} is {shown}", damage, "test.json")
    for name, literal in (
        ("hidden", f"[{HUGE}]"),
        ("hidden", "[" * 4000),
        ("hidden", "[0]"),
        ("hidden", "[1.5]"),
        ("hidden", "'x'"),
        ("hidden", "[" + "9," * 3000 + "]"),
        ("epochs", HUGE),
        ("epochs", LONG),
        ("epochs", "nan"),
        ("learning_rate", "nan"),
        ("learning_rate", "inf"),
        ("learning_rate", HUGE),
        ("seed", HUGE),
        ("seed", "-1"),
        ("momentum", "2020-01-01"),
        ("activation", QUOTED),
        ("initialisation", QUOTED),
        ("initialisation", "'1e999'"),
        ("augment", "['x=" + "9" * 5000 + "']"),
        ("augment", "[[[]]]"),
        ("batch_size", HUGE),
        ("shift", HUGE),
        ("components", HUGE),
        ("decay", "{a = {a = {}}}"),
        ("validation", HUGE),
        ("engine", "[]"),
        ("engine", QUOTED),
        ("device", "{}"),
        ("preprocessing", "[[]]"),
        ("schedule", "[]"),
    ):
        shown = literal if len(literal) < 30 else f"{literal[:3]}... of {len(literal)} characters"
        yield Case(f"config.toml: {name} is {shown}", setting(name, literal), "config.toml")


TEST = {
    "accuracy": 0.5,
    "loss": 1.0,
    "images": 4,
    "count": 1,
    "when": "",
    "classes": ["a", "b"],
    "confusion": [[1, 1], [1, 1]],
}


def _contents() -> Iterator[Case]:
    for name in ("record.json", "test.json", "history.jsonl"):
        for what, text in {
            "empty": b"",
            "null": b"null",
            "a list": b"[]",
            "not UTF-8": b"\xff\xfe\x00",
            "deep": DEEP.encode(),
            "deep objects": b'{"a":' * 50_000,
            "blanks": b" " * (1 << 23),
            "null characters": bytes(1000),
            "a long list": b"[" + b"1," * 1_000_000 + b"1]",
        }.items():
            yield Case(f"{name}: {what}", content(name, text), name)
    settings: dict[str, bytes | str] = {
        "empty": "",
        "a key of 30,000 parts": "a." * 30_000 + "a = 1",
        "not UTF-8": b"\xff\xfe",
        "a table of 4,000 parts": "[" + "a." * 4000 + "a]",
        "tables in tables": "a = " + "{a = " * 900,
        "blanks": " " * (1 << 23),
        "a table": "[hidden]\nx = 1",
        "null characters": bytes(100),
        "an unknown setting": "x = 1",
        "an unknown setting to escape": f"{QUOTED} = 1",
    }
    for what, words in settings.items():
        yield Case(f"config.toml: {what}", content("config.toml", words), "config.toml")
    for what, text in {"binary": bytes(range(256)) * 9, "long": b"x" * (1 << 20), "empty": b""}.items():
        yield Case(f"SHA256SUMS: {what}", cleared("SHA256SUMS", _written(text)), "SHA256SUMS")
    for name in ("record.json", "history.jsonl", "config.toml", "test.json", "model.safetensors", STATE):
        reads, base = ("checkpoint", "unfinished") if name == STATE else (name, "finished")
        yield Case(f"{name}: 40 GB of zeros", sparse(name, 40 << 30), reads, base)


def _written(text: bytes) -> Callable[[Path, Path], object]:
    return lambda path, outside: path.write_bytes(text)


def nothing(run: Path, outside: Path) -> None:
    """Leave the folder as it is."""


def described(layers: str, inputs: str = "64") -> str:
    """An architecture of these layers as a model's file says it."""
    return f'{{"inputs": {inputs}, "layers": [{layers}]}}'


def one_tensor(dtype: str, length: int, end: int, data: bytes = b"") -> Damage:
    """A model's file of one tensor."""
    about = f'{{"dtype": "{dtype}", "shape": [{length}], "data_offsets": [0, {end}]}}'
    return header("model.safetensors", f'{{"a": {about}}}', data)


def _models() -> Iterator[Case]:
    model, inputs = "model.safetensors", "input.safetensors"
    W, b = "layers_0_weight", "layers_1_bias"
    changes: dict[str, Any] = {
        "NaN": lambda a: a * np.float32(np.nan),
        "infinity": lambda a: a + np.float32(np.inf),
        "3e38": lambda a: np.full_like(a, 3e38),
        "float64": lambda a: a.astype(np.float64),
        "float64 of 1e300": lambda a: np.full(a.shape, 1e300),
        "float16": lambda a: a.astype(np.float16),
        "whole numbers": lambda a: a.astype(np.int32),
        "switches": lambda a: a > 0,
        "no dimension": lambda a: np.float32(1).reshape(()),
        "one more dimension": lambda a: a[None],
        "transposed": lambda a: a.T,
        "cut": lambda a: a[:-1],
        "empty": lambda a: a[:0],
        "missing": None,
    }
    for what, change in changes.items():
        yield Case(f"{model}: a weight: {what}", tensors(model, **{W: change}), model)
        if what not in ("transposed",):
            yield Case(f"{model}: a bias: {what}", tensors(model, **{b: change}), model)
        yield Case(f"{inputs}: mean: {what}", tensors(inputs, mean=change), inputs)
        yield Case(f"{inputs}: scale: {what}", tensors(inputs, scale=change), inputs)
    for what, number in {"zero": 0.0, "negative": -1.0}.items():
        yield Case(f"{inputs}: scale is {what}", tensors(inputs, scale=partial(np.multiply, number)), inputs)
    for key, texts in {
        "classes": (None, "", "[]", '["a"]', "[1, 2]", DEEP, "null", '{"a": 1}', f"[{HUGE}]", "NaN"),
        "image_shape": (
            None,
            "",
            "[]",
            "[1, 8]",
            "[1, 8, 9]",
            "[-1, -8, 8]",
            "[0, 0, 0]",
            '["1", 8, 8]',
            f"[{HUGE}, 1, 1]",
            "[1, 1, 64, 1]",
            "[64, 1, 1]",
            "[1, 1, 64]",
            "[1, 64, 1]",
            "[1.0, 8.0, 8.0]",
            DEEP,
        ),
        "architecture": (
            "",
            "null",
            "[]",
            DEEP,
            '{"inputs": 64, "layers": []}',
            '{"inputs": NaN, "layers": []}',
            described('{"kind": "linear", "units": 10}', HUGE),
            described('{"kind": "linear", "units": 1000000000000000000}'),
            described(f'{{"kind": {QUOTED}}}'),
            described('{"kind": "linear", "units": -1}'),
            described('{"kind": "linear", "units": [1]}'),
            described('{"kind": "residual", "layers": [7]}'),
            described('{"kind": "dropout", "p": NaN}'),
            described(",".join(['{"kind": "activation", "function": "relu"}'] * 10_001)),
        ),
        "format": (None, "", "fcnet-model-3", "fcnet-model-" + LONG, "fcnet-model-x"),
    }.items():
        for text in texts:
            short = "missing" if text is None else text if len(text) < 60 else f"{text[:40]}... ({len(text)})"
            yield Case(f"{model}: {key} is {short}", said(model, key, text), model)
    yield Case(f"{inputs}: takes features", said(inputs, "takes", "float32"), inputs)
    for what, damage in {
        "empty": content(model, b""),
        "a header of 2^60 bytes": content(model, b"\xff" * 8 + b"{}"),
        "no JSON": header(model, "{"),
        "a header that is a list": header(model, "[]"),
        "deep": header(model, DEEP),
        "tensors beyond its end": one_tensor("F32", 9, 36),
        "a shape of 2^70": one_tensor("F32", 2**70, 0),
        "bfloat16": one_tensor("BF16", 1, 2, b"xx"),
        "an unknown dtype": one_tensor("F1", 1, 2, b"xx"),
        "metadata that is a list": header(model, '{"__metadata__": []}'),
        "nothing inside": header(model, "{}"),
    }.items():
        yield Case(f"{model}: {what}", damage, model)


def _with_state(part: str, change: Callable[[Any], Any], found: Checkpoint) -> Checkpoint:
    """A checkpoint with other arrays under the names that begin with `part`."""
    changed = {name: change(v) if name.startswith(part) and v.ndim else v for name, v in found.state.items()}
    return structs.replace(found, state=changed)


def _checkpoints() -> Iterator[Case]:
    damages: dict[str, Any] = {
        "NaN": lambda a: a * np.nan,
        "no dimension": lambda a: np.zeros((), a.dtype),
        "cut": lambda a: a[:-1],
        "other type": lambda a: a.astype(np.int8),
        "one more dimension": lambda a: a[None],
    }
    for what, change in damages.items():
        for part in ("network.", "optimiser.", "rng"):
            if what == "NaN" and part != "network.":
                continue
            yield Case(
                f"checkpoint: {part} {what}",
                checkpoint(partial(_with_state, part, change)),
                "checkpoint",
                "unfinished",
            )
    places: dict[str, Any] = {
        "step -1": {"step": -1},
        "step 2^60": {"step": 2**60},
        "step is text": {"step": "1"},
        "seconds -1": {"seconds": -1.0},
        "evaluations 99": {"evaluations": 99},
        "evaluations -1": {"evaluations": -1},
        "state empty": {"state": {}},
        "architecture": {"architecture": DEEP},
        "history null": {"history": None},
        "losses empty": {"losses": []},
        "step past the end": {"step": 10_000},
    }
    for what, changes in places.items():
        yield Case(
            f"checkpoint: {what}",
            checkpoint(partial(structs.replace, **changes)),
            "checkpoint",
            "unfinished",
        )


def _live() -> Iterator[Case]:
    """What is kept for the live page."""
    state, progress, control = "live/state.json", "live/progress.json", "live/control.json"

    def case(what: str, damage: Damage) -> Case:
        return Case(what, damage, "live", "watched")

    for name in (state, progress, control):
        for make in (pipe, endless, folder, dangling, circular, missing, linked, hard_linked):
            yield case(f"{name}: {make.__name__}", make(name))
        for what, text in {
            "empty": "",
            "null": "null",
            "deep": DEEP,
            "a long list": f"[{'1,' * 10**6}1]",
        }.items():
            yield case(f"{name}: {what}", content(name, text))
        yield case(f"{name}: 40 GB of zeros", sparse(name, 40 << 30))
    yield case("live/: linked", linked("live", "folder"))
    for make in (pipe, dangling, circular, endless):
        yield case(f"live/: {make.__name__}", make("live"))
    shapes = "[1, 8]", "[0, 8, 8]", f"[{HUGE}, 1, 1]", "[1, 1, 9]", "[1000000, 1000000, 8]"
    measured = '[{"step": 1, "gradients": {"W1": 1e999}, "dead": []}]'
    frames = (f'[{{"step": 1, "weights": "{pixels}"}}]' for pixels in ("AAAA", "*"))
    seen = (f'{{"confusion": [[{count}]], "mistakes": []}}' for count in (1, -1))
    for name, where, literals in (
        (state, "command", ('"rm"', *WRONG)),
        (state, "classes", (f"[{QUOTED}]", "[1]", '["a"]', "[]", *WRONG)),
        (state, "shape", (*shapes, *WRONG)),
        (state, "rows", ("[]", "[7]", '[{"step": NaN}]', *WRONG)),
        (state, "measured", ("[]", measured, *WRONG)),
        (state, "frames", ("[]", *frames, *WRONG)),
        (state, "seen", (*seen, "[]", "7")),
        (progress, "step", ("0", "10000", *FEW)),
        (progress, "total", ("0", *FEW)),
        (progress, "left", FEW),
        (progress, "loss", FEW),
        (progress, "paused", ("true", "1", *WRONG)),
        (control, "wish", ('"pause"', '"stop"', QUOTED, *WRONG)),
    ):  # fmt: skip
        for literal in literals:
            shown = literal if len(literal) < 60 else f"{literal[:3]}... of {len(literal)} characters"
            yield case(f"{name}: {where} is {shown}", value(name, where, literal))


WRITTEN = {"test.json": "test.json to be written", "model.onnx": "model.onnx", "report.html": "report.html"}
"""What commands write into a finished run, and which."""


def _links() -> Iterator[Case]:
    for base in ("finished", "unfinished"):
        for make in (linked, dangling, hard_linked, pipe, folder, endless, circular):
            yield Case(f".lock of a run, {base}: {make.__name__}", make(".lock"), "lock", base)
        for name in ("checkpoint", "initial", "tensorboard"):
            yield Case(f"{name}/ of a run, {base}: linked", linked(name, "folder"), "folder", base)
            yield Case(f"{name}/ of a run, {base}: pipe", pipe(name), "folder", base)
            yield Case(f"{name}/ of a run, {base}: dangling", dangling(name), "folder", base)
        for name in (".history.jsonl.tmp-1-00000000", ".record.json.tmp-1-00000000"):
            for make in (linked, folder, pipe, hard_linked):
                yield Case(f"{name}, {base}: {make.__name__}", make(name), "folder", base)
    for make in (linked, hard_linked, dangling):
        for name, reads in WRITTEN.items():
            yield Case(f"{name}, to be written: {make.__name__}", make(name), reads)
        for name in ("history.jsonl", "SHA256SUMS", "model.safetensors", STATE):
            yield Case(
                f"{name}, to be written by a training: {make.__name__}",
                make(name),
                "checkpoint",
                "unfinished",
            )
    yield Case("1,500 folders in folders", deep, "record.json")


def _escapes() -> Iterator[Case]:
    for where in (
        "data.label",
        "data.name",
        "data.path",
        "data.sha256",
        "environment.commit",
        "environment.system",
    ):
        yield Case(f"record.json: {where} to escape", value("record.json", where, QUOTED), "record.json")
    classes = "[" + ", ".join([QUOTED] * 10) + "]"
    yield Case(
        "model.safetensors: classes to escape",
        said("model.safetensors", "classes", classes),
        "model.safetensors",
    )
    yield Case(
        "test.json: classes to escape",
        sealed_anew("test.json", TEST, "classes", f"[{QUOTED}, {QUOTED}]"),
        "test.json",
    )
    for name in ("record.json", "model.safetensors", "config.toml", "history.jsonl", "folder"):
        base = "unfinished" if name == "history.jsonl" else "finished"
        yield Case(
            f"a folder whose name is to escape: {name}",
            lambda run, outside: None,
            name,
            base,
            f"r{ESCAPES}".replace("/", ""),
        )
    for name in ("record.json", "history.jsonl", "model.safetensors", "config.toml"):
        yield Case(
            f"a folder whose name is to escape, without {name}",
            missing(name),
            name,
            "finished",
            f"r{ESCAPES}",
        )


CASES = tuple(all_cases())
