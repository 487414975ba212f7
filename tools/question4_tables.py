"""The tables of question 4, and of what came with it, each made from the records that it states."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fcnet.records import read_json
from fcnet.report.reading import initialisation_name
from fcnet.wording import by, mean_percent, percent
from pages import wrapped


def depth(results: dict[str, Any]) -> str:
    """Validation accuracy of every depth, one column an initialisation or budget."""
    rows = results["pytorch"]["depth"]
    columns = [
        (f"from {initialisation_name(how)}", "width", how)
        for how in dict.fromkeys(row["initialisation"] for row in rows if row["budget"] == "width")
    ]
    if any(row["budget"] == "parameters" for row in rows):
        columns.append(("from He, equal parameters", "parameters", "he"))
    lines = [
        f"| layers | {' | '.join(name for name, _, _ in columns)} |",
        "| ---: |" + " ---: |" * len(columns),
    ]
    for layers in sorted({row["layers"] for row in rows}):
        cells = [
            next(mean_percent(row["validation_accuracy_mean"], row["validation_accuracy_std"], row["seeds"])
                 for row in rows
                 if (row["layers"], row["budget"], row["initialisation"]) == (layers, budget, how))
            for _, budget, how in columns
        ]  # fmt: skip
        lines.append(f"| {layers} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def scaling(records: Path) -> str:
    """What a second thread and a second worker buy."""
    record = read_json(records / "scaling.json")
    names = [row["contestant"] for row in record["cases"][0]["results"]]
    lines = [f"| hidden units | batch | {' | '.join(names)} |", "| ---: | ---: |" + " ---: |" * len(names)]
    for case in record["cases"]:
        first, *others = case["results"]
        cells = [f"{1e3 * first['median']:.1f} ms", *(f"x {1 / row['ratio']:.2f}" for row in others)]
        lines.append(f"| {case['case']['hidden']} | {case['case']['batch']:,} | {' | '.join(cells)} |")
    where = f"{record['machine']['cores']} cores of {record['machine']['processor']}"
    lines += ["", *wrapped(
        f"Time of a step on one core, and how many times faster it becomes (below 1: slower); medians of "
        f"{record['rounds']} rounds on {where}, float32. `python benchmarks/run.py scaling` repeats it."
    )]  # fmt: skip
    return "\n".join(lines) + "\n"


def rates(records: Path) -> str:
    """The learning rate of the depth study: its shallowest and deepest net at several, one seed each."""
    found = {}
    for path in records.glob("*/record.json"):
        record = read_json(path)
        layers = len(record["config"]["hidden"]) + 1
        found[record["config"]["learning_rate"], layers] = percent(record["metrics"]["val_accuracy"])
    depths = sorted({layers for _, layers in found})
    lines = [f"| learning rate | {' | '.join(f'{layers} layers' for layers in depths)} |"]
    lines.append("| ---: |" + " ---: |" * len(depths))
    for rate in sorted({rate for rate, _ in found}):
        lines.append(f"| {rate:g} | {' | '.join(found[rate, layers] for layers in depths)} |")
    return "\n".join(lines) + "\n"


def search_deep(runs: Sequence[Path]) -> str:
    """The deep recipe and its settings with something changed, as they were recorded."""
    columns = (
        "hidden", "components", "batch", "patch", "averaged", "turned", "zoomed", "dropout", "smoothing",
        "epochs", "held out",
    )  # fmt: skip
    lines = [f"| {' | '.join(columns)} | training | validation |", "| --- |" + " ---: |" * 12]
    for run in runs:
        record = read_json(run / "record.json")
        config, metrics = record["config"], record["metrics"]
        row = (
            by(config["hidden"]), config["components"], config["batch_size"],
            f"{config.get('receptive_field', 0):g}", config.get("average", "none"),
            f"{config['rotate']:g}°", f"{config['zoom']:g}",
            f"{config['dropout']:g}", f"{config['label_smoothing']:g}", config["epochs"],
            f"{config['validation']:,}", percent(metrics["train_accuracy"]), percent(metrics["val_accuracy"]),
        )  # fmt: skip
        lines.append(f"| {' | '.join(str(cell) for cell in row)} |")
    return "\n".join(lines) + "\n"


def search_norm(runs: Sequence[Path]) -> str:
    """Trainings with and without layer normalisation, two layers before four, short before long."""
    columns = ("hidden", "norm", "rate", "L2", "turned", "zoomed", "bank", "epochs", "seed")
    lines = [f"| {' | '.join(columns)} | training | validation |", "| --- | --- |" + " ---: |" * 9]
    records = [read_json(run / "record.json") for run in runs]
    for record in sorted(records, key=lambda one: (len(one["config"]["hidden"]), one["config"]["epochs"])):
        config, metrics = record["config"], record["metrics"]
        row = (
            by(config["hidden"]), config["norm"], f"{config['learning_rate']:g}", f"{config['reg']:g}",
            f"{config['rotate']:g}°", f"{config['zoom']:g}", config["bank"] or "no", config["epochs"],
            config["seed"], percent(metrics["train_accuracy"]), percent(metrics["val_accuracy"]),
        )  # fmt: skip
        lines.append(f"| {' | '.join(str(cell) for cell in row)} |")
    return "\n".join(lines) + "\n"


def search_lasso(runs: Sequence[Path]) -> str:
    """Two-layer trainings with and without the lasso, alone and folded, short before long."""
    columns = ("hidden", "L2", "lasso", "dropout", "smoothing", "turned", "bank", "epochs", "seed")
    lines = [f"| {' | '.join(columns)} | training | validation | folded |", "|" + " ---: |" * 12]
    records = [read_json(run / "record.json") for run in runs]
    settings = ("epochs", "hidden", "dropout", "reg", "lasso", "seed")
    for record in sorted(records, key=lambda one: [one["config"][name] for name in settings]):
        config, alone = record["config"], record["folded"]["alone"][0]
        row = (
            by(config["hidden"]), f"{config['reg']:g}", f"{config['lasso']:g}", f"{config['dropout']:g}",
            f"{config['label_smoothing']:g}", f"{config['rotate']:g}°", config["bank"], config["epochs"],
            config["seed"], percent(alone["train_accuracy"]), percent(alone["val_accuracy"]),
            percent(record["metrics"]["val_accuracy"]),
        )  # fmt: skip
        lines.append(f"| {' | '.join(str(cell) for cell in row)} |")
    return "\n".join(lines) + "\n"
