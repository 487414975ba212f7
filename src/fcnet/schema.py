"""What the files of a run folder may hold: types, ranges and lengths, checked once, when a file is read.

msgspec decodes JSON and compares it with the annotations. It refuses NaN, infinities and numbers that do not
fit, and says what is wrong and where, such as "Expected `float` <= 1.0 - at `$.metrics.val_accuracy`".
"""

from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from fcnet.errors import RunError
from fcnet.files import RESTORE, read_file

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


class Settings(Struct):
    """Those settings of a training that a report reads."""

    hidden: list[Count]
    validation: Count
    preprocessing: Word
    schedule: Word


class Record(Struct):
    """record.json: a finished training."""

    config: Settings
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


def read_as(path: Path, kind: type[T], remedy: str | None = None, wrong: str = "is damaged") -> T:
    """Read a JSON file as what it has to be.

    Parameters
    ----------
    path, kind : the file, and what it has to hold
    remedy : what the error tells the user to do, where it is not a file of a finished run
    wrong : what it says of a file that holds something else

    Raises
    ------
    RunError : it cannot be read, is not JSON or something else; the text names it, and says what and where
    """
    try:
        return decoded(read_file(path, JSON_LIMIT, remedy), kind)
    except ValueError as error:
        raise RunError(f"{path} {wrong}: {error}; {remedy or RESTORE}") from error


def read_lines(path: Path, kind: type[T], remedy: str) -> list[T]:
    """Read a file of JSON lines, each as what it has to be.

    Raises
    ------
    RunError : as `read_as`; the text names the line
    """
    rows = []
    for number, line in enumerate(read_file(path, HISTORY_LIMIT, remedy).splitlines(), 1):
        try:
            rows.append(decoded(line, kind))
        except ValueError as error:
            raise RunError(f"{path} is damaged in line {number}: {error}; {remedy}") from error
    return rows


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


def checked(values: Any, kind: type[T], path: Path, remedy: str = RESTORE) -> T:
    """Plain values of a file as what they have to be.

    Raises
    ------
    RunError : they are something else; the text names the file, and says what is wrong and where
    """
    try:
        return msgspec.convert(values, kind)
    except ValueError as error:
        raise RunError(f"{path} is damaged: {error}; {remedy}") from error
