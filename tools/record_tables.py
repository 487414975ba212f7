"""The tables of records: who holds the record of each class, and how it came to that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from fcnet.errors import RunError
from fcnet.protocol.contents import Record, Summary, read
from fcnet.protocol.log import ended
from fcnet.protocol.statistics import SIGNIFICANT, Lead, lead
from fcnet.protocol.verify import findings
from fcnet.wording import percent
from pages import wrapped

DATA = "CIFAR-10"
"""The data set of all classes."""

CROP = 10
"""Characters of a moment that are its date."""


@dataclass(frozen=True)
class Class:
    """What competes with what.

    title : in the tables
    minutes, device : of the largest budget; what needs less competes too
    layers : the most linear layers; None for any number
    published : what and how accurate, if a number of somebody else is the first to beat
    """

    title: str
    minutes: float
    device: str = "cpu"
    layers: int | None = None
    published: tuple[str, float] | None = None

    def takes(self, record: Record) -> bool:
        """Whether a record competes here."""
        plan = record.plan
        budget, shallow = plan.recipe.budget, self.layers is None or plan.layers <= self.layers
        fits = budget.device == self.device and budget.minutes <= self.minutes
        return plan.data.name == DATA and fits and shallow


CLASSES = (
    Class("two layers, 5 minutes", 5, layers=2),
    Class("two layers, 15 minutes", 15, layers=2),
    Class("any depth, 15 minutes", 15),
    Class("any depth, 60 minutes", 60),
    Class("one GPU, 10 minutes", 10, "gpu", published=("Lin, Memisevic and Konda (2015)", 0.7862)),
    Class("one GPU, 15 minutes", 15, "gpu", published=("Lin, Memisevic and Konda (2015)", 0.7862)),
)


@dataclass(frozen=True)
class Step:
    """A record in the history of its class: what it was compared with, and whether it holds now."""

    path: Path
    record: Record
    against: str
    lead: Lead | None

    @property
    def taken(self) -> bool:
        return self.lead is None or self.lead.p < SIGNIFICANT


def records(folder: Path) -> str:
    """The table of all classes, and the history of each.

    Raises
    ------
    RunError : a file is not a record, or something is wrong with one
    """
    found = _in_order(folder)
    histories = {group: history(group, found) for group in CLASSES}
    lines = [
        "| class | test accuracy | without folding | seeds | seconds | recipe |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for group, steps in histories.items():
        lines.append(f"| {group.title} | {_held(_holder(steps), linked=True)} |")
    lines += ["", *wrapped(_remark(found))]
    for group, steps in histories.items():
        if steps:
            lines += ["", f"### History: {group.title}", "", *_history(group, steps)]
    return "\n".join(lines)


def holders(folder: Path) -> str:
    """The table of the classes in which there is a record, for README.

    Raises
    ------
    RunError : as `records`
    """
    found = _in_order(folder)
    lines = [
        "| CIFAR-10, two processors or one GPU | test accuracy | before folding | seeds | seconds a seed |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    shown: set[Path] = set()
    for group in CLASSES:
        step = _holder(history(group, found))
        if step is not None and step.path not in shown:
            shown.add(step.path)
            lines.append(f"| {group.title} | {_held(step)} |")
    return "\n".join(lines)


def _in_order(folder: Path) -> list[tuple[Path, Record]]:
    return sorted(_read(folder), key=lambda one: one[1].log[-1].when)


def _holder(steps: Sequence[Step]) -> Step | None:
    return next((step for step in reversed(steps) if step.taken), None)


def history(group: Class, found: Sequence[tuple[Path, Record]]) -> list[Step]:
    """The records of a class in the order of their ends, each compared with the one that held until then."""
    name, holder, steps = "", list[float](), list[Step]()
    if group.published:
        name, holder = group.published[0], [group.published[1]]
    for path, record in found:
        if not group.takes(record):
            continue
        new = record.result.accuracies
        compared = lead(new, holder, record.plan.data.test_images) if holder else None
        steps.append(Step(path, record, name, compared))
        if steps[-1].taken:
            name, holder = record.plan.recipe.name, new
    return steps


def _read(folder: Path) -> Iterator[tuple[Path, Record]]:
    for path in sorted(folder.glob("*.json")):
        record = read(path, Record)
        for finding in findings(record):
            raise RunError(f"{path}: {finding}; remove it")
        yield path, record


def _held(step: Step | None, linked: bool = False) -> str:
    """The cells of a class, with a link to the record or without."""
    if step is None:
        return "no record yet | | | |"
    record, folds = step.record, step.record.plan.recipe.fold is not None
    plain = spread(record.result.plain_summary) if folds else "the same"
    cells = (
        f"**{spread(record.result.summary)}** | {plain} | {_seeds(record)} | {record.result.mean_seconds:.0f}"
    )
    return f"{cells} | {_link(step)}" if linked else cells


def _history(group: Class, steps: Sequence[Step]) -> list[str]:
    rows = [
        "| date | recipe | test accuracy | without folding | seeds | seconds | epochs | operations | "
        "against | p | machine |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | ---: | --- |",
    ]
    for step in steps:
        record = step.record
        outcomes = list(ended(record.log).values())
        cells = (
            record.log[-1].when[:CROP], _link(step), spread(record.result.summary),
            spread(record.result.plain_summary), _seeds(record), f"{record.result.mean_seconds:.0f}",
            f"{mean(one.epochs for one in outcomes):.0f}",
            f"{mean(one.steps * one.step_flops for one in outcomes) / 1e12:,.0f} · 10¹²",
            step.against or "nothing before", _p(step), _machine(record),
        )  # fmt: skip
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def _p(step: Step) -> str:
    if step.lead is None:
        return ""
    p = f"{step.lead.p:.2g}" if step.lead.p >= 1e-4 else "below 0.0001"
    return p if step.taken else f"{p}, not enough"


def spread(summary: Summary) -> str:
    """A mean with its standard deviation, where there is one."""
    if summary.deviation is None:
        return percent(summary.mean, 2)
    return f"{100 * summary.mean:.2f} ± {100 * summary.deviation:.2f} %"


def _seeds(record: Record) -> str:
    failures = record.result.failures
    return f"{len(record.plan.seeds)}" + (f", {failures} failed" if failures else "")


def _link(step: Step) -> str:
    return f"[{step.record.plan.recipe.name}](../results/records/{step.path.name})"


def _machine(record: Record) -> str:
    machine = record.plan.machine
    if machine.gpu:
        return machine.gpu
    cores = max(one.cores for one in ended(record.log).values())
    return f"{cores} cores of {machine.processor}"


def _remark(found: Sequence[tuple[Path, Record]]) -> str:
    labels = sorted({record.plan.data.label for _, record in found if record.plan.data.name == DATA})
    copies = f" The images are those of {' and '.join(labels)}." if labels else ""
    return (
        "Mean and standard deviation over all seeds, failures included, on the test images of CIFAR-10. A "
        "record is taken with p below 0.01 against the one before it (one-sided, Welch's t-test; against a "
        "single number Student's; a single seed is compared over the test images alone). Seconds of "
        f"different machines cannot be compared, operations can. {len(found)} "
        f"{'record' if len(found) == 1 else 'records'} in [results/records](../results/records).{copies}"
    )
