"""Modules that handouts import and that a network does not need, so that they need not be installed."""

import sys
import types
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from typing import Any


def install_stand_ins() -> None:
    """Modules that handouts import and that a network does not need: drawing, and names of Python 2."""
    for name in ("matplotlib", "matplotlib.pyplot", "pylab", "seaborn", "past", "past.builtins", "tqdm",
                 "vis_utils", "gradient_check", "data_utils", "future", "future.builtins", "torchsummary",
                 "tensorboardX", "skimage", "torchvision", "torchvision.datasets", "torchvision.transforms",
                 "torchvision.utils", "torchvision.models"):  # fmt: skip
        if name not in sys.modules:
            sys.modules[name] = StandIn(name)
    for name in list(sys.modules):
        parent, _, child = name.rpartition(".")
        if isinstance(sys.modules[name], StandIn) and parent in sys.modules:
            sys.modules[parent].__dict__[child] = sys.modules[name]
    sys.modules["past.builtins"].__dict__["xrange"] = range


class StandIn(types.ModuleType):
    """A module that has everything and does nothing."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__spec__ = ModuleSpec(name, None)
        self.__path__ = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "tqdm":
            return lambda values=(), *_, **__: values
        return Nothing()


class Nothing:
    """A value that can be called, subscripted and unpacked into two, and does nothing."""

    def __call__(self, *_: Any, **__: Any) -> Any:
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, _: Any) -> Any:
        return self

    def __setitem__(self, _: Any, __: Any) -> None:
        return None

    def __iter__(self) -> Iterator[Any]:
        return iter((self, self))
