"""Packages that come with an extra, such as `pip install 'fcnet[tune]'`, imported where they are used.

The core needs NumPy, safetensors and the command line's packages. Everything else is here, so that a command
whose package is missing says in one line what to install.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from fcnet.errors import MissingExtraError

if TYPE_CHECKING:
    from jinja2 import Environment

PACKAGES = {
    "jinja2": ("Jinja2", "report"),
    "latex2mathml": ("latex2mathml", "report"),
    "markdown_it": ("markdown-it-py", "report"),
    "matplotlib": ("Matplotlib", "report"),
    "onnx": ("onnx", "onnx"),
    "optuna": ("Optuna", "tune"),
    "PIL": ("Pillow", "images"),
    "psycopg": ("psycopg", "postgresql"),
    "pyarrow": ("PyArrow", "tables"),
    "scipy": ("SciPy", "sklearn"),
    "sklearn": ("scikit-learn", "sklearn"),
    "tensorboardX": ("tensorboardX", "tensorboard"),
    "threadpoolctl": ("threadpoolctl", "tune"),
    "torch": ("PyTorch", "torch"),
}
"""Name in Python of each optional package: its usual name, and the extra that brings it.

The extras bfloat16 and mkl bring libraries without a Python package, see `net.onednn` and `net.mkl`.
"""

PURPOSES = {
    "bfloat16": "precision bfloat16 without the engine torch",
    "images": "reading pictures",
    "mkl": "FCNET_BLAS=mkl",
    "onnx": "the export to ONNX",
    "postgresql": "a study in PostgreSQL",
    "report": "drawing figures and writing the report",
    "sklearn": "FCNetClassifier",
    "tables": "reading tables",
    "tensorboard": "writing curves for TensorBoard",
    "torch": "the engine torch",
    "tune": "the search for settings",
}
"""What each extra is for, as the subject of the sentence in the error."""


def missing(package: str) -> bool:
    """Whether a package is not installed; it is not imported."""
    return find_spec(package) is None


def require(package: str, extra: str) -> ModuleType:
    """Import a package that an extra brings.

    Parameters
    ----------
    package : its name in Python, such as `optuna`, or a module of it, such as `scipy.sparse`
    extra : the extra that brings it, such as `tune`

    Returns
    -------
    ModuleType : the package or the module that was named

    Raises
    ------
    MissingExtraError : `the search for settings needs Optuna, which is not installed: pip ...`
    """
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        raise MissingExtraError(sentence(error.name or package, extra)) from None


def jinja(folder: Path, **options: Any) -> Environment:
    """Jinja for the templates of a folder: each value is escaped, and one that is not given is an error.

    Raises
    ------
    MissingExtraError : jinja2 is not installed
    """
    jinja2 = require("jinja2", "report")
    made: Environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, **options,
    )  # fmt: skip
    return made


def explained(error: ModuleNotFoundError) -> str | None:
    """What to install for an import that failed; None where no extra brings the package."""
    root = (error.name or "").partition(".")[0]
    return sentence(root, PACKAGES[root][1]) if root in PACKAGES else None


def sentence(package: str, extra: str) -> str:
    """What is missing, for what, and the extra that brings it: the text of the error, in one line."""
    root = package.partition(".")[0]
    usual, _ = PACKAGES.get(root, (root, extra))
    return f"{PURPOSES[extra]} needs {usual}, which is not installed: pip install 'fcnet[{extra}]'"


def library_file(wheel: str, pattern: str) -> Path | None:
    """The file of a wheel without a Python package whose name fits a regular expression.

    None without the wheel or such a file.
    """
    import re
    from importlib.metadata import PackageNotFoundError, files

    try:
        found = [file for file in files(wheel) or () if re.fullmatch(pattern, file.name)]
    except PackageNotFoundError:
        return None
    return Path(str(found[0].locate())).resolve() if found else None
