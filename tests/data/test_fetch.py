"""Fetching from a real server on loopback that is slow, broken, silent, lying or gone."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from fcnet.data.download import (
    Download,
    Pace,
    Source,
    UnavailableError,
)
from fcnet.data.fetch import fetch
from fcnet.data.transfer import address_of, any_reachable
from fcnet.errors import DataError

from .conftest import ARCHIVE, CIFAR10, FOLDER, MEMBERS, Behaviour, Handler, Server, Small, honest, truncates

SOURCES = CIFAR10.remotes[0].sources

PACE = Pace(minimum=200_000, window=0.3, timeout=0.5, retries=2, pause=0.02, probe=2.0)
"""A fast fetch of 80 kB takes milliseconds; the dripping ones give 50 and 25 kB/s."""


def get(server: Server, small: Small, parent: Path, paths: Sequence[str], pace: Pace = PACE) -> list[int]:
    """Fetch from `paths` in order, require the official files and nothing else; returns how much was told."""
    told: list[int] = []
    urls = [server.url(path) for path in paths]
    folder = fetch(small.at(*urls), parent, pace=pace, progress=lambda host, done, total: told.append(done))
    assert folder == parent / FOLDER
    assert {p.name for p in folder.iterdir()} == set(MEMBERS)
    assert (folder / "test_batch").read_bytes() == (small.folder / "test_batch").read_bytes()
    assert [p.name for p in parent.iterdir() if not p.name.endswith(".lock")] == [FOLDER]
    return told


def test_one_good_source(server: Server, small: Small, tmp_path: Path) -> None:
    told = get(server, small, tmp_path / "new" / "cache", ["honest"])
    assert told[-1] == len(small.archive)
    assert [request.range for request in server.requests] == [None]


def test_files_of_another_copy_are_noticed_before_a_byte_is_fetched(
    server: Server, small: Small, tmp_path: Path
) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "test_batch").write_bytes(b"mine")
    with pytest.raises(DataError, match=r"test_batch is there and is not the published file, move .* away"):
        fetch(small.at(server.url("honest")), tmp_path, pace=PACE)
    assert server.requests == []
    assert (tmp_path / FOLDER / "test_batch").read_bytes() == b"mine"


def test_a_copy_that_is_there_is_not_fetched(server: Server, small: Small, tmp_path: Path) -> None:
    get(server, small, tmp_path / "cache", ["honest"])
    get(server, small, tmp_path / "cache", ["honest"])
    assert len(server.requests) == 1


def test_a_slow_source_is_left_and_its_bytes_are_kept(
    server: Server, small: Small, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    get(server, small, tmp_path / "cache", ["drips", "honest"])
    (slow,), (good,) = server.asked("drips"), server.asked("honest")
    assert good.range is not None
    start = int(good.range.removeprefix("bytes=").removesuffix("-"))
    assert 0 < start <= slow.sent < len(small.archive) / 2
    assert good.sent == len(small.archive) - start
    assert "only 0.0" in caplog.text


@pytest.mark.slow
def test_without_a_faster_source_the_fastest_is_used_to_the_end(
    server: Server, small: Small, tmp_path: Path
) -> None:
    server.content = small.archive
    get(server, small, tmp_path / "cache", ["drips-less", "drips", "404", "drips-less"])
    order = [request.path for request in server.requests]
    assert order == ["drips-less", "drips", "404", "drips-less", "drips"]


@pytest.mark.slow
def test_a_single_slow_source_is_not_left(server: Server, small: Small, tmp_path: Path) -> None:
    get(server, small, tmp_path / "cache", ["drips"], Pace(minimum=1e9, window=0.05, probe=2.0))
    assert len(server.requests) == 1


def test_a_truncating_source_is_resumed(server: Server, small: Small, tmp_path: Path) -> None:
    get(server, small, tmp_path / "cache", ["truncates"])
    ranges = [request.range for request in server.requests]
    assert ranges[:3] == [None, "bytes=20000-", "bytes=40000-"]


def test_a_source_that_breaks_off_but_is_quick_is_kept(server: Server, small: Small, tmp_path: Path) -> None:
    get(server, small, tmp_path / "cache", ["truncates", "honest"])
    assert server.asked("honest") == []


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ("404", "answered 404"),
        ("503", "answered 503"),
        ("login", "offers a file of 16 bytes"),
        ("no-length", "offers a file of unknown bytes"),
        ("corrupts", "sha256"),
        ("silent", "fell silent"),
    ],
)
def test_a_bad_source_is_left_for_the_next(
    bad: str, problem: str, server: Server, small: Small, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    get(server, small, tmp_path / "cache", [bad, "honest"])
    assert problem in caplog.text
    assert len(server.asked(bad)) == 1
    if bad == "corrupts":  # nothing of the damaged file is built upon
        assert server.asked("honest")[0].range is None


@pytest.mark.parametrize(
    "bad",
    ["404", "503", "login", "no-length", "corrupts", "wrong-start-range", "wrong-total-range", "no-range"],
)
def test_bad_sources_alone_end_in_one_line(bad: str, server: Server, small: Small, tmp_path: Path) -> None:
    part = tmp_path / f"{ARCHIVE}.part"
    if "range" in bad:
        part.write_bytes(small.archive[:1234])
    with pytest.raises(UnavailableError, match=r"could not be fetched \(127.0.0.1.*--source") as caught:
        fetch(small.at(server.url(bad)), tmp_path, pace=PACE)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / FOLDER).exists()
    assert not (tmp_path / ARCHIVE).exists()
    if "range" in bad:  # what was there before is untouched
        assert part.read_bytes() == small.archive[:1234]
    assert len(server.requests) == (3 if bad == "503" else 1)


def test_a_busy_source_is_asked_again(server: Server, small: Small, tmp_path: Path) -> None:
    get(server, small, tmp_path / "cache", ["busy-first"])
    assert len(server.requests) == 3


@pytest.mark.parametrize("path", ["honest", "ignores-range", "too-much"])
def test_a_partial_file_is_continued(path: str, server: Server, small: Small, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / f"{ARCHIVE}.part").write_bytes(small.archive[:30_000])
    told = get(server, small, tmp_path / "cache", [path])
    (request,) = server.requests
    assert request.range == "bytes=30000-"
    assert min(told) == 30_000


def test_a_complete_partial_file_needs_no_byte(server: Server, small: Small, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / f"{ARCHIVE}.part").write_bytes(small.archive)
    get(server, small, tmp_path / "cache", ["honest"])
    assert server.requests == []


@pytest.mark.parametrize("length", [10_000, None, 200_000])
def test_a_damaged_partial_file_is_thrown_away(
    length: int | None, server: Server, small: Small, tmp_path: Path
) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / f"{ARCHIVE}.part").write_bytes(bytes(length or len(small.archive)))
    get(server, small, tmp_path / "cache", ["honest"])
    assert server.requests[-1].range is None


def test_a_slow_liar_spoils_neither_the_file_nor_an_honest_source(
    server: Server, small: Small, tmp_path: Path
) -> None:
    get(server, small, tmp_path / "cache", ["drips-garbage", "honest"])
    assert server.asked("honest")[-1].range is None


def test_flaky_sources_cannot_spoil_each_others_file_for_ever(
    server: Server, small: Small, tmp_path: Path
) -> None:
    def flaky(pause: float, garbage: bool) -> Behaviour:
        def behave(handler: Handler, content: bytes) -> None:
            if len(server.asked(handler.record.path)) % 2 == 0:
                return handler.status(503)
            time.sleep(pause)
            handler.body(handler.start(bytes(len(content)) if garbage else content)[:30_000])

        return behave

    server.behaviours |= {"liar": flaky(0.0, True), "honest-but-slower": flaky(0.1, False)}
    get(server, small, tmp_path / "cache", ["liar", "honest-but-slower"])
    assert len(server.requests) < 30


def test_after_a_spoilt_mixture_each_source_fills_a_file_of_its_own(small: Small, tmp_path: Path) -> None:
    part = tmp_path / "part"
    fast, slow = Source("http://fast/x", rate=9.0, tried=True), Source("http://slow/x", tried=True)
    (remote,) = small.published.remotes
    run = Download(remote, "CIFAR-10", part, [fast, slow], PACE)
    part.write_bytes(bytes(len(small.archive)))
    assert run.choose() == (fast, False)
    assert not run.is_intact()
    assert not part.exists()
    part.write_bytes(small.archive[:1000])
    run.owner = slow
    assert run.choose() == (slow, False)
    fast.url = offline_url()
    run.attempt(fast, False)
    assert not part.exists()


def test_a_source_that_alone_sent_a_wrong_file_is_given_up(small: Small, tmp_path: Path) -> None:
    part = tmp_path / "part"
    liar = Source("http://liar/x")
    (remote,) = small.published.remotes
    run = Download(remote, "CIFAR-10", part, [liar], PACE, owner=liar)
    part.write_bytes(bytes(len(small.archive)))
    assert not run.is_intact()
    assert (liar.gone, run.mixing) == (True, True)


def offline_url() -> str:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/{ARCHIVE}"


def test_refused_connections_end_at_once(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def waits(seconds: float) -> None:
        raise AssertionError(f"waits for {seconds} s, although nobody is there")

    monkeypatch.setattr(time, "sleep", waits)
    with pytest.raises(UnavailableError, match=r"offline: no connection to 127\.0\.0\.1"):
        fetch(small.at(offline_url(), offline_url()), tmp_path)


def test_a_resolver_that_hangs_does_not_hold_us(monkeypatch: pytest.MonkeyPatch) -> None:
    end, ended = threading.Event(), []

    def hang(address: object, timeout: float) -> socket.socket:
        end.wait(30)
        ended.append(address)
        raise OSError

    monkeypatch.setattr(socket, "create_connection", hang)
    try:
        assert not any_reachable(SOURCES, 0.2)
        assert ended == []  # it has not waited for any of them
    finally:
        end.set()


def test_a_dead_source_before_a_good_one(server: Server, small: Small, tmp_path: Path) -> None:
    urls = [offline_url(), server.url("honest")]
    assert fetch(small.at(*urls), tmp_path, pace=PACE) == tmp_path / FOLDER


def test_a_proxy_is_what_must_be_reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    assert address_of(SOURCES[0]) == ("proxy.example", 3128)


def test_fcnet_offline_forbids(server: Server, small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FCNET_OFFLINE", "1")
    with pytest.raises(UnavailableError, match="FCNET_OFFLINE is set"):
        fetch(small.at(server.url("honest")), Path("x"))
    assert server.requests == []
    assert not Path("x").exists()


class TestSource:
    def test_an_address(self, server: Server, small: Small, tmp_path: Path) -> None:
        fetch(small.at(server.url("404")), tmp_path, source=server.url("honest"))
        assert [request.path for request in server.requests] == ["honest"]

    def test_the_archive_or_its_folder(self, small: Small, tmp_path: Path) -> None:
        (tmp_path / ARCHIVE).write_bytes(small.archive)
        for k, source in enumerate([tmp_path / ARCHIVE, tmp_path]):
            assert fetch(small.published, tmp_path / str(k), source=str(source)).is_dir()
        assert (tmp_path / ARCHIVE).read_bytes() == small.archive

    def test_another_file_is_refused_unopened(self, small: Small, tmp_path: Path) -> None:
        (tmp_path / "a.tar.gz").write_bytes(small.archive[:-1] + b"x")
        with pytest.raises(DataError, match="is not the published archive: its sha256 is"):
            fetch(small.published, tmp_path / "new", source=str(tmp_path / "a.tar.gz"))
        assert not (tmp_path / "new").exists()

    @pytest.mark.parametrize(
        "source", ["ftp://host/x", "file:///etc/passwd", "nowhere.tar.gz", "http://h:x/", "http://[::1/x"]
    )
    def test_nonsense(self, source: str, small: Small, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"--source|not an address"):
            fetch(small.published, tmp_path / "new", source=source)


SCRIPT = """
import logging, resource, sys
from pathlib import Path
from dataclasses import replace
from fcnet.data.datasets import DATASETS
from fcnet.data.download import Pace
from fcnet.data.fetch import fetch
from fcnet.data.published import Remote
from fcnet.errors import FcnetError
parent, url, size, sha256, limit = sys.argv[1:]
if int(limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
try:
    about = replace(DATASETS["cifar10"], remotes=(Remote("cifar-10-python.tar.gz", int(size), sha256),))
    logging.basicConfig(stream=sys.stdout)
    fetch(replace(about, unpacked=73728), Path(parent), source=url,
          pace=Pace(probe=5.0), progress=lambda *done: print(done, flush=True))
except FcnetError as error:
    print("error:", error, flush=True)
    sys.exit(2)
"""


def start(small: Small, parent: Path, url: str, limit: int = 0) -> subprocess.Popen[str]:
    (spec,) = small.published.remotes
    arguments = [str(parent), url, str(spec.size), spec.sha256, str(limit)]
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), *arguments], stdout=subprocess.PIPE, text=True
    )


def test_killed_in_the_middle_it_goes_on_from_there(server: Server, small: Small, tmp_path: Path) -> None:
    part = tmp_path / "cache" / f"{ARCHIVE}.part"
    with start(small, tmp_path / "cache", server.url("drips")) as process:
        deadline = time.monotonic() + 10
        while not (part.exists() and part.stat().st_size > 5000) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    kept = part.read_bytes()
    assert len(kept) > 5000
    assert small.archive.startswith(kept)
    get(server, small, tmp_path / "cache", ["honest"])
    assert server.asked("honest")[0].range == f"bytes={len(kept)}-"


@pytest.mark.slow
def test_two_processes_at_once_fetch_it_once(server: Server, small: Small, tmp_path: Path) -> None:
    go = threading.Event()

    def behave(handler: Handler, content: bytes) -> None:
        go.wait(20)
        honest(handler, content)

    server.behaviours["on-signal"] = behave
    both = [start(small, tmp_path / "cache", server.url("on-signal")) for _ in range(2)]
    first_lines = [process.stdout.readline() for process in both if process.stdout]
    go.set()
    for process in both:
        process.communicate(timeout=20)
    assert [process.returncode for process in both] == [0, 0]
    assert len(server.requests) == 1
    assert sum("waiting for process" in line for line in first_lines) == 1
    get(server, small, tmp_path / "cache", ["404"])


def test_a_full_disk_is_one_line_and_keeps_what_came(server: Server, small: Small, tmp_path: Path) -> None:
    with start(small, tmp_path / "cache", server.url("honest"), limit=50_000) as process:
        last = process.communicate(timeout=20)[0].splitlines()[-1]
    assert process.returncode == 2
    assert last.startswith(f"error: no space left for {tmp_path / 'cache' / ARCHIVE}.part, free some")
    assert "0.1 MB are kept" in last
    assert (tmp_path / "cache" / f"{ARCHIVE}.part").read_bytes() == small.archive[:50_000]
    get(server, small, tmp_path / "cache", ["honest"])
    assert server.requests[-1].range == "bytes=50000-"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_device_without_space(server: Server, small: Small, tmp_path: Path) -> None:
    (tmp_path / f"{ARCHIVE}.part").symlink_to("/dev/full")
    with pytest.raises(DataError, match="no space left for"):
        fetch(small.at(server.url("honest")), tmp_path, pace=PACE)


def test_too_little_space_is_said_before_a_byte_is_fetched(
    server: Server, small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need = len(small.archive) - 10_000 + 24 * 3072
    (tmp_path / f"{ARCHIVE}.part").write_bytes(small.archive[:10_000])
    for free in (need - 1, need):
        monkeypatch.setattr(shutil, "disk_usage", lambda path, free=free: SimpleNamespace(free=free))
        if free < need:
            with pytest.raises(DataError, match=r"no space left for CIFAR-10 in .* free some or choose"):
                fetch(small.at(server.url("honest")), tmp_path, pace=PACE)
            assert server.requests == []
    fetch(small.at(server.url("honest")), tmp_path, pace=PACE)


def test_a_source_that_brings_next_to_nothing_is_given_up(
    server: Server, small: Small, tmp_path: Path
) -> None:
    server.behaviours["crumbs"] = truncates(20)
    with pytest.raises(UnavailableError, match="broke off after 60 of"):
        fetch(small.at(server.url("crumbs")), tmp_path, pace=PACE)
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://[::1", "http://.* is not an address: Invalid IPv6 URL"),
        ("http://a:b/x", "http://a:b/x is not an address: Port could not be cast"),
        ("http://me:secret@a:99999999/x", "http://a:99999999/x is not an address: Port out of range"),
        ("http:///x", "http:///x is not an address: it names no host"),
        ("ftp://me:secret@a/x", "--source ftp://a/x is neither http nor https, give such an address"),
    ],
)
def test_an_address_that_is_none_is_one_line_without_its_password(
    url: str, said: str, small: Small, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=said) as caught:
        fetch(small.published, tmp_path, source=url, pace=PACE)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_password_in_an_address_is_not_printed(server: Server, small: Small, tmp_path: Path) -> None:
    url = server.url("404").replace("http://", "http://me:secret@")
    with pytest.raises(UnavailableError) as caught:
        fetch(small.published, tmp_path, source=url, pace=PACE)
    assert "secret" not in str(caught.value)


def test_an_unwritable_folder(server: Server, small: Small, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"cannot write .*file/new.* choose another"):
        fetch(small.at(server.url("honest")), tmp_path / "file" / "new", pace=PACE)


def test_a_source_that_becomes_slow_is_left(server: Server, small: Small, tmp_path: Path) -> None:
    """What arrived quickly a window ago does not count any more."""

    def slower(handler: Handler, content: bytes) -> None:
        body = handler.start(content)
        handler.body(body[:50_000])
        for start in range(50_000, len(body), 500):
            time.sleep(0.02)
            handler.body(body[start : start + 500])

    server.behaviours["slower"] = slower
    get(server, small, tmp_path / "cache", ["slower", "honest"], Pace(1e5, window=0.2, probe=2.0))
    assert server.asked("honest")[0].range is not None


def test_the_published_sources_and_hashes() -> None:
    assert SOURCES[-1] == "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    assert all(url.startswith("https://") and url.endswith(ARCHIVE) for url in SOURCES)
