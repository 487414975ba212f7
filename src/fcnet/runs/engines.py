"""The engine that the settings ask for, and the workers that share the training."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fcnet.data.dataset import Dataset, Part
from fcnet.errors import RunError, TooLargeError
from fcnet.extras import require
from fcnet.net import libraries, onednn
from fcnet.train.config import TrainConfig
from fcnet.train.engine import Engine, NumpyEngine
from fcnet.train.workers import Workers


@dataclass(frozen=True)
class Workplace:
    """The workers of a training, and how each gets its engine: from a training split of a data set."""

    workers: Workers
    engine: Callable[[Part, Dataset], Engine]


@contextmanager
def workplace(config: TrainConfig) -> Iterator[Workplace]:
    """Open what the settings ask for, and close it afterwards.

    Raises
    ------
    MissingExtraError : PyTorch is asked for and not installed, or what multiplies for NumPy
    RunError : several workers, and an engine that trains in one process
    DataError : a device that is not there, a processor without bfloat16, or an unknown library in FCNET_BLAS
    TooLargeError : what is done meanwhile needs more memory than there is
    """
    libraries.chosen()  # with the engine torch too, whose results NumPy evaluates: an error comes first
    # OpenMP's threads, which torch and oneDNN use, spin while they wait. On a busy machine they take the core
    # from the thread that they wait for: beside another program on two cores, a step of the deep recipe took
    # 137 ms, and 33 ms with short spins; it takes 13 ms alone
    os.environ.setdefault("GOMP_SPINCOUNT", "3000")
    if config.engine == "numpy":
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise RunError("the engine numpy trains in one process, give --engine torch under torchrun")
        if config.precision == "bfloat16":
            onednn.require()
        try:
            yield Workplace(
                Workers(),
                lambda train, data: NumpyEngine(
                    config, train, data.image_shape, data.classes, data.indicators
                ),
            )
        except MemoryError as error:
            raise _too_large("cpu") from error
        return
    require("torch", "torch")
    from fcnet.torch_net.engine import TorchEngine
    from fcnet.torch_net.memory import keep_freed_memory, lacks_memory
    from fcnet.torch_net.workers import joined

    keep_freed_memory()

    with joined(config) as group:
        try:
            yield Workplace(
                group,
                lambda train, data: TorchEngine(
                    config, train, data.image_shape, data.classes, group, data.indicators
                ),
            )
        except MemoryError as error:
            raise _too_large("cpu") from error
        except RuntimeError as error:
            if lacks_memory(error):
                raise _too_large(group.device.type) from error
            raise


def _too_large(device: str) -> TooLargeError:
    what = "memory" if device == "cpu" else "memory on the GPU"
    return TooLargeError(
        f"not enough {what} for this training, choose fewer hidden units or a smaller batch_size"
    )
