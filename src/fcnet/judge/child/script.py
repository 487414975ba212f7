"""A PyTorch script run on pictures that are drawn at random, with a record of what it does with them.

The script believes that it has CIFAR-10: `torchvision` is stood in for, and a DataLoader gives a few batches
of the training set, all of the validation set and all of the test set. What the script calls is recorded as
events, each [kind, source, number, text, measures]; the judge reads them.
"""

import ast
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fcnet.judge.child.loading import line_in
from fcnet.judge.child.passes import Tee
from fcnet.judge.child.recording import (
    Recorder,
    Stop,
    patch_choices,
    patch_losses,
    patch_module,
    patch_steps,
)
from fcnet.judge.child.stand_ins import StandIn, install_stand_ins
from fcnet.judge.child.values import file_of

TRAINING_BATCHES = 3
EPOCH_NAMES = (
    "num_epochs",
    "epochs",
    "n_epochs",
    "EPOCHS",
    "NUM_EPOCHS",
    "nb_epochs",
    "num_epoch",
    "max_epochs",
)


class FakeCIFAR10:
    """A data set of the length of CIFAR-10's part."""

    def __init__(self, root: str = "", train: bool = True, transform: Any = None, **_: Any) -> None:
        self.train, self.transform, self.root = train, transform, root
        self.length = 50_000 if train else 10_000
        self.classes = ["plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Any:
        torch = sys.modules["torch"]
        generator = torch.Generator().manual_seed(int(index) % 997)
        return torch.randn(3, 32, 32, generator=generator), int(index) % 10


def source_of(dataset: Any) -> str:
    """Which part of CIFAR-10 a data set is."""
    indices = getattr(dataset, "indices", None)
    inner = getattr(dataset, "dataset", dataset)
    if getattr(inner, "train", True) is False:
        return "test"
    if indices is not None and len(indices) and min(list(indices)[:5]) >= 40_000:
        return "validation"
    return "train" if len(dataset) > 12_000 else "validation"


def loader_class(recorder: Recorder) -> type:
    """A DataLoader of few training batches; of other data than CIFAR-10, the first or shuffled one trains."""

    class Loader:
        def __init__(
            self, dataset: Any, batch_size: int = 1, shuffle: bool = False, *_: Any, **options: Any
        ) -> None:
            self.dataset, self.batch_size, self.shuffle = dataset, int(batch_size or 1), shuffle
            self.drop_last = bool(options.get("drop_last", False))
            sampler = options.get("sampler")
            indices = getattr(sampler, "indices", None)
            self.length = len(dataset) if indices is None else len(indices)
            first = min(list(indices)[:5]) if indices is not None and len(indices) else 0
            self.source = "validation" if first >= 40_000 else source_of(dataset)
            if indices is not None and self.length > 12_000:
                self.source = "train"
            if not isinstance(getattr(dataset, "dataset", dataset), FakeCIFAR10):
                self.source = "train" if shuffle or not recorder.loaders else "validation"
            recorder.loaders += 1

        def __len__(self) -> int:
            return max(
                self.length // self.batch_size if self.drop_last else -(-self.length // self.batch_size), 1
            )

        def __iter__(self) -> Iterator[Any]:
            torch = sys.modules["torch"]
            generator = torch.Generator().manual_seed(0)
            X = torch.randn(self.batch_size, *self.dataset[0][0].shape, generator=generator)
            count = len(self) if self.source != "train" else min(TRAINING_BATCHES, len(self))
            # in evaluation no two classes are as frequent, so that an accuracy tells what was counted
            shares = torch.ones(10) if self.source == "train" else torch.arange(4.0, 14.0)
            recorder.passes.begin()
            for place in range(count):
                left = self.length - place * self.batch_size
                size = min(self.batch_size, left)
                y = torch.multinomial(shares, size, replacement=True, generator=generator)
                recorder.source, recorder.labels = self.source, y
                recorder.add("batch", size)
                if self.source != "train":
                    recorder.passes.batch(y)
                yield X[:size] + 0.1 * place, y
            recorder.add("end", 0)
            recorder.source, recorder.labels = "", None
            recorder.passes.end(self.source)

    return Loader


def run_script(source: str, filename: str, seconds: float, train: bool) -> list[list[Any]]:
    """Run the script and give its events; an exception of its own is the last of them.

    Parameters
    ----------
    source, filename : the text and its name
    seconds : of the processor's time after which it is ended
    train : the value that a top-level `train = ...` is given
    """
    recorder = Recorder(seconds)
    tree = shortened(ast.parse(source, filename), train)
    undo = patch_everything(recorder)
    for name in [name for name in sys.modules if file_of(name) and name != "submission"]:
        del sys.modules[name]  # it is imported again, and finds what records
    module = types.ModuleType("submission")
    module.__dict__.update({"__name__": "__main__", "__file__": filename})
    arguments, sys.argv = sys.argv, [filename]
    try:
        exec(compile(tree, filename, "exec"), module.__dict__)
    except Stop:
        recorder.events.append(["stopped"])
    except SystemExit:
        pass
    except Exception as error:
        recorder.events.append(
            ["failed", recorder.source, line_in(error, filename), f"{type(error).__name__}: {error}"[:300]]
        )
    finally:
        sys.argv = arguments
        for back in reversed(undo):
            back()
    return recorder.events + recorder.following.summary()


def shortened(tree: ast.Module, train: bool) -> ast.Module:
    """The script with two epochs, and with the wanted value of `train`."""
    for node in ast.walk(tree):
        if not (
            isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
        ):
            continue
        name, value = node.targets[0].id, node.value
        if name in EPOCH_NAMES and isinstance(value, ast.Constant):
            node.value = ast.copy_location(ast.Constant(2), value)
        if name in ("train", "TRAIN", "do_train", "is_train") and isinstance(value, ast.Constant):
            node.value = ast.copy_location(ast.Constant(train), value)
    return tree


SAVED: dict[str, Any] = {}
"""What scripts have saved, by name: nothing is written to a disk."""


def patch_everything(recorder: Recorder) -> list[Callable[[], None]]:
    """Put recording versions in the place of torch's functions; how to undo each."""
    torch = sys.modules["torch"]
    undo: list[Callable[[], None]] = []

    def put(owner: Any, name: str, value: Any) -> None:
        before = getattr(owner, name)
        setattr(owner, name, value)
        undo.append(lambda: setattr(owner, name, before))

    put(sys, "stdout", Tee(sys.stdout, recorder.passes))
    install_stand_ins()
    stand_in_fcnet()
    sys.modules["torchvision.datasets"].__dict__.update({"CIFAR10": FakeCIFAR10, "CIFAR100": FakeCIFAR10})
    put(torch.utils.data, "DataLoader", loader_class(recorder))
    put(torch, "save", lambda thing, name, *_, **__: SAVED.__setitem__(str(name), thing))
    put(torch, "load", lambda name, *_, **__: SAVED[str(name)])
    patch_module(recorder, torch, put)
    patch_losses(recorder, torch, put)
    patch_steps(recorder, torch, put, undo)
    patch_choices(recorder, torch, put)
    return undo


def stand_in_fcnet() -> None:
    """The one function of fcnet that the exercise's own files use: it gives random pictures."""
    for name in ("fcnet.cli", "fcnet.cli.loading"):
        sys.modules[name] = StandIn(name)
    sys.modules["fcnet.cli.loading"].__dict__["load"] = lambda *_, **__: FakeDataset()


class FakeDataset:
    """Random pictures in the place of a data set of fcnet's."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.label = "random pictures"
        self.train = self.test = types.SimpleNamespace(
            images=rng.integers(0, 256, (1500, 3, 32, 32)).astype(np.uint8), labels=rng.integers(0, 10, 1500)
        )
