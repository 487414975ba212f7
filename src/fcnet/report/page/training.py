"""The sections on trainings: the default run, the tuned run, how its settings were found, PyTorch, depth."""

from __future__ import annotations

from typing import Any

from fcnet.report.page.blocks import NO_MISTAKES, Block, Figure, Pictures, Section, Table, Text, lacking
from fcnet.report.page.images import mistakes
from fcnet.report.page.source import Source, facts_of
from fcnet.report.reading import initialisation_name
from fcnet.report.style import percent


def default_run(source: Source) -> Section:
    """Question 3: the exercise's settings, and what is wrong with them."""
    blocks: list[Block] = []
    record, diagnosis = source.default_record, source.read("default/diagnosis.json")
    if record is None:
        blocks.append(lacking("finished default run"))
    else:
        with facts_of(source.out / "default" / "record.json"):
            blocks.append(Text(accuracies(record)))
    blocks.append(Figure("default_run", "curves of the default run"))
    if diagnosis is not None:
        with facts_of(source.out / "default" / "diagnosis.json"):
            sentences = [str(finding["sentence"]) for finding in diagnosis["findings"]]
            blocks += [Text(f"{n}. {sentence}") for n, sentence in enumerate(sentences, start=1)]
    else:
        blocks.append(lacking("diagnosis of the default run"))
    blocks.append(Figure("default_weights", "weights of the default run"))
    return Section("default", "The default run, and what is wrong with it", tuple(blocks))


def search(source: Source) -> Section:
    """Question 3: how the settings were found."""
    rungs = source.records.ladder
    blocks: list[Block] = [Figure("ladder", "ladder from the default settings to the tuned ones")]
    if rungs:
        rows = tuple((r.change, percent(r.train_accuracy), percent(r.val_accuracy)) for r in rungs)
        blocks.insert(
            0, Text("One change of the settings at a time, each trained anew, on top of those above it.")
        )
        blocks.append(Table("What each change brings", ("change", "training", "validation"), rows))
    return Section("search", "How the settings were found", tuple(blocks))


def tuned_run(source: Source) -> Section:
    """Question 3: the tuned run, or the only one: settings, curves, weights, test, mistakes."""
    blocks: list[Block] = []
    record = source.record
    if record is not None:
        with facts_of(source.records.run / "record.json"):
            blocks.append(Text(accuracies(record)))
            rows = tuple((str(name), _value(value)) for name, value in record["config"].items())
            blocks.append(Table("Settings", ("setting", "value"), rows))
    else:
        blocks.append(lacking("finished tuned run"))
    blocks.append(Figure("tuned_curves", "curves of the tuned run"))
    if source.dataset is None or source.dataset.of_images:
        blocks.append(Figure("tuned_weights", "weights of the tuned run"))
        blocks += _before(source)
    blocks += _test(source)
    if record is not None:
        with facts_of(source.records.run / "record.json"):
            blocks += _mistakes(source, record)
    title = "The run" if source.single else "The tuned run"
    return Section("tuned", title, tuple(blocks))


def pytorch(source: Source) -> Section:
    """Question 4: PyTorch beside NumPy."""
    found = source.results.get("pytorch") or {}
    blocks: list[Block] = []
    with facts_of(source.out / "results.json"):
        two = found.get("two_layer")
        if not two:
            blocks.append(lacking("PyTorch network"))
        else:
            engine = two.get("engine") or {}
            precision = f" ({engine['precision']})" if "precision" in engine else ""
            networks = [(f"PyTorch{precision}", two)]
            if "numpy" in two:
                networks.insert(0, ("NumPy (float32)", two["numpy"]))
            heading = ("network", "training", "validation", "seconds")
            rows = tuple(_network_row(name, one) for name, one in networks)
            blocks.append(Table("One two-layer net, the same settings twice", heading, rows))
    return Section("pytorch", "PyTorch beside NumPy", tuple(blocks))


def _network_row(name: str, found: dict[str, Any]) -> tuple[str, ...]:
    accuracies = (
        percent(float(found[key])) if key in found else ""
        for key in ("training_accuracy", "validation_accuracy")
    )
    seconds = f"{float(found['training_seconds']):.1f}" if "training_seconds" in found else ""
    return (name, *accuracies, seconds)


