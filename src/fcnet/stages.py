"""The files of a reproduction, and what they may hold: checked once, when a file is read.

reproduction.json        which data, and whether in short
toy.json                 questions 1 and 2: `Toy`
ladder.json              question 3, what each change of the settings brings: `Ladder`
default/diagnosis.json   question 3, what is wrong with the default run: `Diagnosis`
depth.json               question 4, the study of depth: `Study`
results.json             the numbers of all of them: `Results`

Fractions are in [0, 1], losses in nats.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from fcnet.records import read_json
from fcnet.schema import Count, Fraction, NotNegative, Place, Positive, Whole, Word
from fcnet.wording import mean_percent


class Begun(Struct, frozen=True):
    """What a reproduction was begun with."""

    quick: bool
    sha256: Word


# Questions 1 and 2


class Parameter(Struct, frozen=True):
    """Central differences and the complex step against the gradient of one parameter.

    errors : for each h the largest relative error; None where a kink leaves nothing to compare
    complex_error : the largest relative error against the complex step; None if it was not finite
    dead : entries whose derivative is exactly 0
    references : the largest relative error against other references, by their names
    """

    errors: tuple[NotNegative | None, ...]
    complex_error: NotNegative | None
    dead: Whole
    references: dict[Word, NotNegative] = {}


class Audit(Struct, frozen=True):
    """The gradient audit: its steps h, and each parameter; where it failed, why."""

    steps: tuple[Positive, ...]
    parameters: dict[Word, Parameter]
    passed: bool
    reason: Place = ""

    def __post_init__(self) -> None:
        if any(len(one.errors) != len(self.steps) for one in self.parameters.values()):
            raise ValueError("it has not one error for each h")


class ToyNumbers(Struct, frozen=True):
    """What of the toy problem belongs to the results."""

    scores_difference: NotNegative
    loss: NotNegative
    loss_difference: NotNegative
    gradient_relative_error: Annotated[dict[Word, NotNegative], Meta(min_length=1)]
    final_training_loss: NotNegative


class Toy(ToyNumbers, frozen=True):
    """Scores, loss and gradients of the toy problem, and the losses of its training."""

    audit: Audit
    losses: Annotated[tuple[NotNegative, ...], Meta(min_length=1)] = field(name="loss_history")

    def __post_init__(self) -> None:
        if not self.gradient_relative_error.keys() <= self.audit.parameters.keys():
            raise ValueError("the audit lacks a parameter")


# Question 3


class Rung(Struct, frozen=True):
    """One change of the settings, the accuracies that the net reached with it, and its training's seconds."""

    change: Word
    train_accuracy: Fraction
    val_accuracy: Fraction
    seconds: NotNegative


class Ladder(Struct, frozen=True):
    """What each change of the settings brings, on top of those before it."""

    rungs: tuple[Rung, ...]


GAP, RANK = "training minus validation accuracy", "effective rank of the first layer"
"""Names of findings: the gap after the last step, and how many different pictures the units amount to."""

STRAIGHT = 0.9
"""Share of a loss's course, explained by a straight line, from which it is called straight."""

SMALL_GAP = 0.02
"""Gap between training and validation accuracy up to which there is none to speak of."""

HEALTHY_UPDATE = 1e-3
"""Size of an update relative to its weights that a healthy training is near (A. Karpathy, CS231n notes)."""


class Finding(Struct, frozen=True):
    """A measurement, and what it says: a sentence with the number in it."""

    name: Word
    value: float
    sentence: Place


