"""The student's values as values that can travel, and the arrays that an object holds.

torch is never imported here: where the student's file imports it, it is found in `sys.modules`.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

MOST_ITEMS = 64
"""Entries of a list, tuple or dict that are described."""


def describe(value: Any, depth: int = 0) -> Any:
    """A value of the student's as one that can travel.

    Arrays and numbers as they are; a tuple, a dict with other keys than str, or any other object as a dict
    {"kind": ..., ...}; tensors as {"kind": "tensor", "value": array}.
    """
    torch = sys.modules.get("torch")
    if value is None or isinstance(value, bool | int | float | str):
        return value if not isinstance(value, str) else value[:400]
    if torch is not None and isinstance(value, torch.Tensor):
        return {"kind": "tensor", "value": value.detach().cpu().numpy().copy(), "grad": value.requires_grad}
    if isinstance(value, np.ndarray | np.generic):
        return array_or_object(np.asarray(value))
    if depth > 3:
        return {"kind": "object", "type": type(value).__name__}
    if isinstance(value, list | tuple):
        numbers = numeric(value)
        if numbers is not None and isinstance(value, list):
            return {"kind": "list", "value": numbers}
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {"kind": kind, "items": [describe(item, depth + 1) for item in value[:MOST_ITEMS]]}
    if isinstance(value, dict):
        items = {str(key): describe(item, depth + 1) for key, item in list(value.items())[:MOST_ITEMS]}
        return {"kind": "dict", "items": items}
    return {"kind": "object", "type": type(value).__name__}


def array_or_object(array: Any) -> Any:
    if array.dtype.kind in "biufc" and array.dtype.itemsize <= 16:
        return np.array(array)
    if array.dtype == np.longdouble:
        return array.astype(np.float64)
    return {"kind": "object", "type": f"an array of {array.dtype}"}


def numeric(values: Any) -> Any:
    """A list of numbers as an array; None if it is none."""
    try:
        array = np.array(values)
    except Exception:  # whatever the student's objects raise when they are asked for numbers
        return None
    return array if array.dtype.kind in "biuf" and array.size else None


def arrays_of(thing: Any, prefix: str = "", depth: int = 0) -> dict[str, Any]:
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(thing, torch.nn.Module):
        return {name: p.detach().cpu().numpy().copy() for name, p in thing.named_parameters()}
    found: dict[str, Any] = {}
    for key, value in parts_of(thing):
        path = f"{prefix}{key}"
        if isinstance(value, np.ndarray) and value.dtype.kind in "biufc" and value.size < 2_000_000:
            found[path] = np.array(value)
        elif depth < 2 and (isinstance(value, dict | list | tuple) or file_of(type(value).__module__)):
            found |= arrays_of(value, f"{path}/", depth + 1)
    return found


def file_of(module: str) -> str:
    """The path of a module of the submission's, inside its folder; "" for other modules."""
    own = getattr(sys.modules.get("submission"), "__file__", None)
    file = getattr(sys.modules.get(module), "__file__", None)
    if not isinstance(own, str) or not isinstance(file, str):
        return ""
    inside = Path(own).parent in Path(file).parents
    return str(Path(file).relative_to(Path(own).parent)) if inside else ""


def parts_of(thing: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(thing, dict):
        yield from list(thing.items())[:MOST_ITEMS]
    elif isinstance(thing, list | tuple):
        yield from list(enumerate(thing))[:MOST_ITEMS]
    else:
        yield from list(getattr(thing, "__dict__", {}).items())[:MOST_ITEMS]


def part_of(thing: Any, step: str) -> Any:
    if isinstance(thing, dict):
        return thing[step]
    return thing[int(step)] if isinstance(thing, list | tuple) else getattr(thing, step)
