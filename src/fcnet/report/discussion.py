"""Question 4: the results of the study of depth. Each sentence follows from the numbers that it states.

A difference of two means counts where it is above `NOISE` standard errors. These have two sources: the seeds,
whose variance is divided by their number, and the validation images, p (1 - p) / n for an accuracy p on n
images. (Two nets see the same images, which makes the second source smaller by about as much as taking a
difference of two makes it larger.) With one seed the first source is unknown; the sentences say so.
"""

import math
from collections.abc import Sequence

from fcnet.report.reading import initialisation_name
from fcnet.stages import COMPARED, Accuracy, Depth, Study
from fcnet.wording import percent, points

NOISE = 2.0
"""Standard errors up to which a difference of means is called noise."""

STARTED = 1.5
"""A net has started if its training accuracy is this many times that of guessing."""

ONE_SEED = "with one seed each, the difference may be chance"


def discuss(study: Study, classes: int = 10) -> list[str]:
    """Describe the results of the study: optimisation, capacity, overfitting, the gain from depth.

    Parameters
    ----------
    study : its networks and signals
    classes : K, of which guessing gets one in K right

    Returns
    -------
    sentences : a paragraph for each topic, each with its numbers
    """
    he, equal = study.of("width", "he"), study.of("parameters")
    said = [_start(study.of("width"), classes), *([_signal(study)] if study.signals else [])]
    said += [_initialisation(study), _capacity(he), _gap(he), _gain(he)]
    return [*said, _parameters(equal)] if equal else said


def _start(nets: Sequence[Depth], classes: int) -> str:
    """Optimisation: which nets start to learn at all."""
    stuck = [net for net in nets if net.training.mean < STARTED / classes]
    if not stuck:
        worst = min(nets, key=lambda net: net.training.mean)
        return (
            f"Optimisation: every net starts. The slowest, {_name(worst)}, still reaches "
            f"{percent(worst.training.mean)} on the training images."
        )
    best = max(net.training.mean for net in stuck)
    does = "does" if len(stuck) == 1 else "do"
    return (
        f"Optimisation: {', '.join(map(_name, stuck))} {does} not start. After {stuck[0].epochs} epochs the "
        f"best of them gets {percent(best)} of the training images right; guessing gets "
        f"{percent(1 / classes)}."
    )


def _signal(study: Study) -> str:
    """Why: how the signal fades on its way through the deepest net, and the gradient with it."""
    deepest = study.deepest
    there = {one.initialisation: one for one in study.signals if one.layers == deepest}
    small, he = (there[how] for how in COMPARED)
    (first, last), (he_first, he_last) = ((one.activations[0], one.activations[-1]) for one in (small, he))
    gradient, he_gradient = small.gradients[0], he.gradients[0]
    return (
        f"The reason: in {deepest} layers drawn from N(0, 1e-3) the signal shrinks from {first:.1e} after "
        f"the first layer to {last:.1e} in the logits, a factor of {last / first:.1e}. With He's "
        f"initialisation it goes from {he_first:.2f} to {he_last:.2f}, a factor of {he_last / he_first:.2f}. "
        f"The gradient of the first layer is {gradient:.1e} instead of {he_gradient:.1e}, a factor of "
        f"{gradient / he_gradient:.1e}: almost nothing is left that could change the weights. Dead units are "
        f"not the cause: at most {percent(max(small.dead))} of a layer's units are off for every image, and "
        f"{percent(max(he.dead))} with He's initialisation."
    )


def _initialisation(study: Study) -> str:
    """He's initialisation against PyTorch's default, depth by depth."""
    he, others = study.of("width", "he"), {net.layers: net for net in study.of("width", "pytorch")}
    pairs = [(net, others[net.layers]) for net in he if net.layers in others]
    if not pairs:
        low = min(net.validation.mean for net in he)
        return f"Initialisation: with He's initialisation every depth trains, to {percent(low)} or more."
    told = ", ".join(
        f"{points(_difference(a, b))} at {a.layers} layers{'' if _differs(a, b) else ' (noise)'}"
        for a, b in pairs
    )
    return (
        f"Initialisation: the variance of PyTorch's default is a sixth of He's. On validation images He's "
        f"initialisation differs from it by {told}."
    )


