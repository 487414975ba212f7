"""The history of a training, one row per evaluation."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from fcnet.notebook import Rows
from fcnet.schema import Count, Fraction, NotNegative, Positive, read_lines

TRAINING_SAMPLE = "training sample"
"""What people read where a training's accuracy on its own images is shown while it goes on.

It is measured on the first training images, undeformed, as many as there are for validation, so that an
evaluation stays short. "Training accuracy" is that on all training images after the last step, in the record.
"""


@dataclass(frozen=True)
class Evaluation:
    """One row of a history.

    step : steps done
    epoch : passes done, a fraction
    seconds : training time so far, evaluations included
    learning_rate : of the step just done
    loss : mean of eq. 12 over the minibatches since the row before, in nats
    objective : eq. 13: that loss plus the L2 term of the weights at this step
    train_accuracy : fraction in [0, 1] on the training sample, see `TRAINING_SAMPLE`; this and what follows
        are of the averaged weights, where the settings ask for an average
    val_accuracy : fraction in [0, 1] on the validation split
    val_loss : eq. 12 on the validation split, in nats
    """

    step: Count
    epoch: Positive
    seconds: NotNegative
    learning_rate: NotNegative
    loss: NotNegative
    objective: NotNegative
    train_accuracy: Fraction
    val_accuracy: Fraction
    val_loss: NotNegative


def history_lines(rows: Iterable[Evaluation]) -> str:
    """The rows as JSON lines."""
    return "".join(json.dumps(asdict(row)) + "\n" for row in rows)


def read_history(path: Path) -> Rows[Evaluation]:
    """Read a history file.

    Raises
    ------
    RunError : it cannot be read, or a line of it is not an evaluation
    """
    return Rows(read_lines(path, Evaluation, "resume or repeat the run"))
