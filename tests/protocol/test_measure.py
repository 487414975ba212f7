"""A record is drawn beforehand, resumes, counts failures, and keeps every seed."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import pytest

from fcnet.data.dataset import Dataset
from fcnet.errors import DataError, DivergedError, RunError
from fcnet.net.losses import accuracy_and_loss
from fcnet.protocol import plan as planning
from fcnet.protocol.beside import against_runs
from fcnet.protocol.contents import Beat, Budget, Ended, Fold, Plan, Recipe, Record, read
from fcnet.protocol.folder import RecordFolder
from fcnet.protocol.log import ended, read_log
from fcnet.protocol.measure import measure, planned
from fcnet.protocol.plan import make_plan, source_hash
from fcnet.protocol.recipe import KEYS, fewest, read_recipe
from fcnet.protocol.result import result_of
from fcnet.protocol.seed import train_seed
from fcnet.protocol.verify import findings
from fcnet.records import RunFolder, read_json
from fcnet.runs import testing
from fcnet.runs.training import train_run
from fcnet.train.config import TrainConfig
from fcnet.train.model import Model
from trainings import StopAfter

from .conftest import BEAT, SETTINGS, here, recipe

Made = tuple[Path, Record]

TOML = """
name = "mine"
seeds = 6

[budget]
minutes = 2.5

[settings]
hidden = [30, 20]
epochs = 4

[fold]
mirror = true
"""


@pytest.mark.slow
def test_a_record_states_each_seed_with_and_without_folding(made: Made, digits: Dataset) -> None:
    out, record = made
    seeds = ended(record.log)
    assert list(seeds) == record.plan.seeds
    assert len(set(record.plan.seeds)) == 5
    for seed, one in seeds.items():
        assert one.plain is not None
        assert one.folded is not None
        run = RunFolder(RecordFolder(out).run(seed))
        assert run.read_record()["seed"] == seed
        assert run.read_record()["seconds"] == one.seconds
        assert one.plain.accuracy == read_json(run.test)["accuracy"]
        assert (one.plain.images, one.plain.count) == (len(digits.test), 1)
        assert (one.epochs, one.steps) == (1.0, 21)
        assert one.step_flops == 2 * 60 * (2 * 64 * 12 + 3 * 12 * 10)
    folded = [one.folded.accuracy for one in seeds.values() if one.folded]
    alone = [one.plain.accuracy for one in seeds.values() if one.plain]
    assert (record.result.accuracies, record.result.plain_accuracies) == (folded, alone)
    assert folded != alone
    assert record.result.p is not None


def test_the_plan_is_written_before_the_first_training(digits: Dataset, tmp_path: Path) -> None:
    seen = []

    def perform(plan: Plan, seeds: Sequence[int]) -> list[Ended]:
        assert read(RecordFolder(tmp_path).plan, Plan) == plan
        assert not any(RecordFolder(tmp_path).run(seed).exists() for seed in seeds)
        seen.extend(seeds)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(tmp_path, recipe(), digits, perform, None, None)
    assert seen == read(RecordFolder(tmp_path).plan, Plan).seeds[:1]


@pytest.mark.slow
def test_seeds_at_once_stand_in_the_log_together(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fcnet.protocol.measure._check_at_once", lambda recipe, at_once: None)
    train, groups = here(tmp_path, digits), []

    def perform(plan: Plan, seeds: Sequence[int]) -> list[Ended]:
        groups.append(list(seeds))
        return train(plan, seeds)

    record = measure(tmp_path, recipe(), digits, perform, None, None, at_once=3)
    seeds = record.plan.seeds
    assert groups == [seeds[:3], seeds[3:]]
    kinds = "".join(type(entry.event).__name__[0] for entry in record.log)
    assert kinds == "SSSEEE" + "SSEE"  # started and ended
    assert [entry.event.seed for entry in record.log] == 2 * seeds[:3] + 2 * seeds[3:]
    assert list(findings(record)) == []


@pytest.mark.slow
def test_seeds_at_once_that_were_stopped_resume_together(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One had ended, one was in the middle, one had not begun."""
    monkeypatch.setattr("fcnet.protocol.measure._check_at_once", lambda recipe, at_once: None)

    def stopped(plan: Plan, seeds: Sequence[int]) -> list[Ended]:
        return [
            train_seed(tmp_path / "a", plan, seed, digits, StopAfter(10) if seed != seeds[0] else None)
            for seed in seeds
        ]

    with pytest.raises(KeyboardInterrupt):
        measure(tmp_path / "a", recipe(), digits, stopped, None, "same", at_once=3)
    record = measure(tmp_path / "a", recipe(), digits, here(tmp_path / "a", digits), None, "same", at_once=3)
    whole = measure(tmp_path / "b", recipe(), digits, here(tmp_path / "b", digits), None, "same")
    assert record.result.accuracies == whole.result.accuracies
    kinds = "".join(type(entry.event).__name__[0] for entry in record.log)
    assert kinds == "SSS" + "SSSEEE" + "SSEE"
    assert {one.plain.count for one in ended(record.log).values() if one.plain} == {1}
    assert list(findings(record)) == []


