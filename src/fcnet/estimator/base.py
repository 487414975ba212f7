"""What `FCNetClassifier` and `FCNetRegressor` share: their parameters, and how they are trained."""

from abc import abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from fcnet.arrays import Array
from fcnet.data.features import spared
from fcnet.errors import DataError
from fcnet.estimator.examples import Table
from fcnet.estimator.inputs import mean_and_scale
from fcnet.estimator.learner import Learner
from fcnet.estimator.prediction import Scores
from fcnet.estimator.settings import Settings
from fcnet.estimator.training import train
from fcnet.notebook import Rows
from fcnet.train.schedules import Schedule, make_schedule

Weighing = Callable[[Array], NDArray[np.float64]]
"""From targets (N,) to factors on the weights of their examples, (N,)."""


@dataclass(eq=False, repr=False)
class FCNetEstimator(Scores, BaseEstimator):  # type: ignore[misc]
    """A network that is trained on rows of features; what it learns of them, the subclasses say."""

    _loss: ClassVar[str]
    """One of `fcnet.net.losses.LOSSES`."""

    _row: ClassVar[type]
    """What a row of the history is."""

    hidden: int | Iterable[int] = (100,)
    _: KW_ONLY
    activation: str = "relu"
    norm: str = "none"
    blocks: int = 0
    epochs: int = 100
    batch_size: int | Literal["auto"] = "auto"
    learning_rate: float = 2e-3
    optimiser: str = "adam"
    momentum: float = 0.9
    schedule: str = "cosine"
    reg: float = 1e-3
    dropout: float = 0.0
    initialisation: str | float = "he"
    standardise: bool = True
    validation_fraction: float = 0.0
    patience: int | None = None
    warm_start: bool = False
    random_state: int | np.random.RandomState | None = None
    verbose: bool = False
    callback: Callable[[Any], object] | None = None

    @abstractmethod
    def _given(
        self, X: Any, y: Any, reset: bool, sample_weight: Any, *, known: bool = False, name: str = "y"
    ) -> Table:
        """The rows of positive weight, checked, with what is to be learnt of them before any scaling.

        Parameters
        ----------
        X, y, sample_weight : as `fit`
        reset : nothing is known of the columns, and of the targets unless they are `known`
        name : of y, for errors
        """

    def _weighing(self, table: Table) -> Weighing:
        """The factors on the weights that the targets of these examples have."""
        return lambda targets: np.ones(len(targets))

    @abstractmethod
    def _outputs(self) -> int:
        """How many outputs the network has."""

    def _learn_scale(self, table: Table) -> None:
        """Learn what scales the targets from the examples for training."""

    def _scaled(self, table: Table) -> Table:
        """The examples with scaled targets."""
        return table

    @property
    def _unit(self) -> float:
        """What a loss is multiplied by before it is shown."""
        return 1.0

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Any = None,
        y_val: ArrayLike | None = None,
    ) -> Self:
        """Train.

        Parameters
        ----------
        X : (N, D) array or sparse matrix, or a DataFrame or Arrow table, whose text, booleans and categories
            become one-hot
        y : (N,) what is to be learnt: labels that can be sorted, or numbers of a regression
        sample_weight : (N,) weights of the examples, not negative; only their ratios matter
        X_val, y_val : a separate validation set; it only decides when to stop (`patience`)

        Returns
        -------
        self

        Raises
        ------
        DataError : (a ValueError) an invalid parameter or argument; the text says what to give
        DivergedError : the loss became NaN or infinite
        """
        settings = Settings.of(self)
        continued = bool(self.warm_start) and hasattr(self, "params_")
        if not continued:
            self.__dict__.pop("params_", None)  # a fit that fails leaves nothing half old and half new
        table = self._given(X, y, not continued, sample_weight).in_range()
        weigh = self._weighing(table)
        table = _weighed(table, weigh).in_range().distinct()
        seed = int(check_random_state(self.random_state).randint(2**31))
        validation = self._given_validation(X_val, y_val, weigh)
        if validation is None and settings.validation_fraction:
            table, validation = table.split(settings.validation_fraction, np.random.default_rng(seed))
        if validation is None and settings.patience is not None:
            raise DataError("patience needs a validation set: give X_val and y_val, or a validation_fraction")
        table = table.relative()
        if not continued:
            self._standardise(table)
            self.history_ = Rows()
        learner = self._new_learner(settings, seed, continued)
        per_epoch = settings.steps_per_epoch(len(table))
        before = len(self.history_)
        schedule = make_schedule(settings, per_epoch, settings.epochs * per_epoch)
        self._train(learner, table, validation, schedule, settings.epochs, settings.patience)
        self.n_iter_ = len(self.history_) - before
        self.params_ = learner.params
        self.__dict__.pop("_learner", None)  # a partial_fit after this starts without momentum
        return self

    def _partial_fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None) -> Self:
        """Train for one pass over some rows; what the first call's targets are is known."""
        settings = Settings.of(self)
        first = not hasattr(self, "params_")
        table = self._given(X, y, first, sample_weight, known=True)
        table = _weighed(table, self._weighing(table))
        if first:
            self._standardise(table.in_range())
            self.history_, self.n_iter_ = Rows(), 0
        if not hasattr(self, "_learner"):
            seed = int(check_random_state(self.random_state).randint(2**31))
            self._learner = self._new_learner(settings, seed, continued=not first)
            self.params_ = self._learner.params
        self._learner.settings = settings
        self._train(self._learner, table, None, lambda step: settings.learning_rate, epochs=1)
        self.n_iter_ += 1
        return self

    def _given_validation(self, X: Any, y: ArrayLike | None, weigh: Weighing) -> Table | None:
        """The validation set that `fit` was given; only class weights apply to it."""
        if X is None and y is None:
            return None
        if X is None or y is None:
            raise DataError("X_val and y_val belong together: give both or none")
        return _weighed(self._given(X, y, False, None, name="y_val"), weigh).in_range()

    def _standardise(self, table: Table) -> None:
        self._learn_scale(table)
        mean, scale = np.zeros(table.X.shape[1]), np.ones(table.X.shape[1])
        if self.standardise:
            mean, scale = mean_and_scale(table.X, table.rows, table.weights)
        mapping = getattr(self, "mapping_", None)
        self.mean_, self.scale_ = spared(mean, scale, None if mapping is None else mapping.indicators)

    def _new_learner(self, settings: Settings, seed: int, continued: bool) -> Learner:
        """A network without momentum so far, with new weights or with the current ones."""
        architecture = settings.architecture(len(self.mean_), self._outputs())
        if not continued:
            self.architecture_ = architecture
            return Learner(settings, architecture, seed)
        if architecture.parameters != self.architecture_.parameters:
            raise DataError(
                f"hidden is {self.hidden!r}, activation, norm and blocks are {self.activation!r}, "
                f"{self.norm!r} and {self.blocks!r}: the network trained so far has other layers"
            )
        return Learner(settings, architecture, seed, epoch=len(self.history_), params=self.params_)

    def _train(
        self,
        learner: Learner,
        table: Table,
        validation: Table | None,
        schedule: Schedule,
        epochs: int,
        patience: int | None = None,
    ) -> None:
        """Train for some epochs and set `loss_`."""
        examples = self._scaled(table).examples(self._preprocessing)
        validated = None if validation is None else self._scaled(validation).examples(self._preprocessing)
        loss = train(learner, examples, validated, schedule, self._told, epochs, patience)
        self.loss_ = self._unit * loss

    def _told(
        self,
        learning_rate: float,
        found: tuple[float, float],
        validated: tuple[float, float] | None,
        seconds: float,
    ) -> bool:
        """Record an epoch and report it; whether to stop."""
        (loss, score), (val_loss, val_score) = found, validated or (None, None)
        loss, val_loss = self._unit * loss, None if val_loss is None else self._unit * val_loss
        number = len(self.history_) + 1
        row = self._row(number, learning_rate, loss, score, val_loss, val_score, seconds)
        self.history_.append(row)
        if self.verbose:
            print(row)
        return self.callback is not None and bool(self.callback(row))

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if hasattr(self, "_learner"):
            self.params_ = self._learner.params  # again the arrays that training changes

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "params_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _weighed(table: Table, weigh: Weighing) -> Table:
    return replace(table, weights=table.weights * weigh(table.labels))
