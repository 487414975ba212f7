"""The tables of docs/records.md: classes, holders, histories; and what is wrong is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from fcnet.errors import RunError
from fcnet.protocol.contents import Ended, Plan, Recipe, Record, digest, text_of
from fcnet.protocol.log import appended, ended
from fcnet.protocol.plan import seeds_of
from fcnet.protocol.result import result_of
from record_tables import CLASSES, history, holders, records

Made = tuple[Path, Record]


def variant(made: Record, name: str, minutes: float, accuracy: float, spread: float = 0.01) -> Record:
    """A record of CIFAR-10 with seeds around an accuracy, without a fault."""
    values: dict[str, Any] = msgspec.to_builtins(made.plan)
    values["recipe"] |= {"name": name, "budget": {"minutes": minutes, "device": "cpu"}}
    values["recipe_sha256"] = digest(msgspec.convert(values["recipe"], Recipe))
    values["data"] |= {"name": "CIFAR-10", "label": "CIFAR-10 (a copy)", "test_images": 360}
    values["beat"] = None
    draft = msgspec.convert(values, Plan)
    values["seeds"] = seeds_of(draft, len(draft.seeds))
    plan = msgspec.convert(values, Plan)
    log: list[Any] = []
    for number, entry in enumerate(made.log):
        event, seed = entry.event, plan.seeds[number // 2]
        event = msgspec.structs.replace(event, seed=seed)
        if isinstance(event, Ended):
            right = round(360 * (accuracy + spread * (number // 2 - 2)))
            use = msgspec.structs.replace(event.folded, accuracy=right / 360)
            event = msgspec.structs.replace(event, folded=use)
        log = appended(plan, log, event)
    return Record(plan, log, result_of(plan, ended(log)))


def write(folder: Path, *found: Record) -> None:
    for record in found:
        (folder / f"{record.plan.recipe.name}.json").write_text(text_of(record))


def test_classes_without_a_record_say_so(tmp_path: Path) -> None:
    text = records(tmp_path)
    assert text.count("no record yet") == len(CLASSES) == 6
    assert "0 records in" in text
    assert "History" not in text


@pytest.mark.slow
def test_a_record_is_taken_by_more_than_chance(made: Made, tmp_path: Path) -> None:
    first = variant(made[1], "first", 5, 0.4)
    lucky = variant(made[1], "lucky", 5, 0.41)
    better = variant(made[1], "better", 5, 0.6)
    write(tmp_path, first, lucky, better)
    found = [(tmp_path / f"{one.plan.recipe.name}.json", one) for one in (first, lucky, better)]
    steps = history(CLASSES[0], found)
    assert [step.taken for step in steps] == [True, False, True]
    assert [step.against for step in steps] == ["", "first", "first"]
    text = records(tmp_path)
    (row,) = (line for line in text.splitlines() if line.startswith("| two layers, 5 minutes"))
    assert "**60.00 ± 1.58 %**" in row
    assert "[better](../results/records/better.json)" in row
    assert "### History: two layers, 5 minutes" in text
    # what needs five minutes competes where fifteen or sixty are allowed
    assert text.count("no record yet") == 2
    assert "not enough" in text
    assert "The images are those of CIFAR-10 (a copy)." in " ".join(text.split())


def test_two_layers_compete_in_any_depth_and_a_short_budget_in_longer_ones(
    made: Made, tmp_path: Path
) -> None:
    write(tmp_path, variant(made[1], "one", 15, 0.5))
    text = records(tmp_path)
    assert [line.split(" | ")[0] for line in text.splitlines() if "[one]" in line and "**" in line] == [
        "| two layers, 15 minutes", "| any depth, 15 minutes", "| any depth, 60 minutes",
    ]  # fmt: skip


def test_readme_shows_each_record_once(made: Made, tmp_path: Path) -> None:
    write(tmp_path, variant(made[1], "short", 5, 0.4), variant(made[1], "long", 15, 0.6))
    rows = holders(tmp_path).splitlines()[2:]
    assert [row.split(" | ")[0] for row in rows] == ["| two layers, 5 minutes", "| two layers, 15 minutes"]
    assert "**40.00 ± 1.58 %**" in rows[0]
    assert holders(tmp_path / "none").count("\n") == 1


def test_a_gpu_has_a_published_number_to_beat(made: Made) -> None:
    record = variant(made[1], "gpu", 10, 0.7)
    budget = msgspec.structs.replace(record.plan.recipe.budget, device="gpu")
    recipe = msgspec.structs.replace(record.plan.recipe, budget=budget)
    record = msgspec.structs.replace(record, plan=msgspec.structs.replace(record.plan, recipe=recipe))
    groups = [one for one in CLASSES if one.device == "gpu"]
    assert [one.minutes for one in groups] == [10, 15]
    for group in groups:
        (step,) = history(group, [(Path("gpu.json"), record)])
        assert step.against == "Lin, Memisevic and Konda (2015)"
        assert not step.taken


def test_digits_compete_nowhere(made: Made, tmp_path: Path) -> None:
    write(tmp_path, made[1])
    assert records(tmp_path).count("no record yet") == len(CLASSES)


def test_a_record_with_a_fault_is_refused(made: Made, tmp_path: Path) -> None:
    values = msgspec.to_builtins(variant(made[1], "one", 15, 0.5))
    values["result"]["summary"]["mean"] += 0.01
    write(tmp_path, msgspec.convert(values, Record))
    with pytest.raises(RunError, match="the result states summary mean"):
        records(tmp_path)
