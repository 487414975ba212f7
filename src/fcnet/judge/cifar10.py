"""`--cifar10`: the exercise's default training (3b), the submission's beside ours."""

from dataclasses import dataclass

import numpy as np

from fcnet.arrays import Array
from fcnet.data.dataset import Dataset
from fcnet.judge.case import Case
from fcnet.judge.student import losses_of
from fcnet.judge.trainer import Settings, keywords_of
from fcnet.two_layernet import TwoLayerNet

TRAINING, VALIDATION = 10_000, 1_000
"""Pictures that are used: the curve of the first 1,000 steps hardly depends on the rest."""

SETTINGS = Settings(learning_rate=1e-4, learning_rate_decay=0.95, reg=0.25, num_iters=1000, batch_size=200)
HIDDEN, STD = 50, 1e-4
WINDOW = 50
"""Steps over which the loss is averaged before it is compared."""

APART = 0.06
"""How far the averaged losses of two right solutions may lie apart, in nats; they do by 0.02."""


@dataclass(frozen=True)
class Images:
    """Centred pictures X (N, 3072) float32 and labels y (N,), to train on and to validate with."""

    X: Array
    y: Array
    X_val: Array
    y_val: Array
    label: str


def images_of(dataset: Dataset) -> Images:
    """The pictures of a data set, less the mean picture of those that are trained on."""
    pictures = (
        dataset.train.images[: TRAINING + VALIDATION].reshape(TRAINING + VALIDATION, -1).astype(np.float32)
    )
    labels = np.asarray(dataset.train.labels[: TRAINING + VALIDATION], np.int64)
    pictures -= pictures[:TRAINING].mean(axis=0)
    return Images(
        pictures[:TRAINING], labels[:TRAINING], pictures[TRAINING:], labels[TRAINING:], dataset.label
    )


def judge_images(case: Case, images: Images) -> None:
    """Train the submission and ours with the exercise's default settings, and compare the curves."""
    case.reached.append("cifar10")
    ours = our_losses(images)
    student = case.student
    reply = student.construct(images.X.shape[1], HIDDEN, 10, std=STD)
    method = student.train_method or "train"
    keywords = keywords_of(student, method, SETTINGS)
    args = [images.X, images.y, images.X_val, images.y_val]
    question = f"the default training on {len(images.X):,} pictures of {images.label}"
    if not reply.ok:
        case.add("CIFAR10_CURVE", question, "a network of 3072, 50 and 10 units", "none")
        return
    answer = student.call(f"{images.X.shape[1]}x{HIDDEN}x10", method, args, keywords)
    losses = losses_of(answer.value)
    if answer.failure is not None or losses is None or losses.size < SETTINGS.num_iters // 2:
        got = (
            f"{answer.failure.kind} {answer.failure.message}"
            if answer.failure is not None
            else "no loss history"
        )
        case.add("CIFAR10_CURVE", question, "a loss of each step", got)
        return
    told = [float(np.mean(part)) for part in np.array_split(losses.ravel()[: len(ours)], len(ours) // WINDOW)]
    wanted = [float(np.mean(part)) for part in np.array_split(ours, len(ours) // WINDOW)]
    apart = max(abs(a - b) for a, b in zip(told, wanted, strict=True))
    if not apart <= APART:
        case.add(
            "CIFAR10_CURVE",
            question,
            {"mean losses of 50 steps": wanted[::4]},
            {"mean losses of 50 steps": told[::4]},
        )
        return
    case.notes.append(
        f"{question}: the loss falls from {told[0]:.3f} to {told[-1]:.3f}, ours to {wanted[-1]:.3f}; "
        f"at most {apart:.3f} apart"
    )


def our_losses(images: Images) -> Array:
    """The losses of our own training."""
    net = TwoLayerNet(images.X.shape[1], HIDDEN, 10, std=STD, rng=np.random.RandomState(0))
    net.params = {name: value.astype(np.float32) for name, value in net.params.items()}
    done = net.train(images.X, images.y, images.X_val, images.y_val, **SETTINGS.__dict__)
    return np.array(done["loss_history"])
