"""Typesets an equation's NumPy line: the same formula in LaTeX, with the shape beneath every factor.

The formula is read off the source of the line, so it cannot say anything else than the code does.
"""

from __future__ import annotations

import ast
import inspect
import re

from derivation.equation import Equation, code

SHAPES = {
    "X": "N \\times D", "a1": "N \\times D", "W1": "D \\times H", "b1": "H", "z2": "N \\times H",
    "a2": "N \\times H", "W2": "H \\times K", "b2": "K", "z3": "N \\times K", "f": "N \\times K",
    "Delta": "N \\times K", "delta3": "N \\times K", "dJ_dW2": "H \\times K", "delta2": "N \\times H",
    "J_i": "N", "a": "N \\times P", "W": "P \\times Q", "b": "Q", "z": "N \\times P",
    "delta_above": "N \\times Q",
}  # fmt: skip
"""Of every array; P and Q are the numbers that go into and come out of a layer."""

SYMBOLS = {
    "reg": "\\lambda", "Delta": "\\Delta",
    "norms": "\\left( \\lVert W^{(1)} \\rVert^2 + \\lVert W^{(2)} \\rVert^2 \\right)",
    "J_i": "J_i", "dJ_dW2": "\\frac{\\partial J}{\\partial W^{(2)}}", "a": "a^{(l)}", "W": "W^{(l)}",
    "b": "b^{(l)}", "z": "z^{(l)}", "delta_above": "\\delta^{(l+1)}", "J": "J", "N": "N", "K": "K", "X": "X",
}  # fmt: skip
"""How names of the code are written; a letter with a number n becomes the letter of layer n."""


def formula(equation: type[Equation]) -> str:
    """LaTeX of the whole equation in rows, left side included."""
    return f"{equation.left} = {_typeset(code(equation))}"


def line(equation: type[Equation]) -> str:
    """The NumPy line as Python, its value's name included."""
    source = inspect.getsource(equation.line).partition("return ")[2]
    return f"{equation.name} = {source.strip()}"


def _name(name: str) -> str:
    if name in SYMBOLS:
        return SYMBOLS[name]
    letter, number = re.fullmatch(r"([a-zA-Z]+)(\d)", name).groups()  # type: ignore[union-attr]
    return ("\\delta" if letter == "delta" else letter) + f"^{{({number})}}"


def _factor(name: str, transposed: bool = False) -> str:
    """A name with its shape beneath; numbers have none."""
    symbol = _name(name)
    if name not in SHAPES:
        return symbol
    shape = SHAPES[name]
    if transposed:
        symbol, shape = f"{{{symbol}}}^\\top", " \\times ".join(reversed(shape.split(" \\times ")))
    return f"\\underbrace{{{symbol}}}_{{{shape}}}"


def _typeset(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return _factor(name)
        case ast.Constant(value=value):
            return str(value)
        case ast.Attribute(value=ast.Name(id=name), attr="T"):
            return _factor(name, transposed=True)
        case ast.Attribute(value=value, attr="real"):  # real but for the audit's complex step
            return _typeset(value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"-{_typeset(operand)}"
        case ast.BinOp(left=ast.Call(func=ast.Attribute(attr="sum")) as total, op=ast.Div(), right=below):
            return f"\\frac{{1}}{{{_typeset(below)}}} {_typeset(total)}"
        case ast.BinOp(left=above, op=ast.Div(), right=below):
            return f"\\frac{{1}}{{{_typeset(below)}}} \\left( {_typeset(above)} \\right)"
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return f"{{{_typeset(left)}}}^{{{_typeset(right)}}}"
        case ast.BinOp(left=left, op=operator, right=right):
            return f"{_side(left, operator)}{_sign(operator, left, right)}{_side(right, operator)}"
        case ast.Compare(left=left, comparators=[right]):
            return f"\\left[ {_typeset(left)} > {_typeset(right)} \\right]"
        case _:
            return _call(node)


def _call(node: ast.expr) -> str:
    match node:
        case ast.Call(func=ast.Name(id="relu"), args=[u]):
            return f"\\phi\\left( {_typeset(u)} \\right)"
        case ast.Call(func=ast.Name(id="softmax"), args=[u]):
            return f"\\psi\\left( {_typeset(u)} \\right)"
        case ast.Subscript(value=ast.Call(func=ast.Name(id="log_softmax"), args=[u])):
            return f"\\log \\, \\psi\\left( {_typeset(u)} \\right)_{{i y_i}}"
        case ast.Call(func=ast.Attribute(value=ast.BinOp(left=ast.Name(id=name), op=ast.Pow()), attr="sum")):
            return f"\\sum_{{p, q}} ({_name(name)}_{{pq}})^2"
        case ast.Call(func=ast.Attribute(value=ast.Name(id="J_i"), attr="sum")):
            return "\\sum_{i=1}^{N} J_i"
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="sum")):  # of the rows
            row = SHAPES[name].removeprefix("N \\times ")
            return f"\\sum_{{i=1}}^{{N}} \\underbrace{{{_name(name)}_i}}_{{{row}}}"
        case ast.Subscript(value=ast.Call(func=ast.Attribute(attr="eye"))):
            return "\\text{for each } i \\text{ the row } y_i \\text{ of the } K \\times K \\text{ identity}"
    raise ValueError(f"no way to typeset {ast.unparse(node)}")


def _side(node: ast.expr, operator: ast.operator) -> str:
    """One side of a product, in brackets where it is a sum."""
    inside = _typeset(node)
    loose = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)
    product = (
        isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult) and isinstance(operator, ast.Mult)
    )
    return f"\\left( {inside} \\right)" if (loose and _multiplies(operator)) or product else inside


def _multiplies(operator: ast.operator) -> bool:
    return isinstance(operator, ast.Mult | ast.MatMult)


def _sign(operator: ast.operator, left: ast.expr, right: ast.expr) -> str:
    """Between two sides; a product of two arrays entry by entry has its own sign."""
    if isinstance(operator, ast.Mult):
        return " \\odot " if isinstance(right, ast.Compare) else " \\, "
    return {ast.Add: " + ", ast.Sub: " - ", ast.MatMult: " \\, "}[type(operator)]
