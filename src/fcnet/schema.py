"""What the files of a run folder may hold: types, ranges and lengths, checked once, when a file is read.

msgspec decodes JSON and compares it with the annotations. It refuses NaN, infinities and numbers that do not
fit, and says what is wrong and where, such as "Expected `float` <= 1.0 - at `$.metrics.val_accuracy`".
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from fcnet.errors import RunError

LARGEST = 2**53
"""Of whole numbers: the largest up to which floating-point numbers count them all."""

Fraction = Annotated[float, Meta(ge=0, le=1)]
NotNegative = Annotated[float, Meta(ge=0)]
Positive = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1, le=LARGEST)]
Whole = Annotated[int, Meta(ge=0, le=LARGEST)]
Word = Annotated[str, Meta(max_length=500)]
Place = Annotated[str, Meta(max_length=5_000)]
Object = dict[str, Any]

JSON_LIMIT = 1 << 22
HISTORY_LIMIT = 1 << 26
SETTINGS_LIMIT = 1 << 13
"""The most bytes of a record, of a history, and of settings: a name of that length takes TOML a second."""

TENSORS_LIMIT = 1 << 33
"""The most bytes of weights, of a checkpoint, and of whatever else is hashed."""

T = TypeVar("T")


class Data(Struct):
    """What a record says of the data."""

    name: Word
    label: Word
    path: Place
    sha256: Word
    kind: Word = ""
    official: bool | None = None
    note: Word = ""
    how: Place = ""
    image_size: Count | None = None


class Examples(Struct):
    """How many examples a training had."""

    train: Count
    validation: Count


class Metrics(Struct):
    """What a training reached; losses in nats."""

    train_accuracy: Fraction
    train_loss: NotNegative
    val_accuracy: Fraction
    val_loss: NotNegative


class Unaveraged(Struct):
    """What the weights of the last step reached, where others were saved: their average."""

    val_accuracy: Fraction
    val_loss: NotNegative


class Machine(Struct):
    """Where a training took place."""

    python: Word
    versions: dict[Word, Word]
    system: Word
    processor: Word
    cores: Count
    commit: Word
    command: str


class Record(Struct):
    """record.json: a finished training."""

    config: Object
    seed: int
    data: Data
    examples: Examples
    parameters: Count
    seconds: NotNegative
    steps: Count
    metrics: Metrics
    environment: Machine
    unaveraged: Unaveraged | None = None
    engine: Object = {}


class Tested(Struct):
    """test.json: the use of the test set."""

    accuracy: Fraction
    loss: NotNegative
    images: Count
    count: Count
    classes: list[Word]
    confusion: list[list[Whole]]

    def __post_init__(self) -> None:
        lengths = {len(self.confusion), *map(len, self.confusion)}
        if lengths != {len(self.classes)}:
            raise ValueError(f"confusion is not {len(self.classes)} x {len(self.classes)}")


def decoded(content: bytes | str, kind: type[T]) -> T:
    """JSON as what it has to be.

    Raises
    ------
    ValueError : it is not JSON, or something else; the text says what is wrong and where
    """
    try:
        return msgspec.json.decode(content, type=kind)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def checked(values: Any, kind: type[T], path: Path) -> T:
    """Plain values of a file as what they have to be.

    Raises
    ------
    RunError : they are something else; the text names the file, and says what is wrong and where
    """
    try:
        return msgspec.convert(values, kind)
    except ValueError as error:
        raise RunError(f"{path} is damaged: {error}; restore it or repeat the run") from error
