"""The page's modules as one script, what is embedded, and the command."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fcnet.cli import main
from fcnet.data.dataset import Dataset, Origin, Part
from fcnet.explore.equations import steps, symbols
from fcnet.explore.write import PAGE
from fcnet.live.server import PAGE as LIVE
from fcnet.runs.training import train_run
from fcnet.web.bundle import IMPORT, SHARED, embedded, script
from trainings import small

TYPES = {
    "compilerOptions": {
        "allowJs": True, "checkJs": True, "noEmit": True, "strict": True, "target": "ES2022",
        "module": "ES2022", "lib": ["ES2023", "DOM", "DOM.Iterable"],
    },
    "include": [str(folder / "*.js") for folder in (SHARED, PAGE, LIVE)],
}  # fmt: skip


@pytest.mark.skipif(
    shutil.which("tsc") is None, reason="no TypeScript on this machine (npm install typescript)"
)
def test_types(tmp_path: Path) -> None:
    (tmp_path / "tsconfig.json").write_text(json.dumps(TYPES))
    done = subprocess.run(["tsc", "-p", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("folder", [PAGE, LIVE])
def test_every_module_is_in_the_script_once_and_after_what_it_needs(folder: Path) -> None:
    text = script(folder)
    assert not re.search(r"^(import|export) ", text, re.MULTILINE)
    order = re.findall(r'^modules\["(.*)"\] = ', text, re.MULTILINE)
    paths = [*folder.glob("*.js"), *SHARED.glob("*.js")]
    assert sorted(order) == sorted(path.name for path in paths)
    for path in paths:
        needed = [Path(one).name for _, one in IMPORT.findall(path.read_text())]
        assert all(order.index(one) < order.index(path.name) for one in needed)


def test_modules_are_to_be_read() -> None:
    for path in [*PAGE.iterdir(), *LIVE.iterdir(), *SHARED.glob("*.js"), *SHARED.glob("*.css")]:
        lines = path.read_text().splitlines()
        assert len(lines) <= 300, path.name
        assert max(map(len, lines)) <= 110, path.name


def test_nothing_embedded_can_end_its_script() -> None:
    data = {"name": "</script><script>alert(1)</script><!--", "line": "\u2028\u2029"}
    assert "<" not in embedded(data)
    assert embedded(data).isascii()
    assert json.loads(embedded(data)) == data


def test_every_step_reads_what_is_known_by_then() -> None:
    known = {"X", "y", "N", "K", "reg", "example", "W1", "b1", "W2", "b2"}
    for step in steps():
        assert set(step["reads"]) <= known
        known.add(step["name"])
    assert {step["name"] for step in steps()} - {"update"} <= symbols().keys()


@pytest.fixture
def fcnet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], Any]:
    """Runs a command in an empty folder without network; gives its status, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FCNET_OFFLINE", "1")
    monkeypatch.setenv("FCNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FCNET_DATA", raising=False)

    def run(arguments: str) -> Any:
        status = main(arguments.split())
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_the_example_in_the_help_works(fcnet: Any, tmp_path: Path) -> None:
    status, out, err = fcnet("explore --out explore.html")
    assert (status, out, err) == (0, "wrote explore.html, open it in a browser\n", "")
    assert (tmp_path / "explore.html").read_text().startswith("<!DOCTYPE html>")


def test_a_run_of_digits(fcnet: Any, tmp_path: Path, digits: Dataset) -> None:
    train_run(small(), digits, tmp_path / "run")
    status, _, err = fcnet("explore run")
    assert (status, err) == (0, "")
    assert '"pictures":[{' in (tmp_path / "explore.html").read_text()


def refused(result: Any, *words: str) -> None:
    status, _, err = result
    assert status == 2
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    for word in words:
        assert word in err


def test_what_cannot_be_shown_is_one_line(fcnet: Any, tmp_path: Path, digits: Dataset) -> None:
    run = tmp_path / "run"
    train_run(small(hidden=(30,)), digits, run)
    refused(fcnet("explore nowhere"), "nowhere", "is missing")
    refused(fcnet("explore run --megabytes 0.21"), "2,220 weights", "--megabytes")
    refused(fcnet("explore run --megabytes -1"), "--megabytes is -1")
    refused(fcnet("explore --out run/config.toml/page.html"), "cannot write")


def test_a_cut_run_and_one_of_another_version(fcnet: Any, tmp_path: Path, digits: Dataset) -> None:
    run = tmp_path / "run"
    train_run(small(), digits, run)
    whole = (run / "model.safetensors").read_bytes()
    (run / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    refused(fcnet("explore run"), "model.safetensors")
    (run / "model.safetensors").write_bytes(whole)
    record = json.loads((run / "record.json").read_text())
    (run / "record.json").write_text(json.dumps(record | {"format": 999}))
    refused(fcnet("explore run"), "newer version")
    (run / "record.json").unlink()
    refused(fcnet("explore run"), "record.json", "finished run")
    assert not (tmp_path / "explore.html").exists()


def test_a_run_on_rows_is_told_apart(fcnet: Any, tmp_path: Path, digits: Dataset) -> None:
    rows = digits.train.images.astype("float32")
    part = Part(rows, digits.train.labels)
    origin = Origin("rows.npz", "0" * 64, None)
    train_run(small(), Dataset("rows", part, part, digits.classes, (1, 1, 64), origin), tmp_path / "run")
    refused(fcnet("explore run"), "rows of numbers")
