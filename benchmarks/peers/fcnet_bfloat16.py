"""Our NumPy network with products in bfloat16 through oneDNN, weights and updates in float32."""

from __future__ import annotations

from peers.fcnet import Engined, engined
from problem import Problem

NAME, NEEDS, PRECISION = "fcnet, bfloat16", (), "bfloat16"


def lacks() -> str:
    from fcnet.errors import FcnetError
    from fcnet.net.onednn import require

    try:
        require()
    except FcnetError as error:
        return str(error)
    return ""


def setup(problem: Problem) -> Engined:
    return engined(problem, precision=PRECISION)