@pytest.mark.parametrize("at_once", [0, 2])
def test_a_budget_of_a_cpu_trains_one_seed_at_a_time(at_once: int, digits: Dataset, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"at_once is {at_once}, choose 1"):
        measure(tmp_path, recipe(), digits, here(tmp_path, digits), None, None, at_once)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_seeds_follow_from_everything_that_is_planned(digits: Dataset) -> None:
    first = make_plan(recipe(), digits, BEAT, "nonce")
    assert make_plan(recipe(), digits, BEAT, "nonce").seeds == first.seeds
    others = [
        make_plan(recipe(), digits, BEAT, "another"),
        make_plan(recipe(), digits, BEAT),
        make_plan(recipe(epochs=2), digits, BEAT, "nonce"),
        make_plan(recipe(2.0), digits, BEAT, "nonce"),
        make_plan(recipe(), digits, Beat("another", [0.5]), "nonce"),
        make_plan(recipe(), replace(digits, origin=replace(digits.origin, sha256="0")), BEAT, "nonce"),
    ]
    assert len({tuple(plan.seeds) for plan in [first, *others]}) == 7
    assert make_plan(recipe(seeds=9), digits, BEAT, "nonce").seeds[0] not in first.seeds
    assert make_plan(recipe(), digits).nonce != make_plan(recipe(), digits).nonce