def depth(source: Source) -> Section:
    """Question 4: what more layers bring."""
    found = source.results.get("pytorch") or {}
    blocks: list[Block] = []
    with facts_of(source.out / "results.json"):
        study: list[dict[str, Any]] = found.get("depth") or []
        rows = tuple(_depth_row(row) for row in study)
        if not rows:
            blocks.append(lacking("depth study"))
        else:
            if "validation_images" in study[0]:
                blocks.append(Text(_budget(study[0])))
            blocks.append(Figure("depth", "figure of the depth study"))
            heading = (
                "compared at equal",
                "initialisation",
                "layers",
                "units",
                "parameters",
                "seeds",
                "training",
                "validation",
            )
            blocks.append(Table("Accuracy by depth, mean and standard deviation", heading, rows, words=2))
            blocks.append(Figure("signal", "figure of the signal's way through the layers"))
        blocks += [Text(str(sentence)) for sentence in found.get("discussion") or ()]
        if best := found.get("best"):
            test = (
                f", on the test set {percent(float(best['test_accuracy']))}"
                if "test_accuracy" in best
                else ""
            )
            blocks.append(
                Text(
                    f"The best network by its mean has {int(best['layers'])} layers"
                    f"{_drawn_from(best)}; its best seed reaches "
                    f"{percent(float(best['validation_accuracy']))} on validation images{test}."
                )
            )
    return Section("depth", "Depth", tuple(blocks))


def _drawn_from(best: dict[str, Any]) -> str:
    how = best.get("initialisation")
    return f", drawn from {initialisation_name(str(how))}" if how else ""


def _budget(row: dict[str, Any]) -> str:
    return (
        f"Every network was trained for {int(row['epochs'])} epochs with the settings of the two-layer net, "
        f"from {int(row['seeds'])} seeds; {int(row['validation_images']):,} training images were held out, "
        f"since few images leave small differences to chance. At equal width a deeper network has more "
        f"parameters; at equal parameters it gives up width for its depth."
    )


def accuracies(record: dict[str, Any]) -> str:
    """What a training reached, in a sentence."""
    metrics, label = record["metrics"], record["data"]["label"]
    units = " x ".join(str(int(size)) for size in record["config"]["hidden"]) or "no"
    return (
        f"{units} hidden units, {int(record['steps']):,} steps in {float(record['seconds']):.1f} s on "
        f"{label}: training accuracy {percent(float(metrics['train_accuracy']))}, validation "
        f"accuracy {percent(float(metrics['val_accuracy']))}."
    )


def _before(source: Source) -> list[Block]:
    pictures = source.records.tuned_pictures
    if pictures is None or len(pictures.before):
        return []
    return [Text("The weights that it started from were not kept; they are noise.", missing=True)]


def _test(source: Source) -> list[Block]:
    path = source.records.run / "test.json"
    if not path.exists():
        return [lacking("test result: the test set was not used (fcnet test uses it, once)")]
    with facts_of(path):
        result = source.read("test.json" if source.single else "tuned/test.json") or {}
        times = "once" if int(result["count"]) == 1 else f"{int(result['count'])} times"
        said = f"Test accuracy {percent(float(result['accuracy']))} on {int(result['images']):,} images."
        blocks: list[Block] = [Text(f"{said} The test set was used {times}.")]
        blocks.append(Figure("confusion", "confusion matrix"))
        classes = [str(name) for name in result["classes"]]
        rows = tuple(
            (name, *(f"{int(count):,}" for count in row))
            for name, row in zip(classes, result["confusion"], strict=True)
        )
        blocks.append(Table("Test images of each class (rows) by answer", ("is", *classes), rows))
    return blocks


def _mistakes(source: Source, record: dict[str, Any]) -> list[Block]:
    found = mistakes(source, record)
    if found is None:
        return [Text(NO_MISTAKES, missing=True)]
    what = "images" if source.dataset is None or source.dataset.of_images else "rows"
    said = f"{found.wrong:,} of {found.images:,} {found.part} {what} are classified wrongly"
    if not found.pictures:
        return [Text(f"{said}.")]
    return [Pictures(f"{said}. These are the ones that the network is surest of.", found.pictures)]


def _depth_row(row: dict[str, Any]) -> tuple[str, ...]:
    def spread(part: str) -> str:
        mean, deviation = float(row[f"{part}_accuracy_mean"]), float(row[f"{part}_accuracy_std"])
        return f"{100 * mean:.1f} ± {100 * deviation:.1f} %"

    units = str(int(row["width"])) if "width" in row else ""
    network = (initialisation_name(str(row["initialisation"])), str(int(row["layers"])), units)
    counts = (f"{int(row['parameters']):,}", str(int(row["seeds"])))
    return (str(row["budget"]), *network, *counts, spread("training"), spread("validation"))


def _value(value: Any) -> str:
    if isinstance(value, list):
        return " x ".join(str(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
