"""A CIFAR-10 of a few kilobytes, its archive, and a server on loopback that misbehaves on request."""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import struct
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fcnet
from fcnet.data.cifar import Cifar10
from fcnet.data.datasets import DATASETS
from fcnet.data.published import Published, Remote

CIFAR10 = DATASETS["cifar10"]
assert isinstance(CIFAR10, Cifar10)
CLASSES, FOLDER, FILES = CIFAR10.classes, CIFAR10.folder, tuple(CIFAR10.files)
BATCH_FILES = tuple(CIFAR10.batches)
MEMBERS = (*FILES, "readme.html")
ARCHIVE = "cifar-10-python.tar.gz"
ROWS = 4


def python2_pickle(value: object, core: str = "numpy.core") -> bytes:
    """Protocol 2 as Python 2 wrote it: byte strings are BINSTRING, arrays belong to `core`."""

    def write(value: object) -> bytes:
        match value:
            case bytes():
                return pickle.BINSTRING + struct.pack("<i", len(value)) + value
            case bool():
                return pickle.NEWTRUE if value else pickle.NEWFALSE
            case int():
                return pickle.BININT + struct.pack("<i", value)
            case None:
                return pickle.NONE
            case list():
                return pickle.EMPTY_LIST + pickle.MARK + b"".join(map(write, value)) + pickle.APPENDS
            case tuple():
                return pickle.MARK + b"".join(map(write, value)) + pickle.TUPLE
            case dict():
                pairs = b"".join(write(k) + write(v) for k, v in value.items())
                return pickle.EMPTY_DICT + pickle.MARK + pairs + pickle.SETITEMS
            case np.ndarray():
                named = f"c{core}.multiarray\n_reconstruct\ncnumpy\nndarray\n".encode()
                dtype = b"cnumpy\ndtype\n" + write((b"u1", 0, 1)) + pickle.REDUCE
                dtype += write((3, b"|", None, None, None, -1, -1, 0)) + pickle.BUILD
                state = (
                    pickle.MARK
                    + write(1)
                    + write(value.shape)
                    + dtype
                    + write(False)
                    + write(value.tobytes())
                )
                made = named + write((0,)) + write(b"b") + pickle.TUPLE3 + pickle.REDUCE
                return made + state + pickle.TUPLE + pickle.BUILD
            case _:
                raise TypeError(value)

    return pickle.PROTO + b"\x02" + write(value) + pickle.STOP


def batch(seed: int, rows: int = ROWS, suffix: str = "png", core: str = "numpy.core") -> bytes:
    rng = np.random.default_rng(seed)
    content = {
        b"batch_label": b"a batch",
        b"labels": rng.integers(0, 10, rows).tolist(),
        b"data": rng.integers(0, 256, (rows, 3072), np.uint8),
        b"filenames": [f"image_{seed}_{row}.{suffix}".encode() for row in range(rows)],
    }
    return python2_pickle(content, core)


def meta(classes: tuple[str, ...] = CLASSES) -> bytes:
    return python2_pickle({b"num_vis": 3072, b"label_names": [name.encode() for name in classes]})


def write_folder(parent: Path, suffix: str = "png", seed: int = 0) -> Path:
    folder = parent / FOLDER
    folder.mkdir(parents=True)
    for k, name in enumerate(BATCH_FILES):
        (folder / name).write_bytes(batch(seed + k, suffix=suffix))
    (folder / "batches.meta").write_bytes(meta())
    return folder


def tar_bytes(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), 1, mtime=0)


def member(name: str, content: bytes = b"", **attributes: Any) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in attributes.items():
        setattr(info, key, value)
    return info, content


def good_members(folder: Path) -> list[tuple[tarfile.TarInfo, bytes]]:
    contents = {name: (folder / name).read_bytes() for name in FILES} | {"readme.html": b"<p>CIFAR-10"}
    return [member(FOLDER, type=tarfile.DIRTYPE, mode=0o755)] + [
        member(f"{FOLDER}/{name}", contents[name], mode=0o6777, uid=1234) for name in MEMBERS
    ]


def remote_of(name: str, content: bytes, *sources: str) -> Remote:
    return Remote(name, len(content), hashlib.sha256(content).hexdigest(), sources)


@dataclass(frozen=True)
class Small:
    """A small edition: its folder, archive and what was published about it."""

    folder: Path
    archive: bytes
    published: Published

    def with_archive(self, archive: bytes) -> Published:
        """The edition whose archive is `archive`, however hostile, so that its hash lets it pass."""
        return replace(self.published, remotes=(remote_of(ARCHIVE, archive),))

    def at(self, *sources: str) -> Published:
        """The edition with these addresses of its archive."""
        return replace(self.published, remotes=(remote_of(ARCHIVE, self.archive, *sources),))


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    folder = write_folder(tmp_path_factory.mktemp("published"))
    md5 = {name: hashlib.md5((folder / name).read_bytes()).hexdigest() for name in FILES}
    archive = tar_bytes(good_members(folder))
    edition = replace(
        CIFAR10, files=md5, remotes=(remote_of(ARCHIVE, archive),), unpacked=ROWS * 6 * 3072, rows=ROWS
    )
    return Small(folder, archive, edition)


