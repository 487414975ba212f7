"""The sections of a report, in the exercise's order: facts come from records, words from a template.

A section of your own is one line: `SECTIONS["place"] = Section("Title", function)`. The function takes a
`Story` and gives Markdown.
"""

import re
from typing import Any

from fcnet.data.kinds import WHITENINGS
from fcnet.report.derivation import derivation
from fcnet.report.discussion import discuss
from fcnet.report.exercise import HEADING, exercise_rows
from fcnet.report.markdown import Markdown
from fcnet.report.page.images import mistakes, samples
from fcnet.report.reading import initialisation_name
from fcnet.report.story import Section, Story
from fcnet.wording import by, percent, seconds, setting, times, validated


def summary(story: Story) -> str:
    """The exercise's goals and the results."""
    results = story.records.results
    rows = [row.cells for row in exercise_rows(results)] if results else []
    return story.tell("summary", heading=HEADING, rows=rows, quick=results.get("quick", False))


def toy(story: Story) -> str:
    """Question 1: scores and loss of the toy problem."""
    found = story.records.toy
    rows = found and [
        ("scores, sum of differences from the given ones", "< 1e-7", f"{found.scores_difference:.1e}"),
        ("regularised loss (nats)", "1.30378789133", f"{found.loss:.11f}"),
        ("its difference from the given loss", "< 1e-10", f"{found.loss_difference:.1e}"),
    ]
    return story.tell("toy", rows=rows)


def derived(story: Story) -> str:
    """Question 2: the derivation itself on the page, its address in the documents."""
    text = re.sub(r"\A# .*\n+", "", derivation()) if story.page else ""
    return story.tell("derivation", text=Markdown(re.sub("^#", "##", text, flags=re.MULTILINE)))


def audit(story: Story) -> str:
    """Question 2: the gradients against two independent references."""
    found, rows, failure = story.records.toy, None, ""
    if found is not None:
        parameters = found.audit.parameters
        failure = "" if found.audit.passed else found.audit.reason
        rows = [
            (name, f"{error:.1e}", _error(parameters[name].complex_error), parameters[name].dead)
            for name, error in found.gradient_relative_error.items()
        ]
    return story.tell("audit", rows=rows, failure=failure)


def training(story: Story) -> str:
    """Question 3: the toy training, the exercise's figure 2."""
    return story.tell("training")


def data(story: Story) -> str:
    """The images, the exercise's figure 3."""
    dataset = story.records.dataset
    images = dataset is not None and dataset.of_images
    shown = samples(dataset) if dataset is not None and images and story.page else ()
    return story.tell("data", data=dataset, shape=by(dataset.image_shape) if dataset else "", samples=shown)


def default(story: Story) -> str:
    """Question 3: the exercise's settings, and what is wrong with them."""
    diagnosis, record = story.records.diagnosis, story.records.default_record
    reached = record and accuracies(record)
    findings = diagnosis and [one.sentence for one in diagnosis.findings]
    return story.tell("default", reached=reached, findings=findings)


def tuned(story: Story) -> str:
    """Question 3: the tuned run, or the only one: settings, curves, weights, test, mistakes."""
    dataset, record = story.records.dataset, story.records.record
    reached, settings, wrong = None, [], None
    if record is not None:
        reached = accuracies(record)
        config = record["config"]
        settings = [(name, setting(value, " x ")) for name, value in config.items() if _used(name, config)]
        wrong = mistakes(story.records, record) if story.page else None
    result = story.records.test
    test = result and {
        "accuracy": percent(result.accuracy), "images": result.images, "times": times(result.count),
        "classes": result.classes, "confusion": [
            (name, *(f"{count:,}" for count in row))
            for name, row in zip(result.classes, result.confusion, strict=True)
        ],
    }  # fmt: skip
    images, pictures = dataset is None or dataset.of_images, story.records.tuned_pictures
    start_lost = pictures is not None and not len(pictures.before)
    return story.tell(
        "tuned", reached=reached, settings=settings, images=images, start_lost=start_lost,
        test=test, wrong=wrong,
    )  # fmt: skip


def search(story: Story) -> str:
    """Question 3: how the settings were found."""
    rungs = story.records.ladder or ()
    rows = [(rung.change, percent(rung.train_accuracy), percent(rung.val_accuracy)) for rung in rungs]
    return story.tell("search", rows=rows)