class Diagnosis(Struct, frozen=True):
    """Findings, and in rows the sizes of updates relative to the weights, by step."""

    findings: tuple[Finding, ...]
    rows: tuple[dict[Word, NotNegative], ...] = field(name="updates")

    def __post_init__(self) -> None:
        if any(row.keys() != self.rows[0].keys() or "step" not in row for row in self.rows):
            raise ValueError("its updates are not of the same weights at each step")

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps at which updates were measured."""
        return tuple(int(row["step"]) for row in self.rows)

    @property
    def updates(self) -> dict[str, tuple[float, ...]]:
        """The sizes of the updates of each weight matrix."""
        names = [name for name in self.rows[0] if name != "step"] if self.rows else []
        return {name: tuple(row[name] for row in self.rows) for name in names}

    def value(self, name: str) -> float | None:
        """The number of the finding `name`, None if it was not measured."""
        return next((one.value for one in self.findings if one.name == name), None)


# Question 4


class Accuracy(Struct, frozen=True):
    """Mean and standard deviation, fractions, over a number of seeds; one seed has no deviation."""

    mean: float
    std: float
    seeds: int

    def __str__(self) -> str:
        return mean_percent(self.mean, self.std, self.seeds)


class Depth(Struct, frozen=True):
    """One network of the study of depth, and the results of its trainings.

    budget : what it has in common with the others, "width" or "parameters"
    seconds : of one training, the mean over the seeds
    images : held out for validation
    """

    budget: Literal["width", "parameters"]
    layers: Count
    initialisation: Word
    width: Count
    parameters: Count
    epochs: Count
    seconds: Positive
    images: Count = field(name="validation_images")
    all_seeds: Annotated[tuple[int, ...], Meta(min_length=1)] = field(name="seeds")
    training_mean: Fraction = field(name="training_accuracy_mean")
    training_std: Fraction = field(name="training_accuracy_std")
    validation_mean: Fraction = field(name="validation_accuracy_mean")
    validation_std: Fraction = field(name="validation_accuracy_std")
    validation_accuracies: tuple[Fraction, ...] = ()

    def __post_init__(self) -> None:
        if self.validation_accuracies and len(self.validation_accuracies) != len(self.all_seeds):
            raise ValueError("it has not one accuracy for each seed")

    @property
    def seeds(self) -> int:
        """How many trainings there were."""
        return len(self.all_seeds)

    @property
    def training(self) -> Accuracy:
        """On the training images."""
        return Accuracy(self.training_mean, self.training_std, self.seeds)

    @property
    def validation(self) -> Accuracy:
        """On the validation images."""
        return Accuracy(self.validation_mean, self.validation_std, self.seeds)


class Signal(Struct, frozen=True):
    """Before the first step, layer by layer: the root mean square of what leaves it and of its gradient, and
    the fraction of its units that are off for every image.
    """

    layers: Count
    initialisation: Word
    activations: Annotated[tuple[Positive, ...], Meta(min_length=1)]
    gradients: Annotated[tuple[Positive, ...], Meta(min_length=1)]
    dead: Annotated[tuple[Fraction, ...], Meta(min_length=1)]


COMPARED = ("1e-3", "he")
"""The initialisations that every study has, and whose signals it compares."""


class Study(Struct, frozen=True):
    """The study of depth: its networks, and the signal through each of them before the first step."""

    networks: tuple[Depth, ...] = field(name="rows")
    signals: tuple[Signal, ...] = field(name="signal")

    def __post_init__(self) -> None:
        if not self.of("width", "he"):
            raise ValueError("it has no networks of equal width from He's initialisation")
        deepest = {one.initialisation for one in self.signals if one.layers == self.deepest}
        if self.signals and not deepest.issuperset(COMPARED):
            raise ValueError(f"it lacks the signal of the deepest network from {' or '.join(COMPARED)}")

    @property
    def deepest(self) -> int:
        """Layers of the deepest network whose signal was measured."""
        return max(one.layers for one in self.signals)

    def of(self, budget: str, initialisation: str | None = None) -> list[Depth]:
        """The networks compared at equal width or parameters, from any or one initialisation."""
        return [
            net
            for net in self.networks
            if net.budget == budget and initialisation in (None, net.initialisation)
        ]

    @property
    def best(self) -> Depth:
        """The network with the highest mean validation accuracy."""
        return max(self.networks, key=lambda net: net.validation_mean)


# All of them


class Named(Struct, frozen=True):
    """The data set of the results."""

    name: Word


class Reached(Struct, frozen=True):
    """What a run reached."""

    validation_accuracy: Fraction
    training_seconds: NotNegative


class Tuned(Reached, frozen=True):
    """What the tuned run reached."""

    test_accuracy: Fraction


class Network(Reached, frozen=True):
    """A network of question 4."""

    training_accuracy: Fraction


class Engine(Struct, frozen=True):
    """What a network was trained with."""

    precision: Word


class TwoLayer(Network, frozen=True):
    """The two-layer net in PyTorch, and in NumPy."""

    engine: Engine
    numpy: Network


class Best(Struct, frozen=True):
    """The best network of the study of depth."""

    layers: Count
    initialisation: Word
    validation_accuracy: Fraction
    test_accuracy: Fraction


class Question4(Struct, frozen=True):
    """Question 4's results."""

    two_layer: TwoLayer
    best: Best


class Results(Struct, frozen=True):
    """The numbers of all stages."""

    dataset: Named
    toy: ToyNumbers
    default: Reached
    tuned: Tuned
    quick: bool = False
    pytorch: Question4 | None = None


KINDS: dict[str, type[Struct]] = {
    "reproduction.json": Begun, "toy.json": Toy, "ladder.json": Ladder, "diagnosis.json": Diagnosis,
    "depth.json": Study, "results.json": Results,
}  # fmt: skip
"""What each file holds, by its name."""


def read_stage(path: Path) -> dict[str, Any]:
    """Read a file of a reproduction as the plain values that were written.

    Raises
    ------
    RunError : it is missing, damaged, or holds something else; the text says what is wrong and where
    """
    return read_json(path, KINDS[path.name])
