"""One sentence to each figure, with the numbers that it shows."""

from __future__ import annotations

from fcnet.report.default import RANK
from fcnet.report.reading import Records
from fcnet.report.style import percent
from fcnet.report.toy import WANTED_LOSS

SCALE = "each unit scaled by its own largest weight, middle grey is 0"


def caption(name: str, records: Records) -> str:
    """What the figure `name` shows, in one sentence."""
    return CAPTIONS[name](records)


def _overview(records: Records) -> str:
    default, tuned = records.default_history, records.tuned_history
    assert default
    assert tuned
    return (
        f"Validation accuracy of the default run ({percent(default[-1].val_accuracy)}) and of the tuned run "
        f"({percent(tuned[-1].val_accuracy)}), and the first-layer weights of both, the units with the "
        f"largest weights first, {SCALE}."
    )


def _toy_training(records: Records) -> str:
    assert records.toy
    losses = records.toy.losses
    fall = f"from {losses[0]:.2f} to {losses[-1]:.4f} nats in {len(losses)} iterations"
    return f"The toy training's loss goes {fall}; at most {WANTED_LOSS} is wanted."


def _gradient_error(records: Records) -> str:
    return (
        "Largest relative error of the gradients against central differences of step h: truncation on the "
        "right, rounding on the left, and the complex step, which has neither, below both."
    )


def _default_run(records: Records) -> str:
    return (
        "The default run: its loss and the straight line through it, its accuracy on validation and on as "
        "many training images, and the size of its updates relative to the weights."
    )


def _default_weights(records: Records) -> str:
    rank = records.diagnosis.value(RANK) if records.diagnosis else None
    pictures = records.default_pictures
    assert pictures
    different = (
        f", which amount to {rank:.1f} different pictures in all {pictures.total} units" if rank else ""
    )
    return (
        f"First-layer weights of {len(pictures.after)} of the default run's units, before and "
        f"after{different}; the units with the largest weights after it, {SCALE}."
    )


def _ladder(records: Records) -> str:
    return "Validation and training accuracy as the settings change one at a time, from default to tuned."


def _tuned_curves(records: Records) -> str:
    return (
        f"Loss (training: mean over each epoch's minibatches) and accuracy of {records.name} on validation "
        "images and on as many training images, after each epoch."
    )


def _tuned_weights(records: Records) -> str:
    pictures = records.tuned_pictures
    assert pictures
    return (
        f"First-layer weights of {records.name}'s {len(pictures.after)} units with the largest weights, "
        f"out of {pictures.total:,}{', before and after' if len(pictures.before) else ''}, {SCALE}."
    )


def _confusion(records: Records) -> str:
    return f"How {records.name}'s test images of each class are classified, in percent of the class."


def _depth(records: Records) -> str:
    assert records.study
    width = [net for net in records.study.networks if net.budget == "width"]
    equal = ", and at equal parameters" if len(width) < len(records.study.networks) else ""
    return (
        f"Accuracy of networks of {width[0].layers} to {width[-1].layers} layers after "
        f"{records.study.epochs} epochs: on validation images from each initialisation; from He's, training "
        f"and validation{equal}."
    )


def _signal(records: Records) -> str:
    assert records.study
    return (
        "Root mean square of what leaves each layer, and of the gradient of its weights, before the first "
        "step: drawn from N(0, 1e-3), a deep net passes on neither."
    )


CAPTIONS = {
    "overview": _overview,
    "toy_training": _toy_training,
    "gradient_error": _gradient_error,
    "default_run": _default_run,
    "default_weights": _default_weights,
    "ladder": _ladder,
    "tuned_curves": _tuned_curves,
    "tuned_weights": _tuned_weights,
    "confusion": _confusion,
    "depth": _depth,
    "signal": _signal,
}