def test_the_seeds_follow_from_the_source(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_plan(recipe(), digits, None, "nonce")
    (tmp_path / "inner").mkdir()
    (tmp_path / "a.py").write_text("one")
    (tmp_path / "inner" / "b.py").write_text("two")
    hashes = [source_hash(tmp_path)]
    (tmp_path / "a.py").write_text("three")
    hashes.append(source_hash(tmp_path))
    (tmp_path / "a.py").rename(tmp_path / "c.py")
    hashes.append(source_hash(tmp_path))
    (tmp_path / "notes.txt").write_text("no source")
    assert source_hash(tmp_path) == hashes[-1]
    assert len(set(hashes)) == 3
    monkeypatch.setattr(planning, "source_hash", lambda: hashes[0])
    assert make_plan(recipe(), digits, None, "nonce").seeds != first.seeds


@pytest.mark.parametrize(("minutes", "seeds"), [(5, 5), (14.9, 5), (15, 3), (59, 3), (60, 1), (600, 1)])
def test_a_longer_budget_needs_fewer_seeds(minutes: float, seeds: int, digits: Dataset) -> None:
    assert fewest(Budget(minutes)) == seeds
    assert len(make_plan(recipe(minutes), digits).seeds) == seeds


@pytest.mark.slow
def test_a_stopped_record_resumes_and_ends_as_if_it_had_not_been_stopped(
    digits: Dataset, tmp_path: Path
) -> None:
    def stopped(plan: Plan, seeds: Sequence[int]) -> list[Ended]:
        (seed,) = seeds
        watch = StopAfter(10) if seed == plan.seeds[1] else None
        return [train_seed(tmp_path / "a", plan, seed, digits, watch)]

    with pytest.raises(KeyboardInterrupt):
        measure(tmp_path / "a", recipe(), digits, stopped, BEAT, "same")
    record = measure(tmp_path / "a", recipe(), digits, here(tmp_path / "a", digits), BEAT, "same")
    whole = measure(tmp_path / "b", recipe(), digits, here(tmp_path / "b", digits), BEAT, "same")
    assert record.plan.seeds == whole.plan.seeds
    assert record.result.accuracies == whole.result.accuracies
    assert len(record.log) == len(whole.log) + 1  # the second start of a seed
    assert list(findings(record)) == []
    again = measure(tmp_path / "a", recipe(), digits, here(tmp_path / "a", digits), None, None)
    assert again == record


def test_a_process_killed_after_the_test_does_not_use_the_test_images_again(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, killed = make_plan(recipe(), digits), []
    use = testing.use_test_set

    def use_and_die(*given: object, **options: object) -> object:
        use(*given, **options)  # type: ignore[arg-type]
        killed.append(1)
        raise KeyboardInterrupt

    monkeypatch.setattr("fcnet.protocol.seed.use_test_set", use_and_die)
    with pytest.raises(KeyboardInterrupt):
        train_seed(tmp_path, plan, plan.seeds[0], digits)
    monkeypatch.setattr("fcnet.protocol.seed.use_test_set", use)
    found = train_seed(tmp_path, plan, plan.seeds[0], digits)
    assert killed
    assert found.plain is not None
    assert found.plain.count == 1


def test_a_training_over_the_budget_is_a_failure_and_counts_as_guessing(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = recipe(0.001, epochs=50)
    plan = make_plan(slow, digits)
    monkeypatch.setattr(StopAfter, "on_batch_end", lambda self, *_: time.sleep(0.005))
    outcomes = {
        seed: train_seed(tmp_path, plan, seed, digits, StopAfter(0)) for seed in plan.seeds[:1]
    }  # fmt: skip
    (late,) = outcomes.values()
    assert late.outcome == "over budget"
    assert late.seconds > 0.06
    assert late.steps < 50 * 21  # it is stopped, not waited for
    assert late.plain is late.folded is None
    assert not RunFolder(RecordFolder(tmp_path).run(late.seed)).test.exists()
    good = msgspec.structs.replace(late, outcome="trained", plain=_use(0.9), folded=_use(0.8), seconds=0.01)
    result = result_of(
        plan, {seed: msgspec.structs.replace(good, seed=seed) for seed in plan.seeds} | outcomes
    )
    assert result.failures == 1
    assert result.accuracies == [0.1, 0.8, 0.8, 0.8, 0.8]
    assert result.plain_accuracies == [0.1, 0.9, 0.9, 0.9, 0.9]
    assert train_seed(tmp_path, plan, late.seed, digits) == late  # and is not tried again


def _use(accuracy: float) -> object:
    from fcnet.protocol.contents import Use

    return Use(accuracy, 1.0, 360, 1)


def test_a_training_that_diverges_is_a_failure(digits: Dataset, tmp_path: Path) -> None:
    wild = recipe(learning_rate=1e6)
    record = measure(tmp_path, wild, digits, here(tmp_path, digits), None, None)
    assert {one.outcome for one in ended(record.log).values()} == {"diverged"}
    assert record.result.failures == 5
    assert record.result.summary.mean == pytest.approx(0.1)
    assert list(findings(record)) == []


TWO = Recipe("two nets", Budget(60.0), SETTINGS, Fold(nets=2))


def test_the_nets_of_a_seed_are_folded_and_tested_as_one(digits: Dataset, tmp_path: Path) -> None:
    record = measure(tmp_path, TWO, digits, here(tmp_path, digits), None, None)
    (one,) = ended(record.log).values()
    first, second = RecordFolder(tmp_path).runs(one.seed, 2)
    seeds = [RunFolder(run).read_record()["seed"] for run in (first, second)]
    assert seeds == [one.seed, one.seed + 2**31]
    models = [Model.load(run) for run in (first, second)]
    alone = [model.logits(digits.test.images) for model in models]
    wanted = [accuracy_and_loss(logits, digits.test.labels) for logits in (*alone, sum(alone) / 2)]
    assert one.plain is not None
    assert one.folded is not None
    for use, (accuracy, loss) in ((one.plain, wanted[0]), (one.folded, wanted[2])):
        assert (use.accuracy, use.loss) == (accuracy, pytest.approx(loss, rel=1e-5))
    assert min(abs(wanted[2][1] - loss) for _, loss in wanted[:2]) > 1e-3  # or nothing tells them apart
    assert (one.plain.count, one.folded.count) == (1, 1)
    assert not RunFolder(second).test.exists()
    assert one.steps == 2 * 21
    assert one.seconds == max(RunFolder(run).read_record()["seconds"] for run in (first, second))
    assert list(findings(record)) == list(against_runs(record, tmp_path)) == []
    again = measure(tmp_path, TWO, digits, here(tmp_path, digits), None, None)
    assert again == record
    shutil.rmtree(second)
    shutil.copytree(first, second)
    assert [line.split(": ")[1] for line in against_runs(record, tmp_path)][:2] == [
        "the settings in its folder are not those of the plan",
        "its folder holds another training than the record",
    ]


def test_a_seed_fails_with_any_of_its_nets(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan(TWO, digits)
    train = train_run

    def train_or_fail(config: TrainConfig, *given: Any) -> dict[str, Any]:
        record = train(config, *given)
        if config.seed != plan.seeds[0]:
            raise DivergedError("the loss became inf")
        return record

    monkeypatch.setattr("fcnet.protocol.seed.train_run", train_or_fail)
    found = train_seed(tmp_path, plan, plan.seeds[0], digits)
    assert (found.outcome, found.plain, found.folded) == ("diverged", None, None)
    assert found.seed == plan.seeds[0]
    assert not RunFolder(RecordFolder(tmp_path).run(found.seed)).test.exists()
    assert train_seed(tmp_path, plan, found.seed, digits) == found
    result = result_of(plan, {found.seed: found})
    assert (result.failures, result.accuracies) == (1, [0.1])


def test_another_recipe_needs_another_folder(made: Made, digits: Dataset) -> None:
    out, _ = made
    perform = here(out, digits)
    with pytest.raises(RunError, match="of another recipe, give the same"):
        measure(out, recipe(epochs=2), digits, perform, None, None)
    with pytest.raises(RunError, match="of another nonce"):
        measure(out, recipe(), digits, perform, None, "mine")
    with pytest.raises(RunError, match="of another record to beat"):
        measure(out, recipe(), digits, perform, Beat("none", [0.1]), None)
    other = replace(digits, origin=replace(digits.origin, sha256="0"))
    with pytest.raises(RunError, match="of another data"):
        measure(out, recipe(), other, perform, None, None)


def test_what_cannot_be_folded_or_split_is_refused_before_anything_is_trained(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = msgspec.structs.replace(recipe(), fold=Fold(shift=9))
    with pytest.raises(DataError, match="shift is 9"):
        planned(tmp_path / "a", wide, digits, None, None)
    with pytest.raises(DataError, match="cannot hold out 5000"):
        planned(tmp_path / "b", recipe(validation=5000), digits, None, None)
    monkeypatch.setattr("fcnet.runs.folding.LARGEST", 10_000)
    with pytest.raises(DataError, match="choose a smaller shift, or leave fold out"):
        planned(tmp_path / "c", recipe(), digits, None, None)
    assert not list(tmp_path.glob("*/*.json"))


def test_another_source_or_machine_does_not_continue(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(tmp_path, recipe(), digits, None, None)
    with monkeypatch.context() as patch:
        patch.setattr("fcnet.protocol.seed.source_hash", lambda: "0" * 64)
        with pytest.raises(RunError, match="the source of fcnet was changed"):
            measure(tmp_path, recipe(), digits, here(tmp_path, digits), None, None)
        with pytest.raises(RunError, match="the source of fcnet was changed"):
            train_seed(tmp_path, plan, plan.seeds[0], digits)
    other = msgspec.structs.replace(plan.machine, processor="a quicker one")
    monkeypatch.setattr("fcnet.protocol.measure.machine", lambda gpu: other)
    with pytest.raises(RunError, match="was planned on another machine"):
        measure(tmp_path, recipe(), digits, here(tmp_path, digits), None, None)


@pytest.mark.slow
def test_a_log_that_was_edited_does_not_continue(digits: Dataset, tmp_path: Path) -> None:
    place = RecordFolder(tmp_path)
    record = measure(tmp_path, recipe(), digits, here(tmp_path, digits), None, None)
    whole = place.log.read_text()
    place.log.write_text(re.sub(r'"seconds":[0-9.e-]+', '"seconds":0.01', whole, count=1))
    with pytest.raises(RunError, match="was altered in line 2"):
        read_log(place.log, record.plan)
    place.log.write_text(whole[: len(whole) // 2])
    with pytest.raises(RunError, match="is damaged in line"):
        read_log(place.log, record.plan)


def test_a_folder_with_something_else_is_left_alone(digits: Dataset, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RunError, match="is not empty and holds no plan"):
        planned(tmp_path, recipe(), digits, None, None)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_recipe_of_the_documentation_is_one(tmp_path: Path) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "records.md").read_text()
    (block,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "recipe.toml").write_text(block)
    found = read_recipe(tmp_path / "recipe.toml")
    assert (found.budget, found.fold) == (Budget(5), Fold(mirror=True, shift=1))


def test_a_recipe_is_read_from_toml(tmp_path: Path) -> None:
    place = tmp_path / "recipe.toml"
    place.write_text(f"\ufeff{TOML}", encoding="utf-8")  # as Windows Notepad does
    assert read_recipe(place) == Recipe(
        "mine", Budget(2.5), {"hidden": [30, 20], "epochs": 4}, Fold(mirror=True), 6
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("seeds = 6", "seeds = 4", "2.5 minutes need at least 5"),
        ("minutes = 2.5", "minutes = 0", "budget.minutes is 0, give a number above 0 and at most 100000"),
        ("minutes = 2.5", "minutes = '5'", "budget.minutes is '5', give a number above 0"),
        (
            "minutes = 2.5",
            "hours = 2.5",
            "unknown key 'budget.hours', known are budget.minutes, budget.device",
        ),
        ("minutes = 2.5", "", "lacks budget.minutes, give a number above 0"),
        ("seeds = 6", "seeds = 101", "seeds is 101, give a whole number from 1 to 100"),
        ("epochs = 4", "epoch = 4", "unknown setting 'epoch'"),
        ("epochs = 4", "epoch = 4", "do you mean epochs?"),
        ("epochs = 4", "xyz = 4", "rotate, schedule, shift"),  # and no seed, which is drawn
        ("epochs = 4", "epochs = -4", "epochs is -4"),
        ("epochs = 4", "seed = 4", "the seeds are drawn, leave seed out"),
        ("epochs = 4", "device = 'cuda'", "leave device out"),
        ("minutes = 2.5", "minutes = 2.5\ndevice = 'gpu'", "needs engine = 'torch'"),
        ("mirror = true", "mirror = false", "fold has nothing to fold"),
        ("mirror = true", "nets = 1", "fold.nets is 1, give 2, or leave it out"),
        ("mirror = true", "nets = 3", "fold.nets is 3, give 2, or leave it out"),
        ("[fold]", "[folds]", "unknown key 'folds', known are name, budget, settings, fold, seeds"),
        ("[fold]", "[fold", "is not a recipe"),
    ],
)
def test_a_wrong_recipe_is_refused(old: str, new: str, words: str, tmp_path: Path) -> None:
    place = tmp_path / "recipe.toml"
    place.write_text(TOML.replace(old, new))
    with pytest.raises(DataError, match=re.escape(words)) as error:
        read_recipe(place)
    assert str(place) in str(error.value)


def test_every_key_of_a_recipe_has_words() -> None:
    keys = set(get_type_hints(Recipe)) | {f"budget.{name}" for name in get_type_hints(Budget)}
    assert set(KEYS) == keys | {f"fold.{name}" for name in get_type_hints(Fold)}


def test_a_plan_that_is_refused_leaves_no_folder(digits: Dataset, tmp_path: Path) -> None:
    wide = Recipe("mine", Budget(60), SETTINGS, Fold(shift=99))
    with pytest.raises(DataError, match="shift is 99, choose from 0 to 7 pixels"):
        planned(tmp_path / "new" / "mine", wide, digits, None, None)
    assert not list(tmp_path.iterdir())


def test_the_settings_are_those_of_the_recipe(digits: Dataset) -> None:
    plan = make_plan(recipe(), digits)
    assert SETTINGS.items() <= plan.settings.items()
    assert plan.settings["device"] == "cpu"
    assert "seed" not in plan.settings
    assert plan.layers == 2
