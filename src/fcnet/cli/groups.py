"""Commands as tyro is to see them: with explanations in whole paragraphs, and many options in groups.

A command with many options is shown as a few small dataclasses, one per group. All is made from the
command's own fields and those of its settings, with their types, defaults and explanations, so that nothing
is described twice.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from dataclasses import field, fields, is_dataclass, make_dataclass
from typing import Annotated, Any, get_type_hints

import tyro

GROUPS = {
    "data": (
        "data", "target", "missing", "drop_columns", "categorical", "image_size", "skip_damaged", "stream",
        "require_cifar10", "validation",
    ),
    "network": (
        "hidden", "activation", "norm", "blocks", "expansion", "initialisation", "receptive_field", "dropout",
    ),
    "input": (
        "preprocessing", "components", "whitening_floor", "mirror", "shift", "rotate", "zoom", "cutout",
        "mixup", "augment", "bank",
    ),
    "search": ("trials", "workers", "vary", "minutes", "storage", "study"),
    "output": ("out", "resume", "overwrite", "tensorboard", "watch", "evaluate_every"),
    "engine": ("engine", "device", "precision", "compile"),
    "training": (),
}  # fmt: skip
"""Names of the groups, in the order that help has, and the options of each; the last takes all others."""


def explained(kind: type) -> type:
    """A dataclass with a command's options; tyro itself breaks explanations where the source's lines end."""
    hints, told = get_type_hints(kind, include_extras=True), explanations(kind)
    options = [
        (
            one.name,
            Annotated[hints[one.name], tyro.conf.arg(help=told.get(one.name))],
            field(default=one.default, default_factory=one.default_factory),
        )
        for one in fields(kind)
    ]
    return make_dataclass(kind.__name__, options, namespace={"__doc__": paragraphs(kind)})


def paragraphs(kind: type) -> str:
    """What a command's docstring says, a line for each paragraph."""
    return "\n\n".join(" ".join(part.split()) for part in (inspect.getdoc(kind) or "").split("\n\n"))


def in_groups(kind: type, start: Any) -> tuple[type, Any]:
    """A dataclass of dataclasses, one per group, with the options of a command and those of its settings.

    Parameters
    ----------
    kind : the command
    start : an instance of it with the defaults

    Returns
    -------
    view : the dataclass for tyro
    defaults : an instance of it
    """
    chosen: dict[str, dict[str, tuple[Any, Any]]] = {group: {} for group in GROUPS}
    for name, option, value in _options(kind, start):
        group = next((group for group, names in GROUPS.items() if name in names), "training")
        chosen[group][name] = option, value
    parts, defaults = [], {}
    for group, options in chosen.items():
        if options:
            part = make_dataclass(group, [(name, option) for name, (option, _) in options.items()])
            parts.append((group, Annotated[part, tyro.conf.arg(help="")]))
            defaults[group] = part(*(value for _, value in options.values()))
    view = make_dataclass(kind.__name__, parts, namespace={"__doc__": paragraphs(kind)})
    return view, view(**defaults)


def from_groups(kind: type, view: Any) -> Any:
    """The command whose options were read in groups; its settings are checked as they are made."""
    values = {name: value for group in vars(view).values() for name, value in vars(group).items()}
    return _made(kind, values)


def _made(kind: Any, values: dict[str, Any]) -> Any:
    hints = get_type_hints(kind)
    inner = {one.name: hints[one.name] for one in fields(kind) if is_dataclass(hints[one.name])}
    own = {one.name: values[one.name] for one in fields(kind) if one.name not in inner}
    return kind(**own, **{name: _made(settings, values) for name, settings in inner.items()})


def _options(kind: Any, start: Any) -> Iterator[tuple[str, Any, Any]]:
    """Each option's name, its type with its explanation, and its default."""
    hints, told = get_type_hints(kind, include_extras=True), explanations(kind)
    for one in fields(kind):
        hint, value = hints[one.name], getattr(start, one.name)
        if is_dataclass(hint):
            yield from _options(hint, value)
        else:
            yield one.name, Annotated[hint, tyro.conf.arg(help=told.get(one.name))], value


def explanations(kind: Any) -> dict[str, str]:
    """The text below each field of a dataclass and of those that it extends, as the source says it."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        if is_dataclass(one) and isinstance(one, type):
            found |= _own_explanations(one)
    return found


def _own_explanations(kind: type) -> dict[str, str]:
    # not inspect.getsource(kind), which parses the module, too, and then reads the class token by token
    try:
        module = ast.parse(inspect.getsource(sys.modules[kind.__module__]))
    except OSError:  # an installation without sources: options are read, and not explained
        return {}
    (body,) = (one for one in module.body if isinstance(one, ast.ClassDef) and one.name == kind.__name__)
    found = {}
    for one, following in zip(body.body, body.body[1:], strict=False):
        match one, following:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split())
    return found
