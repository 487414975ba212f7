"""What a recipe, a plan, a log and a record may hold, and their hashes."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from fcnet.records import as_json
from fcnet.schema import Count, Fraction, NotNegative, Object, Whole, Word, read_as

FORMAT: Literal[1] = 1
"""Version of the record's layout."""

CORES = 2
"""Processors that a training with the budget of a CPU may use."""

MOST_SEEDS = 100

SEED_BITS = 31
"""Seeds are drawn below 2 to this power."""

Digest = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
"""A sha256."""

Moment = Annotated[str, Meta(pattern=r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00\Z")]
"""A time of day in UTC, in milliseconds; such texts sort as the times do."""

T = TypeVar("T")


class Budget(Struct, frozen=True, forbid_unknown_fields=True):
    """What the training of one seed may take, at most.

    minutes : wall-clock time, as `seconds` of a run's record counts it: from the preprocessing, whitening
        included, to the last evaluation, checkpoints and evaluations included. The time in which Python
        starts, the data are loaded, and the trained network is tested does not count.
    device : "cpu" for `CORES` processors, "gpu" for one GPU of NVIDIA
    """

    minutes: Annotated[float, Meta(gt=0, le=100_000)]
    device: Literal["cpu", "gpu"] = "cpu"

    @property
    def seconds(self) -> float:
        return 60 * self.minutes


class Fold(Struct, frozen=True, forbid_unknown_fields=True):
    """What is folded into one network, as by `fcnet fold`.

    mirror, shift : views of the images
    nets : networks that are trained at the same time, each on its share of the processors; one if not given
    """

    mirror: bool = False
    shift: Annotated[int, Meta(ge=0, le=100)] = 0
    nets: Annotated[int, Meta(ge=2, le=CORES)] | UnsetType = UNSET


class Recipe(Struct, frozen=True, forbid_unknown_fields=True):
    """What is trained.

    settings : as `fcnet train` has them, without the seed; those that are left out have its defaults
    fold : None to keep the network as it was trained
    seeds : how many; None for as few as the budget allows
    """

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    budget: Budget
    settings: Object
    fold: Fold | None = None
    seeds: Annotated[int, Meta(ge=1, le=MOST_SEEDS)] | None = None

    @property
    def nets(self) -> int:
        """Networks that are trained for one seed."""
        return 1 if self.fold is None or self.fold.nets is UNSET else self.fold.nets


class Source(Struct, frozen=True, forbid_unknown_fields=True):
    """The images of a plan: sha256 as in a run's record; numbers of classes and of test images."""

    name: Word
    label: Word
    sha256: Word
    classes: Count
    test_images: Count


class Beat(Struct, frozen=True, forbid_unknown_fields=True):
    """The record to beat: its accuracy of each seed, or the one number that was published."""

    what: Word
    accuracies: Annotated[list[Fraction], Meta(min_length=1, max_length=MOST_SEEDS)]


class Machine(Struct, frozen=True, forbid_unknown_fields=True):
    """What a time depends on; gpu is empty where none is used."""

    system: Word
    processor: Word
    cores: Count
    python: Word
    versions: dict[Word, Word]
    gpu: Word = ""


class Plan(Struct, frozen=True, forbid_unknown_fields=True):
    """What is known before the first training starts.

    settings : of the trainings, complete but for the seed
    layers : linear layers of the network
    source_sha256 : of the source of fcnet, see `fcnet.protocol.plan.source_hash`
    commit : of the checkout that fcnet ran from, for people; the hash decides
    nonce : what the seeds depend on besides the recipe, settings, data, source and record to beat
    nonce_given : whether somebody chose the nonce, and not the machine at random
    seeds : as `fcnet.protocol.plan.seeds_of` draws them
    """

    format: Literal[1]
    when: Moment
    recipe: Recipe
    recipe_sha256: Digest
    settings: Object
    layers: Count
    source_sha256: Digest
    commit: Word
    data: Source
    beat: Beat | None
    nonce: Word
    nonce_given: bool
    seeds: Annotated[list[Whole], Meta(min_length=1, max_length=MOST_SEEDS)]
    machine: Machine


class Started(Struct, frozen=True, forbid_unknown_fields=True, tag_field="what", tag="started"):
    """A process begins or resumes a training.

    source_sha256, machine_sha256 : of the source of fcnet and of `Machine` at this moment
    load : processes that want to run, as a mean over the last minute; None where the system does not say
    """

    seed: Whole
    source_sha256: Digest
    machine_sha256: Digest
    load: NotNegative | None = None


class Use(Struct, frozen=True, forbid_unknown_fields=True):
    """The use of the test images by one network; count is how often this network has seen them."""

    accuracy: Fraction
    loss: NotNegative
    images: Count
    count: Count


class Ended(Struct, frozen=True, forbid_unknown_fields=True, tag_field="what", tag="ended"):
    """What became of a seed.

    outcome : "trained"; or a failure, "diverged" or "over budget"
    why : of a failure, in words
    seconds : of the training, see `Budget`; of several nets, of the one that took longest
    epochs, steps : that were done; of several nets, the epochs of the first and the steps of all
    step_flops : floating-point operations of a step's matrix products
    cores : processors that the training could use
    engine : as in the run's record: name, device, precision
    settings_sha256 : of the settings in the run's folder, without the seed
    run_sha256 : of the SHA256SUMS of the run folder, or of all of them; None for a failure
    val_accuracy : on the validation split, of the network as it was trained, or the first of several; None
        for a failure
    plain, folded : the test images, without folding (of several nets, the first) and with it; None for a
        failure or without folding
    """

    seed: Whole
    outcome: Literal["trained", "diverged", "over budget"]
    seconds: NotNegative
    epochs: NotNegative
    steps: Whole
    step_flops: Whole
    parameters: Count
    cores: Count
    engine: Object
    settings_sha256: Digest
    run_sha256: Digest | None = None
    val_accuracy: Fraction | None = None
    plain: Use | None = None
    folded: Use | None = None
    why: Word = ""

    @property
    def failed(self) -> bool:
        return self.outcome != "trained"


class Entry(Struct, frozen=True, forbid_unknown_fields=True):
    """An entry of the log; its hash covers all else in it, and so the entries before."""

    when: Moment
    event: Started | Ended
    previous: Digest
    sha256: Digest

    def __post_init__(self) -> None:
        datetime.fromisoformat(self.when)  # raises ValueError for a month of 99


class Summary(Struct, frozen=True, forbid_unknown_fields=True):
    """Mean, standard deviation, and 95 % interval of the mean; all but the mean need two seeds."""

    mean: Fraction
    deviation: NotNegative | None
    low: float | None
    high: float | None


class Result(Struct, frozen=True, forbid_unknown_fields=True):
    """What follows from plan and log; in the order of the plan's seeds.

    accuracies : test accuracy of each seed, folded where the recipe folds; a failure counts as guessing
    plain_accuracies : the same without folding
    p : probability of so large a lead over the record to beat by chance alone; None without one
    test : by which test
    """

    failures: Whole
    accuracies: Annotated[list[Fraction], Meta(min_length=1, max_length=MOST_SEEDS)]
    plain_accuracies: Annotated[list[Fraction], Meta(min_length=1, max_length=MOST_SEEDS)]
    summary: Summary
    plain_summary: Summary
    mean_seconds: NotNegative
    p: Fraction | None = None
    test: Word = ""


class Record(Struct, frozen=True, forbid_unknown_fields=True):
    """The file of a record."""

    plan: Plan
    log: Annotated[list[Entry], Meta(max_length=100 * MOST_SEEDS)]
    result: Result


def digest(content: Any) -> str:
    """The sha256 of a value as JSON with sorted names and without spaces."""
    plain = msgspec.to_builtins(content)
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def now() -> str:
    """The time of day, as `Moment`."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def read(path: Path, kind: type[T]) -> T:
    """Read a plan, a record, or another of these values.

    Raises
    ------
    RunError : the file is missing, unreadable or something else; the text names it and the place in it
    """
    wrong = f"is not a {kind.__name__.lower()} of fcnet record"
    return read_as(path, kind, "give the file that fcnet record wrote, or restore it", wrong)


def text_of(content: Struct) -> str:
    """One of these values as JSON for people and programs."""
    return as_json(msgspec.to_builtins(content))
