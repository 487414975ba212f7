"""Programs run in this process, which forgets afterwards what they added to fcnet: a start takes long."""

from __future__ import annotations

import io
import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

from fcnet.data.augmentation import AUGMENTATIONS
from fcnet.data.datasets import DATASETS
from fcnet.net.activations import ACTIVATIONS
from fcnet.net.initialisation import INITIALISATIONS
from fcnet.net.layers import LAYERS
from fcnet.net.optimisers import OPTIMISERS
from fcnet.report.sections import RUN_SECTIONS, SECTIONS
from fcnet.train.averaging import AVERAGES
from fcnet.train.schedules import SCHEDULES

REGISTRIES: tuple[dict[str, Any], ...] = (
    ACTIVATIONS, AUGMENTATIONS, AVERAGES, DATASETS, INITIALISATIONS, LAYERS, OPTIMISERS, RUN_SECTIONS,
    SCHEDULES, SECTIONS,
)  # fmt: skip


def run(words: Sequence[str], folder: Path, variables: Mapping[str, str]) -> tuple[int, str, str]:
    """What `python` does with these words in a folder: FILE, `-m MODULE` or `-c PROGRAM`, and arguments.

    Returns the exit status, and what was printed to both streams.
    """
    how, what = (words[0], words[1]) if words[0] in ("-m", "-c") else ("", words[0])
    given = [what, *words[2:]] if how else list(words)
    out, err = io.StringIO(), io.StringIO()
    with ExitStack() as stack:
        for registry in REGISTRIES:
            stack.enter_context(patch.dict(registry))
        for context in (
            patch.dict(os.environ, variables), patch.object(sys, "argv", given), chdir(folder),
            redirect_stdout(out), redirect_stderr(err),
        ):  # fmt: skip
            stack.enter_context(context)
        status = ended(how, what)
    return status, out.getvalue(), err.getvalue()


def ended(how: str, what: str) -> int:
    """Run a program to its end; its exit status."""
    try:
        match how:
            case "-c":
                exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
            case "-m":
                place = Path(str(import_module(what).__file__)).with_name("__main__.py")
                runpy.run_path(str(place), run_name="__main__")
            case _:
                runpy.run_path(what, run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
            return 1
        return end.code or 0
    return 0
