"""torch's compiler, left out: nothing is compiled here, and to import it takes a second of each check.

Optimisers import it, only to ask it to leave them alone.
"""

import contextlib
import importlib
import sys
import types
from typing import Any

COMPILER = "torch._dynamo"


def leave_out_compiler() -> None:
    """Import torch, if it is installed, and put what compiles nothing in its compiler's place."""
    with contextlib.suppress(ImportError):
        torch: Any = importlib.import_module("torch")
        torch.compile = compile_nothing
        if COMPILER not in sys.modules:
            sys.modules[COMPILER] = torch._dynamo = Absent(COMPILER)


def compile_nothing(model: Any = None, **_: Any) -> Any:
    """In the place of `torch.compile`, as a function and as a decorator: the numbers are the same."""
    return compile_nothing if model is None else model


class Absent(types.ModuleType):
    """Answers what optimisers ask; whoever asks for anything else gets the compiler itself."""

    @staticmethod
    def disable(function: Any = None, *_: Any, **__: Any) -> Any:
        return Absent.disable if function is None else function

    @staticmethod
    def graph_break(*_: Any) -> None: ...

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__path__":
            raise AttributeError(name)  # of whoever looks through all modules
        if sys.modules.get(COMPILER) is self:
            del sys.modules[COMPILER]
        return getattr(importlib.import_module(COMPILER), name)