@pytest.fixture
def small_known(small: Small, monkeypatch: pytest.MonkeyPatch) -> Small:
    """The small edition is what `cifar10` names."""
    monkeypatch.setitem(DATASETS, "cifar10", small.published)
    return small


@pytest.fixture(autouse=True)
def own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """Every test has its own cache and working folder, and no proxy between it and loopback."""
    monkeypatch.setenv("FCNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(Path(fcnet.__file__).absolute().parents[1]))  # for child processes
    for name in ("FCNET_OFFLINE", "http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    if not request.node.get_closest_marker("cifar10"):
        monkeypatch.delenv("FCNET_DATA", raising=False)
        (tmp_path / "work").mkdir()
        monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "cache"


@dataclass
class Request:
    """What a client asked for, and how many bytes of the body it was sent."""

    path: str
    range: str | None
    sent: int = 0


Behaviour = Callable[["Handler", bytes], None]


@dataclass
class Server:
    """An HTTP server of one file; each path misbehaves in its own way."""

    content: bytes
    address: str = ""
    requests: list[Request] = field(default_factory=list)
    behaviours: dict[str, Behaviour] = field(default_factory=dict)

    def url(self, path: str) -> str:
        return f"{self.address}/{path}/{ARCHIVE}"

    def asked(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]


class Handler(BaseHTTPRequestHandler):
    """Answers with the behaviour that the first part of the path names."""

    site: Server
    request: Any
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.close_connection = True
        path = self.path.split("/")[1]
        self.record = Request(path, self.headers["Range"])
        self.site.requests.append(self.record)
        with suppress(OSError):  # the client left
            self.site.behaviours[path](self, self.site.content)

    def log_message(self, *args: object) -> None:
        pass

    def start(self, content: bytes) -> bytes:
        """Send the headers of an honest answer, with range if one was asked for; returns the body."""
        asked = self.headers["Range"]
        first = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - first))
        self.end_headers()
        return content[first:]

    def body(self, data: bytes) -> None:
        self.wfile.write(data)
        self.record.sent += len(data)

    def status(self, code: int, body: bytes = b"") -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.body(body)


def honest(handler: Handler, content: bytes) -> None:
    handler.body(handler.start(content))


def drips(size: int, pause: float) -> Behaviour:
    def behave(handler: Handler, content: bytes) -> None:
        body = handler.start(content)
        for start in range(0, len(body), size):
            handler.body(body[start : start + size])
            time.sleep(pause)

    return behave


def truncates(length: int) -> Behaviour:
    return lambda handler, content: handler.body(handler.start(content)[:length])


def silent(handler: Handler, content: bytes) -> None:
    handler.body(handler.start(content)[:1000])
    time.sleep(2)


def corrupts(handler: Handler, content: bytes) -> None:
    damaged = content[:5000] + bytes([content[5000] ^ 1]) + content[5001:]
    honest(handler, damaged)


def drips_garbage(handler: Handler, content: bytes) -> None:
    drips(1000, 0.02)(handler, bytes(len(content)))


def ignores_range(handler: Handler, content: bytes) -> None:
    handler.status(200, content)


def range_header(text: str) -> Behaviour:
    def behave(handler: Handler, content: bytes) -> None:
        handler.send_response(206)
        handler.send_header("Content-Range", text.replace("TOTAL", str(len(content))))
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.body(bytes(100))

    return behave


def sends_too_much(handler: Handler, content: bytes) -> None:
    first = int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-"))
    handler.send_response(206)
    handler.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
    handler.send_header("Content-Length", str(len(content) - first + 500))
    handler.end_headers()
    handler.body(content[first:] + bytes(500))


def answers(code: int, body: bytes = b"sorry") -> Behaviour:
    return lambda handler, content: handler.status(code, body)


def busy_first(times: int) -> Behaviour:
    def behave(handler: Handler, content: bytes) -> None:
        if len(handler.site.asked(handler.record.path)) <= times:
            handler.status(503)
        else:
            honest(handler, content)

    return behave


def no_length(handler: Handler, content: bytes) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.body(b"<p>Please log in")


BEHAVIOURS: dict[str, Behaviour] = {
    "honest": honest,
    "drips": drips(1000, 0.02),
    "drips-less": drips(500, 0.02),
    "truncates": truncates(20_000),
    "silent": silent,
    "corrupts": corrupts,
    "drips-garbage": drips_garbage,
    "ignores-range": ignores_range,
    "wrong-start-range": range_header("bytes 7-106/TOTAL"),
    "wrong-total-range": range_header("bytes 1234-1333/1000000"),
    "too-much": sends_too_much,
    "no-range": range_header("none"),
    "login": answers(200, b"<p>Please log in"),
    "no-length": no_length,
    "404": answers(404),
    "503": answers(503),
    "busy-first": busy_first(2),
}


class QuietServer(ThreadingHTTPServer):
    """Waits for no client, and prints no traceback for one that left."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@pytest.fixture
def server(small: Small) -> Iterator[Server]:
    site = Server(small.archive, behaviours=dict(BEHAVIOURS))
    httpd = QuietServer(("127.0.0.1", 0), type("SiteHandler", (Handler,), {"site": site}))
    site.address = f"http://127.0.0.1:{httpd.server_address[1]}"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield site
    httpd.shutdown()
    httpd.server_close()
    thread.join()
