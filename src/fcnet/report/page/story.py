"""The sections of a report, in the exercise's order; every number comes from a record."""

from __future__ import annotations

from typing import Any

from fcnet.records import read_json
from fcnet.report.page.blocks import (
    NO_IMAGES,
    Block,
    Derivation,
    Figure,
    Pictures,
    Section,
    Table,
    Text,
    lacking,
)
from fcnet.report.page.images import samples
from fcnet.report.page.source import Source, facts_of
from fcnet.report.page.training import default_run, depth, pytorch, search, tuned_run
from fcnet.report.style import percent


def sections(source: Source) -> list[Section]:
    """Tell what is in the folder, and say what is not.

    Raises
    ------
    RunError : a record is damaged, or the folder is none of ours; the text names it
    """
    derivation = Section("derivation", "The derivation", (Derivation(),))
    if source.single:
        return [data(source), tuned_run(source), derivation, where(source)]
    return [
        summary(source), toy(source), derivation, audit(source), toy_training(source), data(source),
        default_run(source), tuned_run(source), search(source), pytorch(source), depth(source),
        speed(source), where(source),
    ]  # fmt: skip


def summary(source: Source) -> Section:
    """What the exercise asks for and what was reached."""
    rows: list[tuple[str, ...]] = []
    results = source.results
    with facts_of(source.out / "results.json"):
        if results:
            found, default, tuned = results["toy"], results["default"], results["tuned"]
            real = results["dataset"]["name"] == "CIFAR-10"  # the exercise wants nothing of other images
            worst = max(float(error) for error in found["gradient_relative_error"].values())
            rows = [
                ("1", "scores, sum of differences", "< 1e-7", f"{found['scores_difference']:.1e}"),
                ("1", "loss of the toy problem (nats)", "1.30378789133", f"{found['loss']:.11f}"),
                ("2", "gradients, largest relative error", "< 1e-8", f"{worst:.1e}"),
                ("3", "toy training, final loss (nats)", "<= 0.02", f"{found['final_training_loss']:.4f}"),
                (
                    "3",
                    "default run, validation accuracy",
                    "about 29 %" if real else "",
                    percent(default["validation_accuracy"]),
                ),
                (
                    "3",
                    "tuned run, validation accuracy",
                    "above 48 %" if real else "",
                    percent(tuned["validation_accuracy"]),
                ),
                ("3", "tuned run, test accuracy", "", percent(tuned["test_accuracy"])),
            ]
            rows += _question_4(results.get("pytorch") or {})
    blocks: list[Block] = [Figure("overview", "picture of default against tuned")]
    if rows:
        caption = f"What the exercise wants and what this run reached, on {source.label}"
        blocks.insert(0, Table(caption, ("question", "quantity", "wanted", "reached"), tuple(rows), words=2))
    else:
        blocks.insert(0, lacking("results.json: it is not finished, and the same command goes on with it"))
    if results.get("quick"):
        blocks.append(
            Text("A quick run: a short training in the place of the tuned one, and no ladder.", True)
        )
    return Section("summary", "In short", tuple(blocks))


