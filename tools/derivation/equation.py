"""An equation in three forms, and chains of equations, which are networks.

The forms are functions whose arguments are named after what they use, so that `line(a2, delta3)` is given
the values called a2 and delta3. Values are arrays throughout: of floating-point or complex numbers for the
NumPy line, of SymPy expressions for the SymPy form.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

Values = Mapping[str, Any]


class Equation:
    """One equation. Subclasses fill in what it is; they are never instantiated.

    name : of the value that it gives
    left : LaTeX of its left side
    derivative : (of, by): that it is the derivative of the value `of` (the sum of its entries) by the value
        `by`; None where it is no derivative
    line : its NumPy line, as in `fcnet.two_layernet`
    form : its SymPy form, entry by entry, which shares no code with the line
    """

    name: ClassVar[str]
    left: ClassVar[str]
    derivative: ClassVar[tuple[str, str] | None] = None
    line: ClassVar[Callable[..., Any]]
    form: ClassVar[Callable[..., Any]]


@dataclass(frozen=True)
class Step:
    """An equation at a place of a chain.

    name : of the value that it gives there
    names : for arguments of the equation that are called otherwise there, their names there
    derivative : as the equation's, in the names of the chain
    """

    equation: type[Equation]
    name: str
    names: Mapping[str, str] = field(default_factory=dict)
    derivative: tuple[str, str] | None = None

    def compute(self, values: Values, form: str) -> Any:
        """The value, by the equation's "line" or "form"."""
        function = getattr(self.equation, form)
        wanted = inspect.signature(function).parameters
        return function(**{name: values[self.names.get(name, name)] for name in wanted})


def plain(equation: type[Equation]) -> Step:
    """An equation under its own names."""
    return Step(equation, equation.name, derivative=equation.derivative)


def run(chain: Iterable[Step], given: Values, form: str) -> dict[str, Any]:
    """Compute every value of a chain, in its order; those that are given stay as they are."""
    values = dict(given)
    for step in chain:
        if step.name not in values:
            values[step.name] = step.compute(values, form)
    return values


def code(equation: type[Equation]) -> ast.expr:
    """The expression that the equation's NumPy line returns, as it stands in the source."""
    source = textwrap.dedent(inspect.getsource(equation.line))
    (function,) = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    (result,) = function.body
    assert isinstance(result, ast.Return)
    assert result.value is not None
    return result.value


def entries(shape: Sequence[int], entry: Callable[..., Any]) -> NDArray[Any]:
    """An array of that shape whose entries are given one by one: how SymPy forms are written."""
    table = np.empty(tuple(shape), dtype=object)
    for place in np.ndindex(*shape):
        table[place] = entry(*place)
    return table
