"""Each planted cherry-pick is found, and a record that nobody touched passes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fcnet.errors import RunError
from fcnet.protocol.beside import against_plan, against_recipe, against_runs
from fcnet.protocol.contents import Entry, Plan, Record, digest, read
from fcnet.protocol.folder import RecordFolder
from fcnet.protocol.log import appended, ended
from fcnet.protocol.plan import seeds_of
from fcnet.protocol.result import result_of
from fcnet.protocol.verify import findings
from fcnet.records import as_json, read_json, write_json
from fcnet.registry import ADVICE

from .conftest import recipe

Made = tuple[Path, Record]
Values = dict[str, Any]


def plain(record: Record) -> Values:
    values: Values = msgspec.to_builtins(record)
    return values


def rebuilt(values: Values) -> Record:
    return msgspec.convert(values, Record)


def rechained(record: Record) -> Record:
    """The record with all hashes of the log and the result made to fit, as a careful liar does."""
    log: list[Entry] = []
    for entry in record.log:
        log = appended(record.plan, log, entry.event)
        moment = entry.when
        last = log.pop()
        content = [moment, last.event, last.previous]
        log.append(Entry(moment, last.event, last.previous, digest(content)))
    try:
        return Record(record.plan, log, result_of(record.plan, ended(log)))
    except KeyError:
        return Record(record.plan, log, record.result)


def events(values: Values, what: str = "ended") -> list[Values]:
    return [entry["event"] for entry in values["log"] if entry["event"]["what"] == what]


def leave_out(values: Values) -> None:
    # not the last one, since no entry of the log would miss it
    worst = min(events(values)[:-1], key=lambda event: event["folded"]["accuracy"])["seed"]
    values["log"] = [entry for entry in values["log"] if entry["event"]["seed"] != worst]


def leave_out_of_plan_too(values: Values) -> None:
    leave_out(values)
    kept = {event["seed"] for event in events(values)}
    values["plan"]["seeds"] = [seed for seed in values["plan"]["seeds"] if seed in kept]


def another_seed(values: Values) -> None:
    old = values["plan"]["seeds"][0]
    values["plan"]["seeds"][0] = 7
    for entry in values["log"]:
        if entry["event"]["seed"] == old:
            entry["event"]["seed"] = 7


def another_seed_in_the_log(values: Values) -> None:
    old = values["plan"]["seeds"][0]
    for entry in values["log"]:
        if entry["event"]["seed"] == old:
            entry["event"]["seed"] = 7


def trained_again(values: Values) -> None:
    values["log"] += [dict(entry) for entry in values["log"][:2]]


def used_twice(values: Values) -> None:
    events(values)[1]["plain"]["count"] = 2


def folded_used_twice(values: Values) -> None:
    events(values)[1]["folded"]["count"] = 3


def higher_mean(values: Values) -> None:
    values["result"]["summary"]["mean"] += 0.01


def smaller_p(values: Values) -> None:
    values["result"]["p"] = 1e-6


def fewer_failures(values: Values) -> None:
    values["result"]["failures"] = 1


def higher_accuracy(values: Values) -> None:
    events(values)[2]["folded"]["accuracy"] += 10 / 360


def accuracy_of_no_count(values: Values) -> None:
    events(values)[2]["plain"]["accuracy"] = 0.7123


def over_budget(values: Values) -> None:
    events(values)[0]["seconds"] = 61.0


def quicker_than_the_log(values: Values) -> None:
    values["log"][1]["event"]["seconds"] = 59.0
    values["log"][1]["when"] = values["log"][0]["when"]


def failure_that_was_tested(values: Values) -> None:
    events(values)[0]["outcome"] = "over budget"


def another_recipe(values: Values) -> None:
    values["plan"]["recipe"]["settings"]["epochs"] = 2


def another_recipe_with_its_hash(values: Values) -> None:
    another_recipe(values)
    values["plan"]["recipe_sha256"] = digest(values["plan"]["recipe"])


def other_settings(values: Values) -> None:
    values["plan"]["settings"]["hidden"] = [13]


def other_settings_of_a_seed(values: Values) -> None:
    events(values)[0]["settings_sha256"] = digest("others")


def another_source(values: Values) -> None:
    values["plan"]["source_sha256"] = digest("another source")


def another_source_of_a_seed(values: Values) -> None:
    events(values, "started")[0]["source_sha256"] = digest("another source")


def another_machine(values: Values) -> None:
    events(values, "started")[3]["machine_sha256"] = digest("a quicker machine")


def another_nonce(values: Values) -> None:
    values["plan"]["nonce"] = "a better one"


def another_record_to_beat(values: Values) -> None:
    values["plan"]["beat"]["accuracies"] = [0.1]


def more_processors(values: Values) -> None:
    events(values)[0]["cores"] = 8


def a_gpu(values: Values) -> None:
    events(values)[0]["engine"]["device"] = "NVIDIA"


def not_folded(values: Values) -> None:
    events(values)[0]["folded"] = None


def older_entry(values: Values) -> None:
    values["log"][2]["when"] = "2020-01-01T00:00:00.000+00:00"


def swapped_entries(values: Values) -> None:
    values["log"][1], values["log"][3] = values["log"][3], values["log"][1]


def fewer_seeds(values: Values) -> None:
    values["plan"]["seeds"] = values["plan"]["seeds"][:3]
    kept = set(values["plan"]["seeds"])
    values["log"] = [entry for entry in values["log"] if entry["event"]["seed"] in kept]


@dataclass(frozen=True)
class Planted:
    """A change, a part of the line that finds it, and whether the liar also makes the hashes fit."""

    change: Callable[[Values], None]
    words: str
    careful: bool = True

    def __str__(self) -> str:
        return f"{self.change.__name__}{'' if self.careful else ', without new hashes'}"


PLANTED = (
    Planted(leave_out, "was drawn and is left out"),
    Planted(leave_out, "of the log was edited, or entries before it were removed", careful=False),
    Planted(leave_out_of_plan_too, "seeds, and its budget of 1 minutes or its recipe asks for 5"),
    Planted(another_seed, "seed 7 was not drawn"),
    Planted(another_seed_in_the_log, "seed 7 stands in the log and is not in the plan"),
    Planted(trained_again, "was trained again after it had ended"),
    Planted(used_twice, "saw the test images 2 times"),
    Planted(folded_used_twice, "saw the test images 3 times"),
    Planted(higher_mean, "the result states summary mean", careful=False),
    Planted(smaller_p, "the result states p 1e-06", careful=False),
    Planted(fewer_failures, "the result states failures 1, and the log gives 0", careful=False),
    Planted(higher_accuracy, "entry 6 of the log was edited", careful=False),
    Planted(higher_accuracy, "the result states accuracies 3", careful=False),
    Planted(accuracy_of_no_count, "not a whole number of images"),
    Planted(over_budget, "took 61.0 s of a budget of 60 s and is not counted as a failure"),
    Planted(quicker_than_the_log, "states 59.0 s of training, and its log covers only 0.0 s"),
    Planted(failure_that_was_tested, "is a failure and has a test accuracy"),
    Planted(another_recipe, "the recipe differs from the plan"),
    Planted(another_recipe_with_its_hash, "was not drawn"),
    Planted(another_recipe, "the setting epochs is 2 in the recipe and 1 in the plan"),
    Planted(other_settings, "was not drawn"),
    Planted(other_settings_of_a_seed, "was trained with other settings than the plan's"),
    Planted(another_source, "was not drawn"),
    Planted(another_source, "was trained with another source of fcnet"),
    Planted(another_source_of_a_seed, "was trained with another source of fcnet"),
    Planted(another_machine, "was trained on another machine"),
    Planted(another_nonce, "was not drawn"),
    Planted(another_record_to_beat, "was not drawn"),
    Planted(more_processors, "could use 8 processors"),
    Planted(a_gpu, "was trained on 'NVIDIA', and its budget is of one cpu"),
    Planted(not_folded, "was folded, or not folded, against the recipe"),
    Planted(older_entry, "is older than what stands before it"),
    Planted(swapped_entries, "entry 2 of the log was edited", careful=False),
    Planted(fewer_seeds, "the plan has 3 seeds"),
)


def test_a_record_that_nobody_touched_passes(made: Made) -> None:
    out, record = made
    assert list(findings(record)) == []
    assert list(findings(rechained(record))) == []
    read_again = read(RecordFolder(out).record, Record)
    assert read_again == record
    published = read(RecordFolder(out).plan, Plan)
    assert list(against_plan(record, published)) == []
    assert list(against_recipe(record, recipe())) == []
    assert list(against_runs(record, out)) == []


@pytest.mark.parametrize("planted", PLANTED, ids=str)
def test_a_planted_cherry_pick_is_found(planted: Planted, made: Made) -> None:
    values = plain(made[1])
    planted.change(values)
    changed = rebuilt(values)
    found = list(findings(rechained(changed) if planted.careful else changed))
    assert any(planted.words in line for line in found), found
    assert all("\n" not in line for line in found)


def leaves(value: object, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The places of all plain values; of the log, those of the first seed."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, (*above, name))
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value[:2]):
            yield from leaves(inner, (*above, number))
    else:
        yield above


def altered(value: object) -> object:
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case float():
            return value * 0.999 if value else 0.25
        case str():
            last = value[-1:]
            return value[:-1] + ("1" if last != "1" else "2")
        case None:
            return 1
        case _:
            return [7]


@pytest.mark.slow
def test_no_value_can_be_edited_without_a_finding(made: Made) -> None:
    whole: Any = plain(made[1])
    unnoticed = []
    for place in leaves(whole):
        values: Any = plain(made[1])
        inner = values
        for part in place[:-1]:
            inner = inner[part]
        inner[place[-1]] = altered(inner[place[-1]])
        with suppress(ValueError):  # of another type, or out of range
            if not list(findings(rebuilt(values))):
                unnoticed.append(place)
    assert unnoticed == []


def test_a_plan_that_was_drawn_again_differs_from_the_published_one(made: Made) -> None:
    """A liar who draws until he likes the seeds, and trains them all, has a record without a fault."""
    values = plain(made[1])
    values["plan"]["nonce"] = "a better one"
    plan = msgspec.convert(values["plan"], Plan)
    values["plan"]["seeds"] = seeds_of(plan, len(plan.seeds))
    new = dict(zip(made[1].plan.seeds, values["plan"]["seeds"], strict=True))
    for entry in values["log"]:
        entry["event"]["seed"] = new[entry["event"]["seed"]]
    record = rechained(rebuilt(values))
    assert list(findings(record)) == []
    found = list(against_plan(record, made[1].plan))
    assert found[0] == "the plan is not the one that was published"
    assert "nonce differs from the published plan" in found


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("log", 0, "when"), "2026-13-45T99:99:99.000+00:00"),
        (("log", 1, "event", "plain", "accuracy"), 1.5),
        (("log", 1, "event", "seconds"), -1.0),
        (("log", 1, "event", "what"), "forgotten"),
        (("plan", "recipe", "budget", "minutes"), 0.0),
        (("plan", "seeds"), []),
        (("plan", "format"), 2),
        (("result", "accuracies"), None),
        (("more",), 1),
    ],
)
def test_what_is_no_record_is_refused_in_one_line(
    place: tuple[str | int, ...], value: object, made: Made, tmp_path: Path
) -> None:
    values: Any = plain(made[1])
    inner = values
    for part in place[:-1]:
        inner = inner[part]
    inner[place[-1]] = value
    write_json(tmp_path / "record.json", values)
    with pytest.raises(RunError, match="is not a record of fcnet record") as error:
        read(tmp_path / "record.json", Record)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"hidden": None},
        {"hidden": {"a": 1}},
        {"seed": 1},
        {"epochs": 2**80},
        {"augment": [[]]},
        {"nobody": 1},
    ],
)
def test_settings_that_are_none_are_a_finding(settings: Values, made: Made) -> None:
    values = plain(made[1])
    values["plan"]["recipe"]["settings"] |= settings
    assert any("another version of fcnet may know it" in line for line in findings(rebuilt(values)))


def test_a_name_that_is_not_there_is_a_finding(made: Made) -> None:
    values = plain(made[1])
    values["plan"]["recipe"]["settings"]["activation"] = "swish"
    (line,) = [line for line in findings(rebuilt(values)) if "another version of fcnet may know it" in line]
    assert "activation is 'swish', choose from " in line
    assert line.endswith("or a file of your own: " + ADVICE)


@pytest.mark.parametrize("depth", [100, 400, 990, 5_000])
def test_settings_nested_without_end_are_an_error_or_a_finding(
    depth: int, made: Made, tmp_path: Path
) -> None:
    values = plain(made[1])
    text = as_json(values).replace('"epochs": 1,', f'"epochs": {"[" * depth}{"]" * depth},', 1)
    (tmp_path / "record.json").write_text(text)
    try:
        found = list(findings(read(tmp_path / "record.json", Record)))
    except RunError as error:
        found = [str(error)]
    assert found


def test_another_recipe_is_found_beside_its_file(made: Made) -> None:
    assert list(against_recipe(made[1], recipe(epochs=2))) == ["the recipe differs from the plan's"]


@pytest.fixture
def runs(made: Made, tmp_path: Path) -> tuple[Path, Record]:
    shutil.copytree(made[0], tmp_path / "copy")
    return tmp_path / "copy", made[1]


def test_a_lie_with_new_hashes_is_found_beside_the_runs(runs: Made) -> None:
    out, record = runs
    values = plain(record)
    higher_accuracy(values)
    lie = rechained(rebuilt(values))
    assert list(findings(lie)) == []
    (line,) = against_runs(lie, out)
    assert "its folder has the test accuracy" in line


def test_a_test_set_that_was_used_again_later_is_found_beside_the_runs(runs: Made) -> None:
    out, record = runs
    place = RecordFolder(out).run(record.plan.seeds[1]) / "test.json"
    write_json(place, read_json(place) | {"count": 2})
    assert "counts 2 uses of the test images, the record 1" in "".join(against_runs(record, out))


def test_a_run_of_another_seed_is_found_beside_the_runs(runs: Made) -> None:
    out, record = runs
    first, second = (RecordFolder(out).run(seed) for seed in record.plan.seeds[:2])
    shutil.rmtree(first)
    shutil.copytree(second, first)
    found = list(against_runs(record, out))
    assert any("the settings in its folder are not those of the plan" in line for line in found)
    assert any("its folder holds another training than the record" in line for line in found)


def test_a_run_that_is_missing_is_found(runs: Made) -> None:
    out, record = runs
    shutil.rmtree(RecordFolder(out).run(record.plan.seeds[0]))
    (line,) = against_runs(record, out)
    assert line.startswith(f"seed {record.plan.seeds[0]}: ")
