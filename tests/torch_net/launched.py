"""Workers as torchrun starts them, but as forks of its agent, so that PyTorch is loaded once and not by each.

`python launched.py WORKERS RESTARTS '[["gradients", "PREFIX"], ["train", ...], ...]'`; see `together.py`.
tests/live/test_commands.py has torchrun itself.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import torch._dynamo  # noqa: F401 - DistributedDataParallel needs it
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

sys.path.insert(0, str(Path(__file__).parents[1]))

from torch_net import together


def work(tasks: list[list[str]]) -> None:
    """What each worker does; its process is noted, so that a test can kill it."""
    rank, done = os.environ["RANK"], Path("done")
    Path(f"worker-{rank}.pid").write_text(str(os.getpid()))
    status = together.do(tasks)
    if rank == "0":
        done.touch()
    while status and not done.exists():  # the agent ends all with the first, who is to say why before
        time.sleep(0.01)
    sys.exit(status)


def launch(workers: int, restarts: int, tasks: list[list[str]]) -> None:
    config = LaunchConfig(
        min_nodes=1, max_nodes=1, nproc_per_node=workers, max_restarts=restarts, monitor_interval=0.1,
        start_method="fork", run_id="one", rdzv_backend="c10d", rdzv_endpoint="localhost:0",
    )  # fmt: skip
    elastic_launch(config, work)(tasks)


if __name__ == "__main__":
    launch(int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]))
