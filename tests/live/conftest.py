"""A server of the live page in this process, and some runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fcnet.data.dataset import Dataset
from fcnet.live.reading import Watched
from fcnet.live.server import PageServer
from fcnet.runs import observer
from fcnet.runs.observer import Observer
from fcnet.runs.training import train_run
from fcnet.train.callbacks import Callback, Callbacks
from tab import Tab
from trainings import small

Serve = Callable[..., PageServer]


def train(folder: Path, data: Dataset, *others: Callback, **settings: Any) -> None:
    """A watched training, all of whose evaluations are measured."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(observer, "SHARE", 1e9)
        callback = Callbacks(Observer(folder, data, "train"), *others)
        train_run(small(**settings), data, folder, resume=True, callback=callback)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, digits: Dataset) -> Path:
    """A folder with two finished runs, only the first of them watched; read only."""
    folder = tmp_path_factory.mktemp("finished")
    train(folder / "first", digits, hidden=(24, 12))
    train_run(small(seed=1), digits, folder / "second")
    return folder


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Serves folders: `serve(folder, port=0)`."""
    monkeypatch.setattr("fcnet.live.reading.SECONDS_BETWEEN_SEARCHES", 0.0)
    servers: list[PageServer] = []

    def start(*folders: Path, **options: Any) -> PageServer:
        server = PageServer(Watched(folders), **options)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


Opener = Callable[..., Any]


@pytest.fixture
def opened(tab: Tab) -> Iterator[Opener]:
    """Opens a page, one at a time, where nothing may be said on the console and nothing be asked of others.

    `opened(address, width=1280, scheme="light", gone=False)`; with `gone` the server may be away or refuse.
    """
    said: list[str] = []

    def open_page(address: str, width: int = 1280, scheme: str = "light", gone: bool = False) -> Any:
        own = (address.partition("#")[0], "data:")

        def noted(text: str) -> None:
            if not (gone and text.startswith("Failed to load resource")):
                said.append(text)

        def asked(url: str) -> None:
            if not url.startswith(own):
                said.append(url)

        return tab.open(address, noted, asked, width, scheme, offline=False)

    yield open_page
    tab.leave()
    assert said == []
