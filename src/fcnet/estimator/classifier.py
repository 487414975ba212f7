"""`FCNetClassifier`: the network as scikit-learn's users know their classifiers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from fcnet.display import Rows
from fcnet.errors import DataError
from fcnet.estimator.examples import Table
from fcnet.estimator.history import Epoch
from fcnet.estimator.inputs import Standardisation
from fcnet.estimator.learner import Learner
from fcnet.estimator.prediction import Predictions
from fcnet.estimator.settings import Settings
from fcnet.estimator.targets import class_factors, known_classes, labels_of, sample_weights
from fcnet.estimator.training import Training
from fcnet.train.schedules import Schedule

Array = NDArray[Any]


class FCNetClassifier(ClassifierMixin, Predictions, BaseEstimator):  # type: ignore[misc]
    """A fully-connected network of any depth as a scikit-learn classifier.

    It minimises sum_i w_i l_i / sum_i w_i + reg * (sum of the squared weights of the network), l_i being the
    cross-entropy of example i and w_i its sample weight times the weight of its class. Only this sum
    decides what the classifier learns: rows may come in any order, a row of weight 3 equals three rows, and a
    row of weight 0 equals none.

    Parameters
    ----------
    hidden : units of each hidden layer, or their number for a single one; () is a linear classifier
    activation : "relu", "gelu" or "tanh"
    norm : "layernorm" normalises the input of each activation or residual block; "none" does nothing
    blocks : residual blocks after each hidden layer; 0 makes a plain network
    epochs : passes over the training examples
    batch_size : examples per step; "auto" is 64, or less where an epoch would have fewer than 10 steps
    learning_rate : the highest learning rate
    optimiser : "adam", "adamw", "sgd" or "nesterov"
    momentum : of "sgd" and "nesterov"
    schedule : "cosine" lets the learning rate fall to zero along half a cosine; "constant" keeps it
    reg : factor on the sum of all squared weights, without biases; half of the usual weight decay
    dropout : probability of switching a hidden unit off in training
    label_smoothing : probability mass moved from the label to all classes
    initialisation : "he", "pytorch", or the standard deviation of all initial weights
    standardise : give each feature mean 0 and variance 1 over the training examples
    class_weight : a dict from class to weight, 1 for missing classes; or "balanced", which gives all
        classes the same weight
    validation_fraction : part of each class set aside for validation where `fit` is given no validation set
    patience : stop after this number of epochs without a lower validation loss, and restore the weights of
        the lowest; None trains to the end
    warm_start : let `fit` continue from the weights of the previous fit
    random_state : a seed or a NumPy RandomState, for initial weights, the order of examples and dropout
    verbose : print a line after each epoch
    callback : called with the `Epoch` after each epoch; training stops if it returns True

    Attributes
    ----------
    classes_ : (K,) the labels, sorted
    n_features_in_, feature_names_in_ : as everywhere in scikit-learn
    architecture_ : the network, an `fcnet.net.architecture.Architecture`
    params_ : {"W1": (D, H1), "b1": (H1,), ...} float32, for standardised features
    mean_, scale_ : (D,) of the standardisation, (X - mean_) / scale_
    history_ : list of `Epoch`, one an epoch; a notebook shows it as a table with curves
    n_iter_ : epochs trained by the last `fit`, or by all calls of `partial_fit`
    loss_ : weighted cross-entropy of the training examples with these weights, in nats

    Examples
    --------
    >>> from fcnet import FCNetClassifier
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.model_selection import train_test_split
    >>> X_train, X_test, y_train, y_test = train_test_split(*load_wine(return_X_y=True), random_state=0)
    >>> classifier = FCNetClassifier(hidden=(100,), dropout=0.2, random_state=0)
    >>> classifier.fit(X_train, y_train, X_val=X_test, y_val=y_test).score(X_test, y_test) > 0.95
    True
    >>> len(classifier.history_), classifier.history_[-1].validation_accuracy > 0.95
    (100, True)
    """

    def __init__(
        self,
        hidden: int | Iterable[int] = (100,),
        *,
        activation: str = "relu",
        norm: str = "none",
        blocks: int = 0,
        epochs: int = 100,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: float = 2e-3,
        optimiser: str = "adam",
        momentum: float = 0.9,
        schedule: str = "cosine",
        reg: float = 1e-3,
        dropout: float = 0.0,
        label_smoothing: float = 0.0,
        initialisation: str | float = "he",
        standardise: bool = True,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        validation_fraction: float = 0.0,
        patience: int | None = None,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
        callback: Callable[[Epoch], object] | None = None,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.norm = norm
        self.blocks = blocks
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.optimiser = optimiser
        self.momentum = momentum
        self.schedule = schedule
        self.reg = reg
        self.dropout = dropout
        self.label_smoothing = label_smoothing
        self.initialisation = initialisation
        self.standardise = standardise
        self.class_weight = class_weight
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        self.callback = callback

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
        X : (N, D) array, sparse matrix or DataFrame
        y : (N,) labels: numbers, strings, or anything that can be sorted
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
            self._forget("params_")  # a fit that fails leaves nothing half old and half new
        X, y = self._checked(X, y, reset=not continued)
        rows, weights = sample_weights(sample_weight, X)
        if not continued:
            self.classes_ = np.unique(y[rows])
        labels = labels_of(y[rows], self.classes_)
        factors = class_factors(self.class_weight, self.classes_, labels, weights)
        table = Table(X, rows, labels, weights * factors[labels]).distinct()
        seed = int(check_random_state(self.random_state).randint(2**31))
        validation = self._given_validation(X_val, y_val, factors)
        if validation is None and settings.validation_fraction:
            table, validation = table.split(settings.validation_fraction, np.random.default_rng(seed))
        if validation is None and settings.patience is not None:
            raise DataError("patience needs a validation set: give X_val and y_val, or a validation_fraction")
        table = table.relative()
        if not continued:
            self._standardise(table)
            self.history_: Rows[Epoch] = Rows()
        learner = self._new_learner(settings, seed, continued)
        per_epoch = settings.steps_per_epoch(len(table))
        before = len(self.history_)
        training = self._training(
            learner, table, validation, settings.schedule_of(settings.epochs * per_epoch, per_epoch)
        )
        self.loss_ = training.run(settings.epochs, settings.patience)
        self.n_iter_ = len(self.history_) - before
        self.params_ = learner.params
        self._forget("_learner")  # a partial_fit after this starts without momentum
        return self

    def partial_fit(
        self,
        X: Any,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train for one pass over some rows; the next call continues from there.

        The first call's rows decide the standardisation, and the learning rate is constant.
        `class_weight="balanced"`, `validation_fraction` and `patience` need all of the data: `fit` has them.

        Parameters
        ----------
        X, y : as `fit`
        classes : all labels of all calls; needed in the first call
        sample_weight : (N,) factors on each example's part of a step, which takes the mean over examples

        Returns
        -------
        self

        Raises
        ------
        DataError : (a ValueError) as `fit`; no classes in the first call, or other classes later
        DivergedError : the loss became NaN or infinite
        """
        settings = Settings.of(self)
        if isinstance(self.class_weight, str):
            raise DataError(f"class_weight is {self.class_weight!r}, partial_fit needs a dict or None")
        first = not hasattr(self, "params_")
        known = known_classes(classes, None if first else self.classes_)
        X, y = self._checked(X, y, reset=first)
        rows, weights = sample_weights(sample_weight, X)
        labels = labels_of(y[rows], known)
        factors = class_factors(self.class_weight, known, labels, weights)
        table = Table(X, rows, labels, weights * factors[labels])
        if first:
            self.classes_ = known
            self._standardise(table)
            self.history_, self.n_iter_ = Rows(), 0
        if not hasattr(self, "_learner"):
            seed = int(check_random_state(self.random_state).randint(2**31))
            self._learner = self._new_learner(settings, seed, continued=not first)
            self.params_ = self._learner.params
        self._learner.settings = settings
        self.loss_ = self._training(self._learner, table, None, settings.constant()).run(epochs=1)
        self.n_iter_ += 1
        return self

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[Any, Array]:
        """X as an array or CSR matrix of floating-point numbers and y as an array, of equal length."""
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=[np.float64, np.float32], reset=reset)
        check_classification_targets(y)
        return X, y

    def _given_validation(self, X: Any, y: ArrayLike | None, factors: NDArray[np.float64]) -> Table | None:
        """The validation set that `fit` was given; only class weights apply to it."""
        if X is None and y is None:
            return None
        if X is None or y is None:
            raise DataError("X_val and y_val belong together: give both or none")
        X, y = self._checked(X, y, reset=False)
        labels = labels_of(y, self.classes_, "y_val")
        return Table(X, np.arange(len(labels)), labels, factors[labels])

    def _standardise(self, table: Table) -> None:
        features = table.X.shape[1]
        found = table.standardisation() if self.standardise else Standardisation.none(features)
        self.mean_, self.scale_ = found.mean, found.scale

    def _new_learner(self, settings: Settings, seed: int, continued: bool) -> Learner:
        """A network without momentum so far, with new weights or with the current ones."""
        architecture = settings.architecture(len(self.mean_), len(self.classes_))
        if not continued:
            self.architecture_ = architecture
            return Learner(settings, architecture, seed)
        if architecture.parameters != self.architecture_.parameters:
            raise DataError(
                f"hidden is {self.hidden!r}, activation, norm and blocks are {self.activation!r}, "
                f"{self.norm!r} and {self.blocks!r}: the network trained so far has other layers"
            )
        return Learner(settings, architecture, seed, epoch=len(self.history_), params=self.params_)

    def _training(
        self, learner: Learner, table: Table, validation: Table | None, schedule: Schedule
    ) -> Training:
        standardisation = Standardisation(self.mean_, self.scale_)
        examples = table.examples(standardisation)
        validated = None if validation is None else validation.examples(standardisation)
        return Training(learner, examples, validated, schedule, self.history_, self._told)

    def _forget(self, name: str) -> None:
        if hasattr(self, name):
            delattr(self, name)

    def _told(self, row: Epoch) -> bool:
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
