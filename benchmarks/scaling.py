"""The gain from a second worker and from a second thread, at several widths and batch sizes.

Two workers on one machine share its cores, so they compete with threads, which need no messages. What they
show is the cost of the messages: the gradient of every weight crosses between them in every step.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from itertools import cycle
from pathlib import Path

from fcnet.data.dataset import Part
from fcnet.data.minibatches import minibatches
from fcnet.errors import RunError
from fcnet.train.config import TrainConfig
from harness import Benchmark, Case, Timed
from problem import IMAGE_SHAPE, K, first_images

LEARNING_RATE = 1e-3


def cases(widths: tuple[int, ...], batches: tuple[int, ...], images: int) -> tuple[Case, ...]:
    """Every width with every batch size."""
    return tuple({"hidden": width, "batch": batch, "images": images} for width in widths for batch in batches)


BENCHMARK = Benchmark(
    name="scaling",
    question="A training step in PyTorch (float32, 3,072 pixels): what do a second thread and worker buy?",
    cases=cases((256, 1024, 4096), (200, 2000), images=20_000),
    rounds=7,
    quick_cases=cases((8,), (10,), images=40),
    baseline="one worker, one thread",
)


@BENCHMARK.contestant("one worker, one thread", needs="torch")
def one_thread(case: Case) -> Timed:
    """All of a step on one core."""
    return steps(case, threads=1)


@BENCHMARK.contestant("one worker, two threads", needs="torch")
def two_threads(case: Case) -> Timed:
    """The same on two cores, in one process."""
    return steps(case, threads=2)


@BENCHMARK.contestant("two workers, one thread each", needs="torch")
def two_workers(case: Case) -> Timed:
    """The first of two workers; the second follows it in its own process, and ends when it does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    shared = os.environ | {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    follow = [sys.executable, str(Path(__file__)), json.dumps(dict(case))]
    subprocess.Popen(follow, env=shared | {"RANK": "1", "LOCAL_RANK": "1"}, stderr=subprocess.DEVNULL)
    os.environ.update(shared | {"RANK": "0", "LOCAL_RANK": "0"})
    return steps(case, threads=1)


def steps(case: Case, threads: int) -> Timed:
    """Steps of the engine, in whatever group the environment describes."""
    import torch

    from fcnet.torch_net.engine import TorchEngine
    from fcnet.torch_net.workers import joined

    torch.set_num_threads(threads)
    config = TrainConfig(
        hidden=(case["hidden"],),
        initialisation="he",
        preprocessing="standardised",
        batch_size=case["batch"],
        momentum=0.9,
        reg=1e-4,
        engine="torch",
        device="cpu",
        precision="float32",
    )
    train = Part(*first_images(case["images"], "random")[:2])
    group = joined(config)
    workers = group.__enter__()
    engine = TorchEngine(config, train, IMAGE_SHAPE, tuple(map(str, range(K))), workers)
    batches = cycle(list(minibatches(len(train), case["batch"], engine.views, seed=0, epoch=0)))

    def timed() -> None:
        assert group is not None  # the workers stay joined as long as there are steps
        engine.step(next(batches), LEARNING_RATE)

    return timed


def follow(case: Case) -> None:
    """Do what the first worker does until it is gone."""
    timed = steps(case, threads=1)
    try:
        while True:
            timed()
    except RunError:
        pass


if __name__ == "__main__":
    follow(json.loads(sys.argv[1]))
