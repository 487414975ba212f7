"""`FCNetClassifier`: the network as scikit-learn's users know their classifiers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_softmax, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets

from fcnet.arrays import Array
from fcnet.errors import DataError
from fcnet.estimator.base import FCNetEstimator, Weighing
from fcnet.estimator.examples import Table
from fcnet.estimator.history import Epoch
from fcnet.estimator.targets import class_factors, known_classes, labels_of, sample_weights


@dataclass(eq=False, repr=False, kw_only=True)
class FCNetClassifier(ClassifierMixin, FCNetEstimator):  # type: ignore[misc]
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
    mapping_ : where X was a table with categories: its columns, and by `mapping_.names` the D features
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

    _loss, _row = "cross-entropy", Epoch

    label_smoothing: float = 0.0
    class_weight: Mapping[Any, float] | Literal["balanced"] | None = None

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
        if isinstance(self.class_weight, str):
            raise DataError(f"class_weight is {self.class_weight!r}, partial_fit needs a dict or None")
        first = not hasattr(self, "params_")
        self.classes_: Array = known_classes(classes, None if first else self.classes_)
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X: Any) -> Array:
        """The most probable label of each row of X (N, D), as labels (N,)."""
        places = self._scores(X).argmax(axis=1)
        return np.asarray(self.classes_[places])

    def predict_proba(self, X: Any) -> Array:
        """The probability (N, K) float32 of each class, in the order of `classes_`."""
        return np.asarray(softmax(self._scores(X), axis=1))

    def predict_log_proba(self, X: Any) -> Array:
        """Logarithms (N, K) float32 of the probabilities, exact where those vanish."""
        return np.asarray(log_softmax(self._scores(X), axis=1))

    def decision_function(self, X: Any) -> Array:
        """Class scores (N, K) before the softmax; of two classes, how far the second is ahead, (N,)."""
        Z = self._scores(X)
        return Z if Z.shape[1] > 2 else Z[:, -1] - Z[:, 0]

    def _given(
        self, X: Any, y: Any, reset: bool, sample_weight: Any, *, known: bool = False, name: str = "y"
    ) -> Table:
        X, y = self._checked(X, y, reset, sample_weight)
        check_classification_targets(y)
        rows, weights = sample_weights(sample_weight, X)
        if reset and not known:
            self.classes_ = np.unique(y[rows])
        return Table(X, rows, labels_of(y[rows], self.classes_, name), weights)

    def _weighing(self, table: Table) -> Weighing:
        factors = class_factors(self.class_weight, self.classes_, table.labels, table.weights)
        return lambda labels: factors[labels]

    def _outputs(self) -> int:
        return len(self.classes_)
