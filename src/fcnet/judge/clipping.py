"""Probabilities that have a lower limit before the logarithm: seen where the right class is improbable."""

import numpy as np

from fcnet.arrays import Array
from fcnet.judge.case import Case, told
from fcnet.judge.forms import loss_of
from fcnet.judge.hypotheses import close
from fcnet.judge.probes import Probe, draw
from fcnet.two_layernet import log_softmax, softmax

USUAL, SMALL, SMALLER = 0.3, 2e-5, 1.2e-5
"""Probabilities of the right class. A limit below the last shows in the worst predictions alone: nothing is
said of it."""


def judge_clipping(case: Case) -> None:
    """Name a lower limit of the probabilities, and leave out the main questions in which it shows."""
    question = draw(case.rng.spawn(1)[0], 5, 7, 4, 1)
    usual, small, smaller = (with_probability(question, p) for p in (USUAL, SMALL, SMALLER))
    losses = [loss_of(case.student, probe).value for probe in (usual, small, smaller)]
    if any(loss is None for loss in losses):
        return
    one, two, three = (np.asarray(loss) for loss in losses)
    if not close(one, right_loss(usual), case.tolerance) or not close(two, three, case.tolerance):
        return
    limit = float(np.exp(-two))
    if not SMALL < limit < USUAL:
        return
    case.add("LOG_CLIPPED", told(small, ["loss"]), right_loss(small), two,
             detail=f"the smallest is {limit:.3g}")  # fmt: skip
    for place, probe in enumerate(case.probes):
        if probabilities(probe).min() < limit:
            for reg in (0.0, probe.reg):
                case.observed.pop((place, "loss", reg), None)


def with_probability(question: Probe, p: float) -> Probe:
    """A network and two equal examples whose right class, 0, has the probability p."""
    params = dict(question.params)
    z = question.logits[0]
    raised = np.logaddexp.reduce(z[1:]) + np.log(p / (1 - p)) - z[0]
    params["b2"] = params["b2"] + np.where(np.arange(len(z)) == 0, raised, 0.0)
    return Probe(params, np.repeat(question.X, 2, axis=0), np.zeros(2, dtype=np.int64), 0.0)


def probabilities(probe: Probe) -> Array:
    """Those of the right classes (N,)."""
    return np.asarray(softmax(probe.logits)[np.arange(len(probe.y)), probe.y])


def right_loss(probe: Probe) -> Array:
    """Equation 12."""
    return np.asarray(-log_softmax(probe.logits)[np.arange(len(probe.y)), probe.y].mean())
