"""The construction of the PyTorch half: networks of 2 to 5 layers that hold their parameters."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from fcnet.arrays import Array
from fcnet.judge.case import Case
from fcnet.judge.isolation import Reply, Submission

D, C = 6, 3
HIDDEN = ([11], [11, 8], [11, 8, 14], [11, 8, 14, 17])
"""Networks of 2, 3, 4 and 5 layers. Each width differs from all others and from all others plus 1, so that
the shape of a matrix tells its layer, its orientation, and whether the bias is in it."""

EQUAL = [D, D, D]
"""Hidden layers that are as wide as the input: layers may share weights, and shortcuts fit."""

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """Where the parameters of one layer are.

    Attributes
    ----------
    weight : path of the matrix
    transposed : whether the matrix is (inputs, outputs) rather than (outputs, inputs)
    with_bias : whether the matrix holds the bias, as weights of an input that is always 1
    bias : path of the bias, "" where there is none beside the matrix
    """

    weight: str
    transposed: bool
    with_bias: bool
    bias: str = ""

    def parts(self, values: Mapping[str, Array], ones_first: bool) -> tuple[Array, Array]:
        """Weights (outputs, inputs) and bias (outputs,) in float64.

        Parameters
        ----------
        values : of the network's parameters, by path
        ones_first : whether the input that is always 1 comes before the others, where there is one
        """
        W = np.asarray(values[self.weight], np.float64)
        W = W.T if self.transposed else W
        b = np.zeros(len(W))
        if self.with_bias:
            place = 0 if ones_first else -1
            b, W = W[:, place], np.delete(W, place, axis=1)
        return W, b + np.ravel(values[self.bias]) if self.bias else b


FORMS = ((False, False), (True, False), (False, True), (True, True))
"""`transposed` and `with_bias` of a matrix, those of nn.Linear first."""


def form_of(shape: Shape, transposed: bool, with_bias: bool) -> Shape:
    """The shape of the matrix of a layer (outputs, inputs)."""
    n_out, n_in = shape[0], shape[1] + with_bias
    return (n_in, n_out) if transposed else (n_out, n_in)


def layer_of(shape: Shape, transposed: bool, with_bias: bool) -> Shape:
    """(outputs, inputs) of the layer that a matrix belongs to."""
    n_out, n_in = shape[::-1] if transposed else shape
    return n_out, n_in - with_bias


def expected_shapes(hidden: Sequence[int]) -> list[Shape]:
    """(outputs, inputs) of each layer."""
    sizes = [D, *hidden, C]
    return [(n_out, n_in) for n_in, n_out in pairwise(sizes)]


def make(case: Case, submission: Submission, hidden: Sequence[int]) -> Reply:
    """A network under the name of its hidden layers."""
    target, args = target_of(hidden), [D, list(hidden), C]
    return submission.call("construct", target=target, cls=case.class_name, args=args, seed=0)


def target_of(hidden: Sequence[int]) -> str:
    return "net" + "x".join(map(str, hidden))


def judge_construction(case: Case, submission: Submission) -> bool:
    """Whether networks of 2 to 5 layers can be made and hold their parameters."""
    for hidden in HIDDEN:
        question = f"{case.class_name}({D}, {hidden}, {C})"
        reply = make(case, submission, hidden)
        if reply.failure is not None:
            got = reply.failure.text
            code = constructor_code(reply.failure.type, got, len(hidden))
            case.add(code, question, f"a network of {len(hidden) + 1} layers", got, line=reply.failure.line)
            return False
        attributes = reply.value
        weights = weights_of(attributes)
        code = construction_code(case, hidden, weights)
        if code:
            shapes = [tuple(value.shape) for value in weights.values()]
            got = f"weights {shapes}" if shapes else "no parameters"
            case.add(code, question, f"weights {expected_shapes(hidden)}", got)
            return False
        missing = without_bias(find_layers(attributes, hidden), attributes)
        if missing:
            case.add("PT_BIAS_MISSING", question, "a bias for each layer", f"none for {missing}")
    same = make(case, submission, EQUAL)
    if same.ok and (count := len(weights_of(same.value))) < 4:
        case.add("PT_SHARED_LAYER", f"{case.class_name}({D}, {EQUAL}, {C})", "4 weight matrices", f"{count}")
        return False
    return True


def weights_of(attributes: Mapping[str, Any]) -> dict[str, Array]:
    """The matrices among a module's parameters, by name; one row or column alone is a bias."""
    arrays = {path: np.asarray(value) for path, value in attributes.items()}
    return {path: value for path, value in arrays.items() if value.ndim == 2 and min(value.shape) > 1}


