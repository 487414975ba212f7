"""What a watched training keeps in RUN/live for the live page, and the page's wish that it reads there.

state.json      evaluations so far, what was measured at them, weights, answers on the validation split
progress.json   how far it is, about every second
control.json    what the page wishes: to pause or to stop
"""

import base64
import math
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from fcnet.data.dataset import Part
from fcnet.files import exists, write_atomically
from fcnet.net.losses import softmax
from fcnet.schema import LARGEST, Count, Fraction, NotNegative, Place, Word, read_as
from fcnet.train.history import Evaluation

FOLDER = "live"
"""In a run folder, the folder of these files."""

NUMBERS = 50_000
"""The most pixels that the pictures of one evaluation have in all: of weights, and of mistakes."""

UNITS, MISTAKES = 16, 12
"""The most units whose weights are shown, and the most confident mistakes."""

FRAMES = 12
"""Moments whose first-layer weights are kept."""

CLASSES = 50
"""The most classes of which a confusion matrix is shown."""

ROWS = 1000
"""Evaluations that are kept here; the run's history has them all."""

LAYERS = 300
"""The most layers whose numbers are shown."""

Pixels = Annotated[
    str,
    Meta(
        max_length=2_000_000,
        pattern="^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
    ),
]
"""Bytes in base64."""

Norms = Annotated[dict[Word, NotNegative], Meta(max_length=LAYERS)]
Counts = Annotated[list[Annotated[int, Meta(ge=0, le=LARGEST)]], Meta(max_length=CLASSES)]

Wish = Literal["run", "pause", "stop"]

T = TypeVar("T")


class Measured(Struct):
    """What was measured at one evaluation.

    step : steps done
    updates : of each weight matrix, the norm of the next step's update divided by the norm of the weights
    gradients : of each weight matrix, the norm of the gradient of (13) on a fixed batch of training images
    dead : of each ReLU layer, the share of units that are off for all of that batch
    """

    step: Count
    gradients: Norms
    dead: Annotated[list[Fraction], Meta(max_length=LAYERS)]
    updates: Norms = {}


class Mistake(Struct):
    """A wrong answer on the validation split.

    index : of the example in the split
    label, said : the true class and the answer
    probability : of the answer
    pixels : (D,) uint8
    """

    index: Annotated[int, Meta(ge=0, le=LARGEST)]
    label: Annotated[int, Meta(ge=0, le=LARGEST)]
    said: Annotated[int, Meta(ge=0, le=LARGEST)]
    probability: Fraction
    pixels: Pixels = ""


class Seen(Struct):
    """What a network says of the validation split.

    confusion : (K, K) counts, a row for each true class; empty for too many classes
    mistakes : the most confident ones, the surest first
    """

    confusion: Annotated[list[Counts], Meta(max_length=CLASSES)]
    mistakes: Annotated[list[Mistake], Meta(max_length=MISTAKES)]


class Frame(Struct):
    """First-layer weights after so many steps: int8, (units, D), each unit scaled to its largest weight."""

    step: Annotated[int, Meta(ge=0, le=LARGEST)]
    weights: Pixels


class State(Struct):
    """state.json."""

    command: Literal["train", "tune", "reproduce"]
    classes: list[Word]
    shape: tuple[Count, Count, Count]
    rows: Annotated[list[Evaluation], Meta(max_length=ROWS)] = []
    measured: Annotated[list[Measured], Meta(max_length=ROWS)] = []
    frames: Annotated[list[Frame], Meta(max_length=FRAMES)] = []
    seen: Seen | None = None
    own_file: Place = ""


class Progress(Struct):
    """progress.json: steps done and in all, seconds left, a running mean of the loss in nats."""

    step: Count
    total: Count
    left: NotNegative
    loss: NotNegative
    paused: bool = False


class Control(Struct):
    """control.json."""

    wish: Wish


class LiveFolder:
    """The places in RUN/live."""

    def __init__(self, run: Path) -> None:
        self.state = run / FOLDER / "state.json"
        self.progress = run / FOLDER / "progress.json"
        self.control = run / FOLDER / "control.json"


def read_live(path: Path, kind: type[T]) -> T | None:
    """Read one of these files; None where there is none.

    Raises
    ------
    RunError : it is damaged, or of another version
    """
    return read_as(path, kind, "delete it", "is damaged or of another version") if exists(path) else None


def write_live(path: Path, content: Struct) -> None:
    """Write one of these files.

    Raises
    ------
    RunError : it cannot be written
    """
    write_atomically(path, msgspec.json.encode(content), durable=False)


def seen_in(logits: NDArray[Any], part: Part, pictures: bool) -> Seen:
    """What class scores (N, K) say of a split of N examples; `pictures` asks for the mistakes' pixels."""
    K = logits.shape[1]
    P = softmax(logits)
    said, labels = P.argmax(axis=1), np.asarray(part.labels)
    counts = np.bincount(labels * K + said, minlength=K * K).reshape(K, K)
    sure = P[np.arange(len(P)), said]
    wrong = np.flatnonzero(said != labels)
    wrong = wrong[np.argsort(-sure[wrong], kind="stable")][: at_most(MISTAKES, part.images.shape[1])]
    mistakes = [
        Mistake(
            int(n), int(labels[n]), int(said[n]), float(sure[n]),
            in_text(np.asarray(part.images[n])) if pictures else "",
        )
        for n in wrong
    ]  # fmt: skip
    return Seen(counts.tolist() if K <= CLASSES else [], mistakes)


def frame_of(step: int, W: NDArray[Any]) -> Frame:
    """First-layer weights (D, units) as a frame."""
    largest = np.abs(W).max(axis=0)
    scaled = np.rint(127 * (W / np.where(largest > 0, largest, 1))).astype(np.int8)  # also of 3e38
    return Frame(step, in_text(scaled.T))


def chosen_units(width: int, size: int) -> NDArray[np.int64]:
    """The units whose weights are shown, evenly spread over a layer; each is a picture of `size` numbers."""
    # they differ, since neighbours are at least 1 apart; np.unique would import numpy.ma for 15 ms
    return np.linspace(0, width - 1, min(width, at_most(UNITS, size)), dtype=np.int64)


def at_most(count: int, size: int) -> int:
    """How many pictures of so many numbers fit, at least one and at most `count`."""
    return max(1, min(count, NUMBERS // size))


def in_text(numbers: NDArray[Any]) -> str:
    """Numbers of one byte each, in base64."""
    return base64.b64encode(np.ascontiguousarray(numbers).tobytes()).decode()


def thinned(rows: list[T], most: int) -> list[T]:
    """At most so many of the rows, evenly spaced, the last one among them."""
    return rows[:: -math.ceil(len(rows) / most)][::-1] if len(rows) > most else rows
