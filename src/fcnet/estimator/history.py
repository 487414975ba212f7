"""The record of each epoch."""

import math
from dataclasses import dataclass

from fcnet.wording import percent


@dataclass(frozen=True)
class Epoch:
    """One row of `history_`; a list of them makes a pandas DataFrame as it is.

    Losses are cross-entropies without label smoothing, and like accuracies they are taken without dropout, of
    the weights at the end of the epoch. Examples count by their weights, see `FCNetClassifier`.

    epoch : from 1
    learning_rate : of the epoch's last step
    loss : on the training examples, in nats
    accuracy : on the training examples, a fraction in [0, 1]
    validation_loss, validation_accuracy : the same on the validation set; None without one
    seconds : what the epoch took, evaluation included
    """

    epoch: int
    learning_rate: float
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float

    def __str__(self) -> str:
        """One line, as `verbose` prints it."""
        text = f"epoch {self.epoch}: loss {self.loss:.4f}, accuracy {percent(self.accuracy)}"
        if self.validation_loss is not None and self.validation_accuracy is not None:
            text += f", validation {self.validation_loss:.4f}, {percent(self.validation_accuracy)}"
        return f"{text}, {self.seconds:.2f} s"


@dataclass(frozen=True)
class RegressionEpoch:
    """One row of the `history_` of a regression.

    As `Epoch`, but the loss is the mean squared error, in squared units of the target, and the score is R^2:
    the part of the target's variance that the predictions explain, 1 at best, and 0 for its mean.
    """

    epoch: int
    learning_rate: float
    loss: float
    r2: float
    validation_loss: float | None
    validation_r2: float | None
    seconds: float

    def __str__(self) -> str:
        """One line, as `verbose` prints it."""
        text = f"epoch {self.epoch}: RMSE {math.sqrt(self.loss):.4g}, R2 {self.r2:.3f}"
        if self.validation_loss is not None and self.validation_r2 is not None:
            text += f", validation {math.sqrt(self.validation_loss):.4g}, {self.validation_r2:.3f}"
        return f"{text}, {self.seconds:.2f} s"
