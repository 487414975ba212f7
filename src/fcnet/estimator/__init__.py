"""A classifier with scikit-learn's interface, on top of `fcnet.net`; NumPy only.

classifier   FCNetClassifier
settings     its parameters, checked
examples     weighted examples: what a data set is to it, whatever its order and repetitions
inputs       from features, dense or sparse, to what the network sees
targets      labels, class weights and sample weights
learner      the network with its optimiser: an epoch of training, class scores
training     epoch after epoch
prediction   what a trained classifier answers
history      what is written down after each epoch
"""

from fcnet.estimator.classifier import FCNetClassifier
from fcnet.estimator.history import Epoch

__all__ = ["Epoch", "FCNetClassifier"]