def _question_4(found: dict[str, Any]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    if two := found.get("two_layer"):
        rows.append(
            (
                "4",
                "PyTorch, two layers, validation accuracy",
                "above 48 %",
                percent(two["validation_accuracy"]),
            )
        )
    if best := found.get("best"):
        rows.append(
            (
                "4",
                f"PyTorch, best ({best['layers']} layers), test accuracy",
                "",
                percent(best["test_accuracy"]),
            )
        )
    return rows


def toy(source: Source) -> Section:
    """Question 1: scores and loss of the toy problem."""
    found = source.read("toy.json")
    if found is None:
        return Section("toy", "Scores and loss", (lacking("toy problem"),))
    with facts_of(source.out / "toy.json"):
        rows = (
            (
                "scores, sum of absolute differences from the given ones",
                "< 1e-7",
                f"{found['scores_difference']:.1e}",
            ),
            ("regularised loss (nats)", "1.30378789133", f"{found['loss']:.11f}"),
            ("its difference from the given one", "< 1e-10", f"{found['loss_difference']:.1e}"),
        )
    text = (
        "Five points in four dimensions, three classes, ten hidden units, weights from a fixed seed: the "
        "exercise gives the right answers."
    )
    return Section(
        "toy",
        "Scores and loss",
        (Text(text), Table("The toy problem", ("quantity", "wanted", "reached"), rows)),
    )


def audit(source: Source) -> Section:
    """Question 2: the gradients against two independent witnesses."""
    found = source.read("toy.json")
    if found is None:
        return Section("audit", "The gradients, audited", (lacking("gradient audit"),))
    with facts_of(source.out / "toy.json"):
        errors, parameters = found["gradient_relative_error"], found["audit"]["parameters"]
        rows = tuple(
            (
                str(name),
                f"{float(error):.1e}",
                _maybe(parameters[name]["complex_error"]),
                str(parameters[name]["dead"]),
            )
            for name, error in errors.items()
        )
        verdict = "passed" if found["audit"]["passed"] else f"FAILED: {found['audit']['reason']}"
    heading = ("parameter", "central differences, h = 1e-5", "complex step", "entries of dead units")
    blocks = (
        Text(
            f"Largest relative error of each gradient; the exercise wants less than 1e-8. "
            f"The audit {verdict}."
        ),
        Table("Gradients against numbers", heading, rows),
        Figure("gradient_error", "figure of the audit"),
    )
    return Section("audit", "The gradients, audited", blocks)


def toy_training(source: Source) -> Section:
    """Question 3: the toy training, the exercise's figure 2."""
    return Section("training", "A first training", (Figure("toy_training", "toy training"),))


def data(source: Source) -> Section:
    """The images, the exercise's figure 3."""
    dataset = source.dataset
    if dataset is None:
        return Section("data", "The images", (Text(NO_IMAGES, missing=True),))
    n, m = len(dataset.train), len(dataset.test)
    if not dataset.of_images:
        text = (
            f"{dataset.label}: {n:,} training and {m:,} test rows of {dataset.image_shape[2]} numbers in "
            f"{len(dataset.classes)} classes."
        )
        return Section("data", "The data", (Text(text),))
    shape = " x ".join(str(side) for side in dataset.image_shape)
    text = (
        f"{dataset.label}: {n:,} training and {m:,} test images of {shape} numbers in "
        f"{len(dataset.classes)} classes."
    )
    return Section(
        "data",
        "The images",
        (Text(text), Pictures("The first images of each class.", samples(dataset), wide=True)),
    )


def speed(source: Source) -> Section:
    """What a training step costs, where it was measured."""
    path = source.benchmarks / "step.json" if source.benchmarks else None
    if path is None or not path.exists():
        return Section("speed", "Speed", (lacking("measurement of speed"),))
    measured = read_json(path)
    with facts_of(path):
        rows = tuple(
            (
                str(case["case"]["hidden"]),
                str(case["case"]["momentum"]),
                str(one["contestant"]),
                f"{1e3 * one['median']:.1f} ms",
                f"x {one['ratio']:.2f}",
            )
            for case in measured["cases"]
            for one in case["results"]
            if one["contestant"] == "fcnet" or "products" in one["contestant"]
        )
        machine = measured["machine"]
        where = f"{machine['cores']} cores of {machine['processor']}"
        caption = f"A training step, medians of {measured['rounds']} rounds on {where}"
    heading = ("hidden units", "momentum", "what", "time", "ratio")
    return Section("speed", "Speed", (Table(caption, heading, rows, words=3),))


def where(source: Source) -> Section:
    """Versions, machine, data and its hash, seed, commit, and the command that repeats it."""
    record = source.record or source.default_record
    if record is None:
        return Section("where", "Where it ran", (lacking("finished training that says where it ran"),))
    with facts_of((source.records.run if source.record else source.out / "default") / "record.json"):
        environment, origin = record["environment"], record["data"]
        official = {True: "yes", False: "no", None: "nobody published hashes"}[origin["official"]]
        cores, processor = environment["cores"], environment["processor"]
        rows = [
            ("command", environment["command"]), ("commit", environment["commit"]),
            ("seed", record["seed"]), ("data", origin["label"]), ("data from", origin["path"]),
            ("sha256 of images and labels", origin["sha256"]), ("the published files", official),
            ("machine", f"{cores} cores of {processor}, {environment['system']}"),
            ("Python", environment["python"]), *environment["versions"].items(),
        ]  # fmt: skip
        facts = tuple((str(name), str(value)) for name, value in rows)
    return Section(
        "where",
        "Where it ran",
        (Table("Of the last training of this report", ("what", "value"), facts, words=2),),
    )


def _maybe(error: Any) -> str:
    return "not finite" if error is None else f"{float(error):.1e}"
