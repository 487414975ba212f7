"""Predictions of a trained network, from its weights alone."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from fcnet.arrays import Array
from fcnet.data.features import chunks
from fcnet.data.preprocessing import Preprocessing
from fcnet.estimator.inputs import seen
from fcnet.estimator.tables import TableInputs
from fcnet.net.architecture import Architecture
from fcnet.net.network import Network
from fcnet.notebook import Rows


class Scores(TableInputs):
    """The outputs of an estimator that has `params_`, `mean_` and `scale_`.

    Several threads may ask for them at once.
    """

    _loss: ClassVar[str]
    architecture_: Architecture
    params_: dict[str, Array]
    mean_: NDArray[np.float64]
    scale_: NDArray[np.float64]
    history_: Rows[Any]

    def raw_params(self) -> dict[str, NDArray[np.float64]]:
        """The parameters that apply to features as they are: `params_` with the standardisation folded in.

        `fcnet.net.weights.save_weights` writes them, with `architecture_`, to a file that PyTorch reads.
        """
        check_is_fitted(self)
        params = {name: value.astype(np.float64) for name, value in self.params_.items()}
        W, b = (parameter.name for parameter in self.architecture_.parameters[:2])  # of the first layer
        params[W] /= self.scale_[:, None]
        params[b] -= self.mean_ @ params[W]
        return params

    def network(self) -> Network:
        """The trained network, for standardised features, on the arrays of `params_`."""
        check_is_fitted(self)
        rng = np.random.default_rng(0)
        return Network(self.architecture_, rng, params=self.params_, loss=self._loss)

    def _scores(self, X: Any) -> Array:
        check_is_fitted(self)
        X = self._checked_alone(X)
        network, preprocessing = self.network(), self._preprocessing
        found = [network.predict_logits(seen(X[here], preprocessing)) for here in chunks(*X.shape)]
        return np.concatenate(found)

    @property
    def _preprocessing(self) -> Preprocessing:
        return Preprocessing(self.mean_, self.scale_, "float64")
