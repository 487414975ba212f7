"""Packages that come with an extra, such as `pip install 'fcnet[tune]'`, imported where they are used."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from fcnet.errors import MissingExtraError


def require(package: str, extra: str) -> ModuleType:
    """Import a package that an extra brings.

    Parameters
    ----------
    package : its name in Python, such as `optuna`
    extra : the extra that brings it, such as `tune`

    Raises
    ------
    MissingExtraError : it is not installed; the text says how to install it
    """
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"the package {error.name} is not installed, get it with: pip install 'fcnet[{extra}]'"
        ) from None
