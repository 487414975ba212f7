"""`fcnet doctor` helps on a machine where nothing is in order, and says what to do."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from fcnet.data.datasets import DATASETS
from fcnet.doctor import CHECKS, arithmetic, examine, storage, surroundings
from fcnet.doctor.finding import Finding
from fcnet.errors import DataError, MissingExtraError
from fcnet.judge.isolation import not_held, what_is_held
from fcnet.net import libraries, mkl, onednn
from in_library import choose_anew, using

from .conftest import Result

Run = Callable[[str], Result]

PYTORCH = next(check for check in CHECKS if check.__name__ == "pytorch")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch is asked in one test alone: it takes seconds to start."""
    monkeypatch.setattr("fcnet.doctor.CHECKS", [check for check in CHECKS if check is not PYTORCH])


def of(findings: list[Finding], name: str) -> Finding:
    return next(one for one in findings if one.name == name)


def test_it_fits_into_80_columns_and_ends_with_a_count(fcnet: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FCNET_X", "words " * 50)
    result = fcnet("doctor")
    assert (result.status, result.err) == (0, [])
    assert max(map(len, result.out)) <= 80
    assert result.out[-1].startswith("0 problems, ")
    for name in ("Python", "NumPy", "products", "CIFAR-10", "Fashion-MNIST", "sandbox", "cache"):
        assert any(line[9:].startswith(f"{name} ") for line in result.out)


def test_json_says_the_same(fcnet: Run) -> None:
    found = json.loads("\n".join(fcnet("doctor --json").out))
    assert {"name", "status", "found", "advice"} == set(found[0])
    assert {one["status"] for one in found} <= {"ok", "note", "problem"}
    assert {"Python", "fcnet", "machine", "NumPy", "packages", "run folders"} <= {
        one["name"] for one in found
    }
    assert all(one["advice"] for one in found if one["status"] == "problem")


def test_a_check_that_fails_is_a_line(home: Path) -> None:
    def broken_check() -> list[Finding]:
        raise ZeroDivisionError("of mine")

    def ends() -> list[Finding]:
        raise SystemExit(3)

    found = examine([broken_check, surroundings.python, ends])
    assert found[0] == Finding("broken check", "problem", "the check failed: ZeroDivisionError: of mine")
    assert [one.name for one in found] == ["broken check", "Python", "fcnet", "ends"]


BROKEN = {
    "no home": {"HOME": "/nonexistent"},
    "no temporary folder": {"TMPDIR": "/nonexistent"},
    "an unknown user": {"FCNET_CACHE": "~nobody-here/cache"},
    "a cache that is a file": {"FCNET_CACHE": "/dev/null"},
    "data that are not there": {"FCNET_DATA": "/nonexistent"},
    "ASCII": {"PYTHONIOENCODING": "ascii", "FCNET_X": "\u2713 \x1b[31m"},
    "no variables at all": {},
}


@pytest.mark.parametrize("environment", BROKEN.values(), ids=BROKEN)
def test_it_works_on_a_broken_machine(environment: dict[str, str], tmp_path: Path) -> None:
    absent = Path(__file__).parents[1] / "without.py"
    command = [sys.executable, str(absent), "torch,sklearn,scipy,matplotlib,PIL,optuna,onnx,jinja2"]
    given = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} | environment
    done = subprocess.run(
        command, input='[["doctor"]]', env=given, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    ((status, out, err),) = json.loads(done.stdout)
    assert (status, err) == (0, [])
    assert max(map(len, out)) <= 80
    text = " ".join(" ".join(out).split())
    assert "pip install 'fcnet[torch]'" in text or "PyTorch" not in text
    assert "reading pictures needs Pillow: pip install 'fcnet[images]'" in text
    assert "Traceback" not in text


def test_a_user_without_an_entry_and_a_home_is_told_about_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*names: str) -> str:
        raise RuntimeError("no home")

    monkeypatch.delenv("FCNET_CACHE", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_dir", unknown)
    (found,) = [one for one in examine([storage.cache]) if one.status == "problem"]
    assert "set FCNET_CACHE to a folder" in found.found


def test_a_password_in_a_variable_is_not_shown(fcnet: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FCNET_STUDIES", "postgresql://me:SECRET@host/studies")
    out = "".join(line.strip() for line in fcnet("doctor").out)
    assert "FCNET_STUDIES=postgresql://me@host/studies" in out.replace(" ", "")
    assert "SECRET" not in out


# Each thing that is missing or slow is noticed


def test_more_threads_than_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    for library, variable in (("NumPy's", "OPENBLAS_NUM_THREADS"), ("MKL", "MKL_NUM_THREADS")):
        with using(library):
            monkeypatch.setattr(type(libraries.chosen()), "threads", lambda self: 1000)
            found = of(list(arithmetic.products()), "threads")
        assert found.status == "note"
        assert f"{variable}={arithmetic.processors()}" in found.advice


@pytest.mark.parametrize("library", ["NumPy's", "MKL"])
def test_fewer_threads_than_processors(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable can be unset; without one, the library has its reason, such as two threads a core."""
    monkeypatch.setattr(arithmetic, "processors", lambda: 1000)
    for name in libraries.THREAD_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with using(library):
        assert of(list(arithmetic.products()), "threads").status == "ok"
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        found = of(list(arithmetic.products()), "threads")
    assert found.status == "note"
    assert found.advice == "large networks are faster with more, unset OMP_NUM_THREADS"


def test_another_blas(monkeypatch: pytest.MonkeyPatch) -> None:
    with using("SciPy's"):
        (found,) = arithmetic.products()
    assert (found.name, found.status, found.found) == ("products", "note", "SciPy's BLAS")


@pytest.mark.parametrize(
    ("library", "words"),
    [("NumPy's", "NumPy's OpenBLAS, called directly: OpenBLAS "), ("MKL", "Intel's MKL, called directly: ")],
)
def test_the_library_is_named_with_its_version(library: str, words: str) -> None:
    with using(library):
        found = of(list(arithmetic.products()), "products")
    assert found.status == "ok"
    assert found.found.startswith(words)
    assert re.search(r"\d+\.\d+", found.found)


def test_a_library_that_nobody_knows_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    with using("NumPy's"):
        monkeypatch.setenv("FCNET_BLAS", "mlk")
        choose_anew()
        (found,) = arithmetic.products()
    assert (found.status, found.advice) == ("problem", "or unset FCNET_BLAS")
    assert found.found == "FCNET_BLAS is 'mlk', choose from 'numpy', 'mkl' (did you mean 'mkl'?)"


@pytest.mark.parametrize(
    ("installed", "faster", "asked", "expected"),
    [
        (False, True, None, "pip install 'fcnet[mkl]'"),
        (False, False, None, None),
        (True, True, None, "FCNET_BLAS=mkl uses it"),
        (True, False, None, "FCNET_BLAS=mkl uses it"),
        (True, False, "numpy", None),
    ],
)
def test_mkl_is_mentioned_where_something_can_be_done(
    installed: bool, faster: bool, asked: str | None, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mkl, "file", lambda: Path("libmkl_rt.so.3") if installed else None)
    monkeypatch.setattr(mkl, "library", lambda: None)
    monkeypatch.setattr(mkl, "faster_here", lambda: faster)
    monkeypatch.delenv("FCNET_BLAS", raising=False)
    if asked:
        monkeypatch.setenv("FCNET_BLAS", asked)
    found = list(arithmetic.mkl())
    assert len(found) == (expected is not None)
    assert all(one.status == "note" and str(expected) in one.advice for one in found)


def test_an_mkl_that_cannot_be_loaded_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mkl, "file", lambda: Path("libmkl_rt.so.3"))
    monkeypatch.setattr(mkl, "library", Mock(side_effect=DataError("cannot be loaded")))
    assert list(arithmetic.mkl()) == [Finding("MKL", "note", "cannot be loaded")]


@pytest.mark.parametrize(
    ("hardware", "expected"),
    [
        ("AMX", ("ok", "3.2.0, bfloat16 in hardware, AMX")),
        ("", ("ok", "3.2.0, this processor has no bfloat16")),
        (
            "AVX512-BF16",
            (
                "note",
                "3.2.0, bfloat16 in hardware, AVX512-BF16",
                "without AMX, products in float32 are faster",
            ),
        ),
    ],
)
def test_bfloat16_in_the_hardware_and_not(
    hardware: str, expected: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onednn, "version", lambda: "3.2.0")
    monkeypatch.setattr(onednn, "hardware", lambda: hardware)
    assert list(arithmetic.bfloat16()) == [Finding("oneDNN", *expected)]


def test_a_missing_and_a_broken_onednn_are_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    for error in (MissingExtraError("not shown"), DataError("cannot be loaded")):
        monkeypatch.setattr(onednn, "version", Mock(side_effect=error))
        (found,) = arithmetic.bfloat16()
        assert (found.name, found.status) == ("oneDNN", "note")
        assert "pip install 'fcnet[bfloat16]'" in found.advice or found.found == "cannot be loaded"


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(surroundings, "_problem_with", lambda folder: "not writable (Read-only file system)")
    found = list(surroundings.places())
    assert [one.status for one in found] == ["problem"] * 3
    assert "--out" in of(found, "run folders").advice
    assert "FCNET_CACHE" in of(found, "cache folder").advice


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    assert "not writable" in surroundings._problem_with(tmp_path / "gone")
    assert surroundings._problem_with(tmp_path) == ""
    assert list(tmp_path.iterdir()) == []


def test_a_pytorch_that_crashes_or_hangs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    fake = tmp_path / "torch.py"
    monkeypatch.syspath_prepend(str(tmp_path))
    for program, words in (
        ("import os; os.abort()", "it ended with status -6"),
        ("raise OSError('libcudart.so: not found')", "libcudart.so: not found"),
        ("import time; time.sleep(60)", "does not answer"),
    ):
        fake.write_text(program)
        monkeypatch.setattr(arithmetic, "PATIENCE", 2.0 if "sleep" in program else 60.0)
        (found,) = PYTORCH()
        assert found.status == "problem"
        assert words in found.found
        assert found.advice


@pytest.mark.slow
def test_the_pytorch_that_is_there() -> None:
    pytest.importorskip("torch")
    found = list(PYTORCH())
    assert found[0].name == "PyTorch"
    assert found[0].status in ("ok", "note")
    assert "device " in found[0].found


@pytest.mark.parametrize(
    ("held", "status", "words"),
    [
        (("memory", "files", "network", "processes"), "ok", "restricted: memory, files, network, processes"),
        (("memory", "processes"), "note", "not restricted: files, network"),
        ((), "note", "not restricted: memory, files, network, processes"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has Landlock")
def test_a_kernel_without_protection(
    held: tuple[str, ...], status: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fcnet.judge.isolation.what_is_held", lambda isolation: held)
    (found,) = surroundings.sandbox()
    assert found.status == status
    assert found.found.endswith(f"; {words}")
    assert bool(found.advice) == (status == "note")


def test_what_is_held_is_asked_of_a_process_as_a_grading_asks_it() -> None:
    (found,) = surroundings.sandbox()
    held = what_is_held("auto")
    assert found.status == ("note" if not_held(held) else "ok")


# Data sets


def test_a_data_set_that_is_missing_names_the_command(home: Path) -> None:
    found = list(storage.data_sets())
    assert [one.name for one in found] == [about.title for about in DATASETS.values() if about.files]
    assert "fcnet data fetch --name mnist" in of(found, "MNIST").advice
    assert of(found, "CIFAR-10").advice == "fetch it with: fcnet data fetch"


def test_a_copy_with_other_files_is_noticed_by_its_hashes(home: Path) -> None:
    about = DATASETS["cifar100"]
    folder = home / "data" / about.folder
    folder.mkdir(parents=True)
    for name in about.files:
        (folder / name).write_bytes(b"other")
    assert "--verify" in of(list(storage.data_sets()), "CIFAR-100").found
    found = of(list(storage.data_sets(verify=True)), "CIFAR-100")
    assert found.status == "note"
    assert f"{len(about.files)} of {len(about.files)} files are not the published ones" in found.found


@pytest.mark.parametrize("verify", [False, True])
def test_an_archive_of_another_size_is_noticed(verify: bool, home: Path) -> None:
    archive = DATASETS["cifar10"].archive
    assert archive is not None
    (home / "data").mkdir()
    (home / "data" / archive.name).write_bytes(b"other")
    found = of(list(storage.data_sets(verify)), "CIFAR-10")
    assert found.status == "problem"
    assert "instead of" in found.found