def pytorch(story: Story) -> str:
    """Question 4: PyTorch beside NumPy."""
    two = (story.records.results.get("pytorch") or {}).get("two_layer")
    rows = two and [
        _network_row("NumPy (float32)", two["numpy"]),
        _network_row(f"PyTorch ({two['engine']['precision']})", two),
    ]
    return story.tell("pytorch", rows=rows)


def depth(story: Story) -> str:
    """Question 4: what more layers bring."""
    study, facts = story.records.study, {}
    best = (story.records.results.get("pytorch") or {}).get("best")
    best = best and {
        "layers": best["layers"], "initialisation": initialisation_name(best["initialisation"]),
        "validation": percent(best["validation_accuracy"]), "test": percent(best["test_accuracy"]),
    }  # fmt: skip
    if study is not None:
        rows = [
            (net.budget, initialisation_name(net.initialisation), net.layers, net.width,
             f"{net.parameters:,}", net.seeds, net.training, net.validation)
            for net in study.networks
        ]  # fmt: skip
        facts = {"net": study.networks[0], "rows": rows, "sentences": discuss(study)}
    return story.tell("depth", study=study, best=best, **facts)


def where(story: Story) -> str:
    """Versions, machine, data and its hash, seed, commit, and the command that repeats it."""
    record = story.records.record or story.records.default_record
    if record is None:
        return story.tell("where", rows=None)
    environment, origin = record["environment"], record["data"]
    official = {True: "yes", False: "no", None: "unknown: no hashes are published"}[origin.get("official")]
    rows = [
        ("command", environment["command"]), ("commit", environment["commit"]),
        ("seed", record["seed"]), ("data", origin["label"]), ("data from", origin["path"]),
        ("sha256 of examples and labels", origin["sha256"]), ("the published files", official),
        ("machine", f"{environment['cores']} cores of {environment['processor']}"),
        ("system", environment["system"]),
        ("Python", environment["python"]), *environment["versions"].items(),
    ]  # fmt: skip
    return story.tell("where", rows=rows)


SECTIONS: dict[str, Section] = {
    "summary": Section("In short", summary),
    "toy": Section("Scores and loss", toy),
    "derivation": Section("The derivation", derived),
    "audit": Section("The gradients, audited", audit),
    "training": Section("A first training", training),
    "data": Section("The data", data),
    "default": Section("The default run, and what is wrong with it", default),
    "tuned": Section("The tuned run", tuned),
    "search": Section("How the settings were found", search),
    "pytorch": Section("PyTorch beside NumPy", pytorch),
    "depth": Section("Depth", depth),
    "where": Section("Where it ran", where),
}
"""Of a reproduction, by their places in the page."""

RUN_SECTIONS: dict[str, Section] = {
    "data": SECTIONS["data"],
    "tuned": Section("The run", tuned),
    "derivation": SECTIONS["derivation"],
    "where": SECTIONS["where"],
}
"""Of a single run."""


def accuracies(record: dict[str, Any]) -> dict[str, str]:
    """The results of a training in words."""
    metrics = record["metrics"]
    return {
        "units": by(f"{size:,}" for size in record["config"]["hidden"]) or "no",
        "steps": f"{record['steps']:,}", "seconds": f"{seconds(record['seconds'])} s",
        "data": record["data"]["label"], "training": percent(metrics["train_accuracy"]),
        "validation": validated(record),
    }  # fmt: skip


def _network_row(name: str, found: dict[str, Any]) -> tuple[str, ...]:
    reached = (percent(found[f"{part}_accuracy"]) for part in ("training", "validation"))
    return (name, *reached, f"{found['training_seconds']:.1f}")


NEEDS = {
    "decay": ("schedule", ("decay",)), "warmup_epochs": ("schedule", ("cosine",)),
    "components": ("preprocessing", WHITENINGS), "whitening_floor": ("preprocessing", WHITENINGS),
}  # fmt: skip
"""Settings that have an effect only where another one has one of these values."""


WITHOUT_EFFECT: tuple[Any, ...] = (None, False, 0, "auto", "none", [])
"""Values that say that something is off."""


def _used(name: str, config: dict[str, Any]) -> bool:
    """Whether a setting had an effect: what is off, none or left to the program had none."""
    if name == "expansion":  # of the residual blocks
        return bool(config.get("blocks"))
    other, values = NEEDS.get(name, (name, (config[name],)))
    return config[other] in values and (name == "seed" or config[name] not in WITHOUT_EFFECT)


def _error(error: float | None) -> str:
    return "not finite" if error is None else f"{error:.1e}"