def _capacity(nets: Sequence[Depth]) -> str:
    """Training accuracy against depth: the closest fit against the shallowest net's."""
    first, best = nets[0], max(nets, key=lambda net: net.training.mean)
    gain = best.training.mean - first.training.mean
    told = ", ".join(f"{percent(net.training.mean)} at {net.layers}" for net in nets)
    more, error = best.parameters / first.parameters, _error(first.training, best.training)
    if best is first:
        verdict = "no deeper net fits the training images better than two layers"
    elif first.seeds > 1 and gain <= NOISE * error:
        verdict = f"{best.layers} layers are {points(gain)} above {first.layers}, which is noise"
    else:
        verdict = (
            f"{best.layers} layers, with x {more:.2f} parameters, fit the training images better than "
            f"{first.layers} ({points(gain)})"
        )
        verdict += f"; {ONE_SEED}" if first.seeds == 1 else ""
    return f"Capacity: training accuracy is {told} layers: {verdict}."


def _gap(nets: Sequence[Depth]) -> str:
    """Overfitting: training minus validation accuracy against depth."""
    gaps = [net.training.mean - net.validation.mean for net in nets]
    first, last, change = nets[0], nets[-1], gaps[-1] - gaps[0]
    seeds = _error(first.training, last.training, first.validation, last.validation)
    if abs(change) <= NOISE * math.hypot(seeds, _images_error(first, last)):
        verdict = "the deepest net does not differ from the shallowest by more than noise"
    else:
        verdict = f"the deepest overfits {'more' if change > 0 else 'less'} than the shallowest"
        verdict += f"; {ONE_SEED}" if first.seeds == 1 else ""
    told = ", ".join(f"{100 * gap:.1f} at {net.layers}" for gap, net in zip(gaps, nets, strict=True))
    return f"Overfitting: training accuracy exceeds validation accuracy by {told} layers (points): {verdict}."


def _gain(nets: Sequence[Depth]) -> str:
    """The gain from depth on validation images, and how much longer the training takes."""
    first, best = nets[0], max(nets, key=lambda net: net.validation.mean)
    if best is first:
        return (
            f"Gain: no deeper network is better after {first.epochs} epochs. "
            f"The {first.layers}-layer network is the best on validation images, at {first.validation}."
        )
    return (
        f"Gain: the best on validation images has {best.layers} layers, {best.validation} against "
        f"{first.validation} of {first.layers} layers: {points(_difference(best, first))}, "
        f"{_verdict(best, first)}, for x {best.seconds / first.seconds:.2f} training time."
    )


def _parameters(nets: Sequence[Depth]) -> str:
    """The same question for deeper nets that are narrower."""
    first, best = nets[0], max(nets, key=lambda net: net.validation.mean)
    told = ", ".join(f"{net.layers} layers of {net.width}: {percent(net.validation.mean)}" for net in nets)
    gain = points(_difference(best, first))
    off = max(abs(net.parameters / first.parameters - 1) for net in nets)
    if best is first:
        verdict = "no deeper network is better"
    elif _differs(best, first):
        verdict = f"depth alone adds {gain}"
    else:
        verdict = f"the best is {gain} above two layers, which is noise"
    return f"At equal parameters ({first.parameters:,} to within {100 * off:.1f} %): {told}; {verdict}."


def _difference(a: Depth, b: Depth) -> float:
    return a.validation.mean - b.validation.mean


def _differs(a: Depth, b: Depth) -> bool:
    """Whether two mean validation accuracies differ by more than seeds and images explain."""
    error = math.hypot(_error(a.validation, b.validation), _images_error(a, b))
    return abs(_difference(a, b)) > NOISE * error


def _verdict(a: Depth, b: Depth) -> str:
    if not _differs(a, b):
        return "within noise" if a.seeds > 1 else "within the noise of the validation images alone"
    return "more than noise" if a.seeds > 1 else f"more than the validation images explain, but {ONE_SEED}"


def _error(*accuracies: Accuracy) -> float:
    """The standard error that the seeds leave in a sum or difference of means."""
    return math.sqrt(sum(one.std**2 / one.seeds for one in accuracies))


def _images_error(a: Depth, b: Depth) -> float:
    """The standard error that the choice of validation images leaves in a difference of the two."""
    p = (a.validation.mean + b.validation.mean) / 2
    return math.sqrt(p * (1 - p) / a.images)


def _name(net: Depth) -> str:
    return f"{net.layers} layers from {initialisation_name(net.initialisation)}"
