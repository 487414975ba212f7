"""The construction of the PyTorch half: networks of 2 to 5 layers that hold their parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.judge.asked import Asked
from fcnet.judge.case import Case
from fcnet.judge.isolation import Reply
from fcnet.judge.source import span

Array = NDArray[Any]

D, C = 6, 3
HIDDEN = ([7], [7, 5], [7, 5, 9], [7, 5, 9, 8])
"""Networks of 2, 3, 4 and 5 layers; every width differs."""


def lines_of(case: Case, name: str, *methods: str) -> list[tuple[int, int]]:
    """The lines of some methods of the class."""
    found = [part for method in methods for part in span(case.source.method(name, method))]
    return found or [(1, len(case.source.lines))]


def expected_shapes(hidden: Sequence[int]) -> list[tuple[int, int]]:
    """(out, in) of each layer."""
    sizes = [D, *hidden, C]
    return [(n_out, n_in) for n_in, n_out in pairwise(sizes)]


def make(submission: Asked, name: str, hidden: Sequence[int]) -> Reply:
    """A network under the name of its hidden layers."""
    target, args = target_of(hidden), [D, list(hidden), C]
    return submission.call("construct", target=target, cls=name, args=args, seed=0)


def target_of(hidden: Sequence[int]) -> str:
    return "net" + "x".join(map(str, hidden))


def judge_construction(case: Case, submission: Asked, name: str) -> bool:
    """Whether networks of 2 to 5 layers can be made and hold their parameters."""
    spans = lines_of(case, name, "__init__")
    for hidden in HIDDEN:
        question = f"{name}({D}, {hidden}, {C})"
        reply = make(submission, name, hidden)
        if reply.failure is not None:
            got = reply.failure.text
            case.add(
                constructor_code(reply.failure.type, got, len(hidden)),
                question,
                f"a network of {len(hidden) + 1} layers",
                got,
                line=reply.failure.line,
                spans=spans,
            )
            return False
        weights = weights_of(reply.value["attributes"])
        code = construction_code(case, spans, hidden, weights)
        if code:
            shapes = [tuple(value.shape) for value in weights.values()]
            case.add(
                code,
                question,
                f"weights {expected_shapes(hidden)}",
                f"weights {shapes}" if shapes else "no parameters",
                spans=spans,
            )
            return False
        names = set(reply.value["attributes"])
        missing = [
            path
            for path in weights
            if f"{path.rpartition('.')[0]}.bias" not in names and path.endswith("weight")
        ]
        if missing:
            case.add("PT_BIAS_MISSING", question, "a bias for each layer", f"none for {missing}", spans=spans)
    same = make(submission, name, [D, D, D])
    if same.ok and len(weights_of(same.value["attributes"])) < 4:
        case.add(
            "PT_SHARED_LAYER",
            f"{name}({D}, [{D}, {D}, {D}], {C})",
            "4 weight matrices",
            f"{len(weights_of(same.value['attributes']))}",
            spans=spans,
        )
        return False
    return True


def weights_of(attributes: Mapping[str, Any]) -> dict[str, Array]:
    """The matrices among a module's parameters, by name."""
    return {path: np.asarray(value) for path, value in attributes.items() if np.ndim(value) == 2}


def constructor_code(kind: str, message: str, layers: int) -> str:
    if kind == "NotImplementedError":
        return "PT_NOT_WRITTEN"
    if (
        "before Module.__init__" in message
        or "has no attribute '_modules'" in message
        or "'_parameters'" in message
    ):
        return "PT_SUPER_MISSING"
    return "PT_CONSTRUCTOR_FAILS" if layers == 1 else "PT_DEPTH_FIXED"


def construction_code(
    case: Case, spans: list[tuple[int, int]], hidden: Sequence[int], weights: Mapping[str, Array]
) -> str:
    """What is wrong with the layers' shapes, "" if nothing is."""
    wanted, shapes = expected_shapes(hidden), [tuple(value.shape) for value in weights.values()]
    if sorted(shapes) == sorted(wanted):
        return ""
    makes_layers = case.source.find([r"Linear\("], spans) is not None
    if not shapes:
        return "PT_LAYERS_IN_LIST" if makes_layers else "PT_NOT_WRITTEN"
    known = {D, C, *hidden}
    if any(size not in known for shape in shapes for size in shape):
        return "PT_SIZES_HARDCODED"
    if len(shapes) < len(wanted):
        registered = (
            case.source.find([r"Sequential|ModuleList|ModuleDict|add_module|setattr"], spans) is not None
        )
        in_list = set(shapes) <= set(wanted) and not registered
        if len(hidden) == 1:
            return "PT_LAYERS_IN_LIST" if in_list else "PT_LAYER_COUNT"
        if in_list and (wanted[-1] in shapes or wanted[0] in shapes) and len(shapes) == 1:
            return "PT_LAYERS_IN_LIST"
        return "PT_DEPTH_FIXED" if len(shapes) == 2 or len(hidden) > 2 else "PT_LAYER_COUNT"
    if len(shapes) > len(wanted):
        return "PT_LAYER_COUNT"
    meets = all(after[1] == before[0] for before, after in pairwise(shapes))
    return "PT_WIDTHS" if meets else "PT_WIDTHS_DO_NOT_MEET"
