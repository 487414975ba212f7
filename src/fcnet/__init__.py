"""Fully-connected networks from first principles: clear, proved, and fast."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fcnet.estimator import FCNetClassifier as FCNetClassifier
    from fcnet.estimator import FCNetRegressor as FCNetRegressor
    from fcnet.live.notebook import display as display
    from fcnet.two_layernet import TwoLayerNet as TwoLayerNet

__version__ = "0.1.0"
__all__ = ["FCNetClassifier", "FCNetRegressor", "TwoLayerNet", "__version__", "display"]

_HOMES = {
    "FCNetClassifier": "fcnet.estimator",
    "FCNetRegressor": "fcnet.estimator",
    "TwoLayerNet": "fcnet.two_layernet",
    "display": "fcnet.live.notebook",
}


def __getattr__(name: str) -> object:
    """Import the public classes on first use, so that `import fcnet` stays quick.

    Raises
    ------
    MissingExtraError : FCNetClassifier or FCNetRegressor, where scikit-learn is not installed
    """
    if name not in _HOMES:
        raise AttributeError(f"module 'fcnet' has no attribute {name!r}")
    from importlib import import_module

    if _HOMES[name] == "fcnet.estimator":
        from fcnet.extras import require

        require("sklearn", "sklearn")
    return getattr(import_module(_HOMES[name]), name)
