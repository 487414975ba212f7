"""A classifier and a regressor with scikit-learn's interface, on top of `fcnet.net`; NumPy only.

classifier   FCNetClassifier
regressor    FCNetRegressor
base         what both share
tables       DataFrames and Arrow tables
settings     its parameters, checked
examples     weighted examples, independent of the order and repetitions of rows
inputs       the examples of an epoch: from features, dense or sparse, to the network's inputs
targets      labels, class weights and sample weights
learner      the network with its optimiser: an epoch of training, class scores
training     epoch after epoch
prediction   the outputs of a trained network
history      the record of each epoch
"""

from fcnet.estimator.classifier import FCNetClassifier
from fcnet.estimator.history import Epoch, RegressionEpoch
from fcnet.estimator.regressor import FCNetRegressor

__all__ = ["Epoch", "FCNetClassifier", "FCNetRegressor", "RegressionEpoch"]
