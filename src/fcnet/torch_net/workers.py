"""Several processes on one training, as torchrun starts them: one on each GPU, or some on the cores of a CPU.

All hold the same network. Each computes the gradient of its share of a minibatch; the shares are added up
between backward and update (torch's DistributedDataParallel does it while backward is still running), so all
take the same step. The batch is that of the settings, whatever the number of workers.
"""

import gc
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, distributed
from torch.distributed import PrefixStore, rendezvous  # type: ignore[attr-defined]
from torch.nn.parallel import DistributedDataParallel

from fcnet.errors import AlreadySaidError, FcnetError, RunError
from fcnet.torch_net.hardware import choose_device
from fcnet.torch_net.mlp import FullyConnected
from fcnet.train.config import TrainConfig
from fcnet.train.workers import Workers

PATIENCE = timedelta(minutes=10)
"""How long workers wait for a silent worker before they give up."""


class ProcessGroup(Workers):
    """One process among its workers; a lone process is a group of one, and nothing is sent.

    Parameters
    ----------
    device : that it computes on
    rank, size : its number, and how many there are
    """

    def __init__(self, device: torch.device, rank: int = 0, size: int = 1) -> None:
        self.device, self.rank, self.size = device, rank, size

    def replicate(self, net: FullyConnected) -> Callable[..., Any]:
        """The network for a forward pass whose backward adds up the workers' gradients."""
        if self.size == 1:
            return net
        ids = [self.device.index] if self.device.type == "cuda" else None
        return DistributedDataParallel(net, device_ids=ids, gradient_as_bucket_view=True)

    def total(self, share: Tensor) -> Tensor:
        """The sum of every worker's number, exactly the same in each. Does not wait for a GPU."""
        value = share.detach().clone()
        if self.size > 1:
            with self._others():
                distributed.all_reduce(value)
        return value

    def backward(self, share: Tensor) -> None:
        """Set each parameter's gradient to the sum over all shares."""
        with self._others():
            (share * self.size).backward()  # type: ignore[no-untyped-call]  # DDP divides by their number

    def from_first(self, compute: Callable[[], Any]) -> Any:
        """As of all `Workers`; the value travels as JSON, since PyTorch's own way unpickles."""
        if self.size == 1:
            return super().from_first(compute)
        value, failure = None, None
        if self.rank == 0:
            try:
                value = compute()
            except FcnetError as error:
                failure = error
        said = json.dumps([value, None if failure is None else str(failure)])
        value, problem = json.loads(self._broadcast(said.encode()))
        if failure is not None:
            raise failure
        if problem is not None:
            raise AlreadySaidError(problem)
        return value

    def _broadcast(self, content: bytes) -> bytes:
        """The first worker's bytes."""
        length = torch.tensor(len(content), device=self.device)
        with self._others():
            distributed.broadcast(length, src=0)
            text = torch.zeros(int(length), dtype=torch.uint8, device=self.device)
            if self.rank == 0:
                text.copy_(torch.frombuffer(bytearray(content), dtype=torch.uint8))
            distributed.broadcast(text, src=0)
        return bytes(text.cpu().numpy())

    @contextmanager
    def _others(self) -> Iterator[None]:
        """Say in one line that another worker is gone."""
        try:
            yield
        except RuntimeError as error:
            if self.size == 1:
                raise
            reason = str(error).splitlines()[0].split("] ")[-1].split(". This")[0]
            raise RunError(
                f"worker {self.rank} of {self.size} lost the others ({reason}), "
                f"continue from the last checkpoint with --resume (torchrun --max-restarts does so by itself)"
            ) from error


@contextmanager
def joined(config: TrainConfig) -> Iterator[ProcessGroup]:
    """The process group that torchrun's variables describe; a group of one without them.

    Raises
    ------
    DataError : the settings ask for a device that is not there
    RunError : the other workers cannot be reached
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    device = choose_device(config.device, int(os.environ.get("LOCAL_RANK", "0")))
    if size == 1:
        yield ProcessGroup(device)
        return
    rank = int(os.environ["RANK"])
    backend = "nccl" if device.type == "cuda" else "gloo"
    try:
        # a launcher that restarts workers keeps its store, with the addresses of dead workers in it;
        # launchers on several machines count their starts differently, see docs/scaling.md
        alone = os.environ.get("GROUP_WORLD_SIZE", "1") == "1"
        start = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") if alone else "0"
        store, _, _ = next(rendezvous("env://", timeout=PATIENCE))
        fresh = PrefixStore(start, store)
        distributed.init_process_group(backend, store=fresh, rank=rank, world_size=size, timeout=PATIENCE)
    except (RuntimeError, ValueError) as error:
        raise RunError(f"worker {rank} of {size} cannot reach the others: {error}") from error
    try:
        yield ProcessGroup(device, rank, size)
        distributed.barrier()  # no worker closes the connection while others still read
    finally:
        gc.collect()  # DistributedDataParallel keeps the group's threads alive in reference cycles
        distributed.destroy_process_group()
