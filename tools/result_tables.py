"""The tables of the documents, each made from the records that it states."""

from __future__ import annotations

import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

from fcnet.records import read_json
from fcnet.report.exercise import HEADING, exercise_rows
from fcnet.report.markdown import Markdown
from fcnet.report.markdown import table as markdown_table
from fcnet.train.config import TrainConfig
from fcnet.train.history import TRAINING_SAMPLE
from fcnet.wording import percent, times
from pages import label, wrapped


def table(results: dict[str, Any], repeats: Path) -> str:
    """What each question asks for and what is reached, and where and how.

    repeats : folder of further runs; those of the tuned recipe with other seeds give the spread
    """
    tuned, machine = results["tuned"], results["environment"]
    rows = [
        (*row.cells[:-1], Markdown(f"**{row.reached}**") if row.main else row.reached)
        for row in exercise_rows(results)
    ]
    heading = (*HEADING[:-1], f"reached on {label(results)}")
    where = f"{machine['cores']} cores of {machine['processor']} ({machine['system']})"
    versions = f"Python {machine['python']}, NumPy {machine['versions']['numpy']}"
    remark = (
        f"One run with seed {tuned['config']['seed']}, the test set used {times(tuned['test_set_used'])}, on "
        f"{where}, {versions}. {spread(tuned, repeats)}`make` runs `fcnet reproduce`, which runs it again. "
        "Every number is in [results/reproduce.json](results/reproduce.json)."
    )
    return "\n".join([markdown_table(heading, rows, words=2), "", *wrapped(remark)]) + "\n"


def spread(tuned: dict[str, Any], repeats: Path) -> str:
    """Mean and standard deviation of the tuned recipe's validation accuracy over all seeds that were run."""
    accuracies = [tuned["validation_accuracy"]]
    wanted = replace(TrainConfig.from_dict(tuned["config"], "results/reproduce.json"), seed=0)
    for path in sorted(repeats.glob("*/record.json")):
        record = read_json(path)
        config = TrainConfig.from_dict(record["config"], str(path))
        if replace(config, seed=0) == wanted and config.seed != tuned["config"]["seed"]:
            accuracies.append(record["metrics"]["val_accuracy"])
    if len(accuracies) == 1:
        return ""
    mean, deviation = statistics.mean(accuracies), statistics.stdev(accuracies)
    return (
        f"Validation accuracy of the tuned recipe over {len(accuracies)} seeds: {percent(mean)}, standard "
        f"deviation {100 * deviation:.1f} points; the other seeds did not see the test set. "
    )


def ladder(results: dict[str, Any]) -> str:
    """What each change of the settings brings."""
    rows = [
        (
            rung["change"],
            percent(rung["train_accuracy"]),
            percent(rung["val_accuracy"]),
            f"{rung['seconds']:.1f}",
        )
        for rung in results["ladder"]
    ]
    return markdown_table(("change", TRAINING_SAMPLE, "validation", "seconds"), rows) + "\n"


def steps(records: Path) -> str:
    """What a training step costs beside its matrix products."""
    measured = read_json(records / "step.json")
    machine = measured["machine"]
    rows = [
        (case["case"]["hidden"], case["case"]["momentum"], one["contestant"],
         f"{1e3 * one['median']:.1f} ms", f"x {one['ratio']:.2f}")
        for case in measured["cases"]
        for one in case["results"]
        if one["contestant"] == "fcnet" or "products" in one["contestant"]
    ]  # fmt: skip
    where = f"{measured['rounds']} rounds on {machine['cores']} cores of {machine['processor']}"
    heading = ("hidden units", "momentum", "what", "time", "ratio")
    found = markdown_table(heading, rows, words=3)
    return f"The time of a training step, as the median of {where}:\n\n{found}"


