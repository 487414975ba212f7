"""What folding brings, from the record of `benchmarks/folding.py`."""

from __future__ import annotations

from pathlib import Path
from statistics import mean, stdev

from fcnet.records import read_json
from fcnet.wording import mean_percent
from pages import wrapped


def folding(path: Path) -> str:
    """Validation accuracy with and without each kind of view, alone and three runs together."""
    record = read_json(path)
    seeds = len(record["seeds"])
    lines = [
        f"| options | parameters | one run ({seeds} seeds) | all {seeds} runs as one |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, row in record["rows"].items():
        accuracies = [one["accuracy"] for one in row["seeds"]]
        alone = mean_percent(mean(accuracies), stdev(accuracies), seeds)
        options = "no folding" if name == "none" else f"`{name}`"
        size = f"{row['seeds'][0]['parameters'] / 1e6:.1f} million"
        lines.append(f"| {options} | {size} | {alone} | {100 * row['together']['accuracy']:.1f} % |")
    numbers = ", ".join(map(str, record["seeds"]))
    said = (
        f"The recipe `{record['recipe']}`, seeds {numbers}, on CIFAR-10: accuracy on "
        f"{record['validation_images']:,} training images that no training saw, mean and standard deviation. "
        f"The test set was not used. Every number is in [results/folding.json](../results/folding.json)."
    )
    return "\n".join([*lines, "", *wrapped(said)])
