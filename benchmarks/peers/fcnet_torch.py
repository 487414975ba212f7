"""Our PyTorch network, through the engine of `fcnet train --engine torch`, in float32."""

from __future__ import annotations

from contextlib import ExitStack

from fcnet.data.dataset import Dataset, Origin, Part
from fcnet.runs.engines import workplace
from peers.fcnet import Engined, config, names
from problem import Problem

NAME, NEEDS, PRECISION = "fcnet, PyTorch", ("torch",), "float32"


def setup(problem: Problem, precision: str = PRECISION) -> Engined:
    settings = config(problem, engine="torch", device="cpu", precision=precision)
    part = Part(problem.images, problem.labels)
    origin = Origin("memory", "", None)
    dataset = Dataset("benchmark", part, part, names(problem), problem.image_shape, origin)
    opened = ExitStack()
    place = opened.enter_context(workplace(settings))
    peer = Engined(place.engine(part, dataset), problem)
    peer.opened = opened.pop_all()  # type: ignore[attr-defined]  # open as long as the peer lives
    return peer
