"""The exercise's results in one table, which the terminal, the report and the README show."""

from dataclasses import dataclass
from typing import Any

from fcnet.wording import percent

HEADING = ("question", "quantity", "wanted", "reached")


@dataclass(frozen=True)
class Row:
    """The exercise's goal and the result; `main` marks the results that count."""

    question: str
    quantity: str
    wanted: str
    reached: str
    main: bool = False

    @property
    def cells(self) -> tuple[str, ...]:
        """Under `HEADING`."""
        return (self.question, self.quantity, self.wanted, self.reached)


def exercise_rows(results: dict[str, Any]) -> list[Row]:
    """The rows of a reproduction's results.json; those of question 4 where it was run."""
    toy, default, tuned = results["toy"], results["default"], results["tuned"]
    real = results["dataset"]["name"] == "CIFAR-10"  # the exercise wants nothing of other images
    about, above = ("about 29 %", "above 48 %") if real else ("", "")
    worst = max(toy["gradient_relative_error"].values())
    rows = [
        Row("1", "scores, sum of differences", "< 1e-7", f"{toy['scores_difference']:.1e}"),
        Row("1", "loss of the toy problem (nats)", "1.30378789133", f"{toy['loss']:.11f}"),
        Row("2", "gradients, largest relative error", "< 1e-8", f"{worst:.1e}"),
        Row("3", "toy training, final loss (nats)", "<= 0.02", f"{toy['final_training_loss']:.4f}"),
        Row("3", "default run, validation accuracy", about, percent(default["validation_accuracy"])),
        Row("3", "tuned run, validation accuracy", above, percent(tuned["validation_accuracy"]), main=True),
        Row("3", "tuned run, test accuracy", "", percent(tuned["test_accuracy"]), main=True),
        Row("3", "tuned run, training time", "", f"{tuned['training_seconds']:.1f} s"),
    ]
    pytorch = results.get("pytorch")
    if pytorch is None:
        return rows
    two, best = pytorch["two_layer"], pytorch["best"]
    torch, numpy = (percent(one["validation_accuracy"]) for one in (two, two["numpy"]))
    name = f"best of the depth study ({best['layers']} layers)"
    return [
        *rows,
        Row("4", "PyTorch, two layers, validation accuracy", above, torch, main=True),
        Row("4", "NumPy, same settings, validation accuracy", "", numpy),
        Row("4", f"{name}, validation accuracy", "", percent(best["validation_accuracy"])),
        Row("4", f"{name}, test accuracy", "", percent(best["test_accuracy"]), main=True),
    ]
