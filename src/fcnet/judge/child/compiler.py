"""torch's compiler, left out: nothing is compiled here, and to import it takes a second of each check.

Optimisers import it, only to ask it to leave them alone.
"""

import contextlib
import importlib
import sys
import types
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

COMPILER = "torch._dynamo"


def leave_out_compiler() -> None:
    """Import torch, if it is installed, and put what compiles nothing in its compiler's place."""
    with contextlib.suppress(ImportError):
        torch: Any = importlib.import_module("torch")
        torch.compile = compile_nothing
        if COMPILER not in sys.modules:
            sys.modules[COMPILER] = torch._dynamo = Absent(COMPILER)


class Watch:
    """Waits among the finders of modules for the import of torch; `leave_out_compiler` finishes it."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The usual one of torch; of all else none, which leaves it to the finders after this one."""
        spec = PathFinder.find_spec(name, path, target) if name == "torch" else None
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            execute = loader.exec_module

            def execute_and_leave_out(module: types.ModuleType) -> None:
                execute(module)
                leave_out_compiler()

            loader.exec_module = execute_and_leave_out
        return spec


WATCH = Watch()


def leave_out_compiler_once_imported() -> None:
    """Do so as soon as torch is imported, by whichever file in whichever way."""
    if WATCH not in sys.meta_path:
        sys.meta_path.insert(0, WATCH)


def compile_nothing(model: Any = None, **_: Any) -> Any:
    """In the place of `torch.compile`, as a function and as a decorator: the numbers are the same."""
    if isinstance(model, sys.modules["torch"].nn.Module):
        vars(model)["_orig_mod"] = model  # no part of it, which would have its parameters twice
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