def speed(records: Path) -> str:
    """What loops cost, and how far a training step is above its matrix products."""
    loops, step = read_json(records / "loops.json"), read_json(records / "step.json")
    lines = ["| loss and gradients of 200 images, written with | time | ratio |", "| --- | ---: | ---: |"]
    for row in loops["cases"][0]["results"]:
        lines.append(f"| {row['contestant']} | {1e3 * row['median']:,.1f} ms | x {row['ratio']:,.1f} |")
    lines += [
        "",
        "| training step, hidden units | matrix products alone | plain SGD | momentum | closest other |",
    ]
    lines.append("| --- | ---: | ---: | ---: | ---: |")
    for hidden in sorted({case["case"]["hidden"] for case in step["cases"]}):
        cases = {
            case["case"]["momentum"]: {row["contestant"]: row for row in case["results"]}
            for case in step["cases"] if case["case"]["hidden"] == hidden
        }  # fmt: skip
        floor = f"{1e3 * cases[0.0][step['baseline']]['median']:.1f} ms"
        plain, momentum = (f"x {cases[mu]['fcnet']['ratio']:.2f}" for mu in (0.0, 0.9))
        lines.append(f"| {hidden} | {floor} | {plain} | {momentum} | {closest(cases[0.0])} |")
    where = f"{step['machine']['cores']} cores of {step['machine']['processor']}"
    lines += ["", *wrapped(
        f"Float32, medians of {step['rounds']} rounds on {where}; `make bench` repeats it. "
        f"[docs/speed.md](docs/speed.md) has all programs, and the times of whole trainings."
    )]  # fmt: skip
    return "\n".join(lines) + "\n"


def estimator(record: Path) -> str:
    """`FCNetClassifier` beside scikit-learn's classifier, data set by data set, and on average."""
    found = read_json(record)
    names = list(found["rows"][0]["results"])
    head = ("data", "examples", "features", "classes", *names)
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    for group, title in (("seen", "mean of these nine"), ("unseen", "mean of these six")):
        rows = [row for row in found["rows"] if row["group"] == group]
        for row in rows:
            results = [row["results"][name] for name in names]
            cells = [
                f"{100 * r['accuracy']:.1f} ± {100 * r['sd']:.1f} %, {r['median_seconds']:.2f} s"
                for r in results
            ]
            sizes = (f"{row['examples']:,}", row["features"], row["classes"])
            lines.append(f"| {' | '.join(map(str, (row['data'], *sizes, *cells)))} |")
        means = [statistics.mean(row["results"][name]["accuracy"] for row in rows) for name in names]
        times = [sum(row["results"][name]["median_seconds"] for row in rows) for name in names]
        cells = [f"**{percent(m)}**, {t:.1f} s in all" for m, t in zip(means, times, strict=True)]
        lines.append(f"| **{title}** | | | | {' | '.join(cells)} |")
    machine = found["machine"]
    remark = (
        f"Test accuracy of {len(found['seeds'])} splits, mean ± standard deviation, and the median time of a "
        f"fit; scikit-learn {machine['versions']['scikit-learn']} on {machine['cores']} cores of "
        f"{machine['processor']}; other programs kept {machine['cores_used_by_others']:.1f} of them busy, "
        f"so the times are only a rough guide. "
        f"`python benchmarks/estimator.py` repeats it."
    )
    return "\n".join([*lines, "", *wrapped(remark)]) + "\n"


def closest(rows: dict[str, Any]) -> str:
    """The fastest program that is not this project's, of those with float32 products."""
    others = [
        row for name, row in rows.items()
        if "products" not in name and "fcnet" not in name and "bfloat16" not in name
    ]  # fmt: skip
    if not others:
        return ""
    best = min(others, key=lambda row: float(row["ratio"]))
    return f"{best['contestant']}, x {best['ratio']:.2f}"


def search(records: Path) -> str:
    """The long runs of the search for the tuned recipe, as `fcnet train` recorded them."""
    columns = ("inputs", "deformed", "epochs", "units", "L2", "held out", "seed")
    lines = [
        f"| {' | '.join(columns)} | training | validation | seconds |",
        "| --- | --- |" + " ---: |" * 8,
    ]
    for path in sorted(records.glob("*/record.json")):
        record = read_json(path)
        config, metrics = record["config"], record["metrics"]
        deformed = f"mirror, {config['shift']}" if config["mirror"] else "no"
        row = (
            config["preprocessing"], deformed, config["epochs"], config["hidden"][0], f"{config['reg']:g}",
            f"{config['validation']:,}", config["seed"],
            percent(metrics["train_accuracy"]), percent(metrics["val_accuracy"]), f"{record['seconds']:.0f}",
        )  # fmt: skip
        lines.append(f"| {' | '.join(str(cell) for cell in row)} |")
    return "\n".join(lines) + "\n"