def find_layers(attributes: Mapping[str, Any], hidden: Sequence[int]) -> list[Layer]:
    """The layers from the input to the output, found by their shapes; fewer where one is not found.

    Among layers of one shape, the order is that of the attributes.
    """
    found: list[Layer] = []
    free = dict(attributes)
    for shape in expected_shapes(hidden):
        weights = weights_of(free)
        for path, form in ((path, form) for path in weights for form in FORMS):
            if weights[path].shape == form_of(shape, *form):
                found.append(Layer(path, *form, bias_of(path, shape[0], free)))
                free.pop(path)
                free.pop(found[-1].bias, None)
                break
    return found


def bias_of(weight: str, size: int, attributes: Mapping[str, Any]) -> str:
    """The path of a layer's bias: beside its weights, else the first of its size; "" for none."""
    beside = f"{weight.rpartition('.')[0]}.bias"
    if weight.endswith("weight") and beside in attributes:
        return beside
    alone = (
        path
        for path, value in attributes.items()
        if np.size(value) == size == max(np.shape(value), default=0) and not path.endswith(".weight")
    )
    return next((path for path in alone if f"{path.rpartition('.')[0]}.weight" not in attributes), "")


def without_bias(layers: Sequence[Layer], attributes: Mapping[str, Any]) -> list[str]:
    """The weights of layers without a bias; another vector of the layer's size may be one."""
    taken = {path for layer in layers for path in (layer.weight, layer.bias)}
    others = {np.size(value) for path, value in attributes.items() if path not in taken}
    return [
        layer.weight
        for layer in layers
        if not layer.bias
        and not layer.with_bias
        and layer_of(np.shape(attributes[layer.weight]), layer.transposed, False)[0] not in others
    ]


def usual_shapes(shapes: Sequence[Shape], wanted: Sequence[Shape]) -> list[Shape]:
    """The layers (outputs, inputs) behind matrices of any form: each by its shape, the others as most are."""
    seen = [
        [(form, layer) for form in FORMS for layer in wanted if form_of(layer, *form) == shape]
        for shape in shapes
    ]
    forms = Counter(found[0][0] for found in seen if found)
    most = max(FORMS, key=lambda form: forms[form])
    return [
        found[0][1] if found else layer_of(shape, *most) for shape, found in zip(shapes, seen, strict=True)
    ]


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


def construction_code(case: Case, hidden: Sequence[int], weights: Mapping[str, Array]) -> str:
    """What is wrong with the layers' shapes, "" if nothing is."""
    wanted, init = expected_shapes(hidden), case.spans("__init__")
    shapes = usual_shapes([value.shape for value in weights.values()], wanted)
    if sorted(shapes) == sorted(wanted):
        return ""
    makes_layers = case.source.find([r"Linear\("], init) is not None
    if not shapes:
        return "PT_LAYERS_IN_LIST" if makes_layers else "PT_NOT_WRITTEN"
    known = {D, C, *hidden}
    if any(size not in known for shape in shapes for size in shape):
        return "PT_SIZES_HARDCODED"
    if len(shapes) < len(wanted):
        holders = r"Sequential|ModuleList|ModuleDict|add_module|setattr"
        registered = case.source.find([holders], init) is not None
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
