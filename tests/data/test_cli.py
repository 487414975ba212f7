"""`fcnet data`: what it prints, on a terminal and elsewhere."""

from __future__ import annotations

import io
import shutil
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from fcnet.cli import data as cli
from fcnet.cli.commands import parse
from fcnet.cli.data import Fetch, Info, Verify
from fcnet.cli.progress import showing
from fcnet.errors import DataError

from .conftest import ARCHIVE, FOLDER, Server, Small, write_folder


@pytest.fixture(autouse=True)
def wide_and_small(small_known: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands work on the small edition; wide output, so that nothing wraps."""
    monkeypatch.setenv("COLUMNS", "200")


def test_fetch_verify_info(
    server: Server, small: Small, own_world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert Info().run() == 1
    assert "no CIFAR-10 yet; fetch it with: fcnet data fetch" in capsys.readouterr().out
    assert Fetch(source=server.url("honest")).run() == 0
    captured = capsys.readouterr()
    assert "20 train, 4 test" in captured.out
    assert "0.1 of 0.1 MB" in captured.err
    assert Fetch(source=server.url("honest")).run() == 0
    assert f"already there: {own_world / FOLDER}" in capsys.readouterr().out
    assert len(server.requests) == 1
    assert Verify(official=True).run() == 0
    out = capsys.readouterr().out
    assert out.count(" yes") == 8
    assert "kept images: intact" in out
    assert Info().run() == 0
    assert str(own_world / FOLDER) in capsys.readouterr().out


def test_fetch_goes_where_it_is_told(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Fetch(tmp_path / "option", server.url("honest")).run()
    monkeypatch.setenv("FCNET_DATA", str(tmp_path / "variable"))
    Fetch(source=server.url("honest")).run()
    assert (tmp_path / "option" / FOLDER).is_dir()
    assert (tmp_path / "variable" / FOLDER).is_dir()


def test_an_archive_that_lies_there_is_unpacked(small: Small, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / ARCHIVE).write_bytes(small.archive)
    assert Fetch(tmp_path / "here", source="http://nowhere.invalid/x").run() == 0
    assert (tmp_path / "here" / FOLDER).is_dir()
    assert (tmp_path / "here" / ARCHIVE).is_file()  # the user's own, so it stays


def test_only_an_official_copy_elsewhere_makes_fetching_needless(
    server: Server, own_world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(Path("data"), "jpg", seed=40)
    Fetch(source=server.url("honest")).run()
    assert (own_world / FOLDER).is_dir()
    shutil.rmtree(own_world)
    shutil.rmtree("data")
    write_folder(Path("data"))
    Fetch(source=server.url("404")).run()
    assert f"already there: data/{FOLDER}" in capsys.readouterr().out


def test_a_copy_is_told_from_the_official_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_folder(tmp_path / "copy", "jpg", seed=40)
    assert Verify(tmp_path / "copy").run() == 0
    assert "CIFAR-10 (JPEG copy)" in capsys.readouterr().out
    with pytest.raises(DataError, match=r"is not official \(JPEG copy\), name an official"):
        Verify(tmp_path / "copy", official=True).run()


def test_every_byte_of_an_archive_is_verified(small: Small, own_world: Path, tmp_path: Path) -> None:
    archive = tmp_path / ARCHIVE
    archive.write_bytes(small.archive)
    assert Verify(archive).run() == 0
    archive.write_bytes(small.archive[:-1] + bytes([small.archive[-1] ^ 1]))
    with pytest.raises(DataError, match=f"{archive} is not the published archive: its sha256 is"):
        Verify(archive).run()


def test_lines_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    text = io.StringIO()
    with showing("bytes", Console(file=text)) as progress:
        for second in range(21):
            now[0] = 100.0 + second
            progress("[bold]host", second * 1_000_000, 100_000_000)
    lines = text.getvalue().splitlines()
    assert lines[0] == "[bold]host: 5.0 of 100.0 MB, 1.00 MB/s, 95 s left"
    assert len(lines) == 4
    assert "\x1b" not in text.getvalue()


def test_a_bar_on_a_terminal() -> None:
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=120, color_system=None)
    with showing("bytes", console) as progress:
        progress("[bold]mirror", 0, 170_498_071)
        print("[bold]mirror: only 0.06 MB/s", file=sys.stderr)  # as logging does
        progress("example.org", 85_000_000, 170_498_071)
    assert "[bold]mirror: only 0.06 MB/s" in text.getvalue()
    assert "85.0/170.5 MB" in text.getvalue()
    assert "example.org" in text.getvalue()


@pytest.mark.parametrize("command", [cli.Fetch, cli.Verify, cli.Info])
def test_each_help_shows_an_example_that_parses(command: type[Fetch | Verify | Info]) -> None:
    _, _, example = (command.__doc__ or "").partition("Example: fcnet data ")
    assert example.split()[0] == command.__name__.lower()
    assert parse(["data", *example.split()]) == command()
