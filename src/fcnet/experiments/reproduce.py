"""The whole exercise, stage by stage, in one folder.

    OUT/toy.json        questions 1 and 2
    OUT/default/        question 3: the default run, and its diagnosis
    OUT/ladder.json     question 3: what each change buys
    OUT/tuned/          question 3: the tuned run, and its use of the test set
    OUT/pytorch/        question 4: the two-layer net in PyTorch
    OUT/numpy/          question 4: the same settings in NumPy
    OUT/depth/          question 4: every training of the study of depth
    OUT/depth.json      question 4: the study: its rows, and the signal before the first step
    OUT/results.json    the numbers of all of them

A stage that is complete is read, not repeated; one that was interrupted goes on. What belongs together is
held together by the data's hash: a folder made from other data, or in the other mode, is refused.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from msgspec.structs import asdict

from fcnet.data.dataset import Dataset
from fcnet.errors import RunError
from fcnet.experiments.depth import best_run, step_zero, study
from fcnet.experiments.diagnosis import Watch, diagnose
from fcnet.experiments.ladder import climb
from fcnet.experiments.recipes import DEFAULT, PYTORCH, QUICK, TUNED, suited
from fcnet.experiments.toy import toy_questions
from fcnet.files import exists, names_in, remove, remove_leftovers
from fcnet.lock import locked
from fcnet.records import RunFolder, environment, read_json, write_json
from fcnet.runs.differing import data_record
from fcnet.runs.observer import Observer
from fcnet.runs.testing import read_test, use_test_set
from fcnet.runs.training import train_run
from fcnet.schema import Tested
from fcnet.stages import KINDS, ToyNumbers, read_stage
from fcnet.train.callbacks import Callback, Callbacks
from fcnet.train.config import TrainConfig
from fcnet.train.engine import Engine
from fcnet.train.history import read_history
from fcnet.train.model import Model

ROW = (
    "budget", "layers", "initialisation", "width", "epochs", "validation_images", "parameters", "seconds",
    "training_accuracy_mean", "training_accuracy_std", "validation_accuracy_mean", "validation_accuracy_std",
)  # fmt: skip
"""The fields of a row of the study of depth that belong to the results."""


class KeepInitial(Callback):
    """A callback that keeps the network as it was before its first step, in the run's folder `initial`."""

    def __init__(self, folder: Path) -> None:
        self.run = RunFolder(folder)

    def on_train_begin(self, engine: Engine) -> None:
        if not exists(self.run.checkpoint):  # otherwise this is not the beginning
            engine.model().save(self.run.path / "initial")


@dataclass(frozen=True)
class Reproduction:
    """The exercise's questions on one data set, in one folder.

    Parameters
    ----------
    dataset : CIFAR-10, or its stand-in
    out : where everything goes
    quick : the short recipe instead of the tuned one, and no ladder
    watch : keep what the live page shows
    """

    dataset: Dataset
    out: Path
    quick: bool = False
    watch: bool = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Take the folder, and keep other processes out of it during the block.

        Raises
        ------
        RunError : it cannot be written, is in use, or holds something else: results of other data or of the
            other mode, or files that are not a reproduction's
        """
        with locked(self.out):
            self._check_folder()
            remove_leftovers(self.out, KINDS)
            remove_leftovers(self.out / "default", ("diagnosis.json",))
            yield

    def _check_folder(self) -> None:
        mine = {"quick": self.quick, "sha256": self.dataset.origin.sha256}
        marker = self.out / "reproduction.json"
        if not exists(marker):
            if any(not name.startswith(".") for name in names_in(self.out)):
                raise RunError(
                    f"{self.out} is not empty and not a reproduction of fcnet, choose another folder "
                    f"with --out"
                )
            write_json(marker, mine)
        elif read_stage(marker) != mine:
            raise RunError(
                f"{self.out} holds the results of other data or of the other mode (quick or full), "
                f"choose another folder with --out or delete it"
            )

    def toy(self) -> dict[str, Any]:
        """Questions 1 and 2, and the toy training of question 3."""
        return self._once("toy.json", toy_questions)

    def default(self, callback: Callback) -> dict[str, Any]:
        """The default run; its record, with the diagnosis."""
        run = RunFolder(self.out / "default")
        if not exists(run.path / "diagnosis.json"):
            # stopped in between: the diagnosis watches from the first step on, so all of it is repeated
            remove(run.record)
            remove(run.checkpoint)
        watch = Watch()
        record = self._trained(DEFAULT, "default", Callbacks(callback, watch))
        findings = self._once("default/diagnosis.json", lambda: self._diagnose(record["metrics"], run, watch))
        return record | findings

    def ladder(self, listener_for: Callable[[str], Callback]) -> list[dict[str, Any]]:
        """What each change of the settings buys; nothing in a quick run."""
        if self.quick:
            return []
        rungs: list[dict[str, Any]] = self._once(
            "ladder.json", lambda: {"rungs": climb(self.dataset, listener_for)}
        )["rungs"]
        return rungs

    def tuned(self, callback: Callback) -> dict[str, Any]:
        """The tuned run; its record."""
        both = Callbacks(KeepInitial(self.out / "tuned"), callback)
        return self._trained(QUICK if self.quick else TUNED, "tuned", both)

    def test(self) -> dict[str, Any]:
        """The test set on the tuned run: used if it was not yet, else read."""
        folder = self.out / "tuned"
        return read_test(folder) or use_test_set(folder, self.dataset)

    def pytorch(self, engine: Literal["torch", "numpy"], callback: Callback) -> dict[str, Any]:
        """Question 4's two-layer net, in PyTorch ("torch") or with the same settings in NumPy; its record."""
        name = "pytorch" if engine == "torch" else "numpy"
        return self._trained(replace(PYTORCH, engine=engine), name, callback)

    def depth(self, listener_for: Callable[[str], Callback]) -> dict[str, Any]:
        """Question 4's study of depth."""

        def observed(title: str, folder: Path) -> Callback:
            return self._observed(listener_for(title), folder)

        def compute() -> dict[str, Any]:
            rows = study(self.dataset, self.out / "depth", self.quick, observed)
            return {"rows": rows, "signal": step_zero(self.dataset)}

        return self._once("depth.json", compute)

    def test_best(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The test set on the study's best net by validation: used if it was not yet, else read."""
        _, folder = best_run(rows, self.out / "depth")
        return read_test(folder) or use_test_set(folder, self.dataset)

    def results(self) -> dict[str, Any]:
        """The numbers of all stages, as written to results.json: those of question 4 where it was run.

        Questions 1 to 3 must be complete.
        """
        toy = self.toy()
        default = RunFolder(self.out / "default").read_record()
        tuned = RunFolder(self.out / "tuned").read_record()
        test = read_json(RunFolder(self.out / "tuned").test, Tested)
        origin = data_record(self.dataset)
        results = {
            "quick": self.quick,
            "dataset": {
                "name": origin["name"],
                "official": origin["official"],
                "hash": origin["sha256"],
                "note": origin["note"],
            },
            "toy": {name: toy[name] for name in ToyNumbers.__struct_fields__},
            "default": _reached(default),
            "tuned": {
                **_reached(tuned),
                "test_accuracy": test["accuracy"],
                "test_set_used": test["count"],
                "parameters": tuned["parameters"],
                "config": tuned["config"],
            },
            "environment": environment(),
        }
        if exists(self.out / "depth.json"):
            results["pytorch"] = self._question4()
        if not self.quick:
            results["ladder"] = read_stage(self.out / "ladder.json")["rungs"]
        write_json(self.out / "results.json", results)
        return results

    def _question4(self) -> dict[str, Any]:
        """The numbers of question 4, all stages of which must be complete."""
        pytorch, numpy = (RunFolder(self.out / name).read_record() for name in ("pytorch", "numpy"))
        rows = read_stage(self.out / "depth.json")["rows"]
        row, folder = best_run(rows, self.out / "depth")
        test = read_json(RunFolder(folder).test, Tested)
        return {
            "two_layer": {
                **_reached(pytorch),
                "engine": pytorch["engine"],
                "config": pytorch["config"],
                "numpy": _reached(numpy),
            },
            "depth": [{name: one[name] for name in ROW} | {"seeds": len(one["seeds"])} for one in rows],
            "best": {
                **{name: row[name] for name in ("layers", "initialisation", "width", "budget")},
                "validation_accuracy": RunFolder(folder).read_record()["metrics"]["val_accuracy"],
                "test_accuracy": test["accuracy"],
                "test_set_used": test["count"],
            },
        }

    def _trained(self, recipe: TrainConfig, name: str, callback: Callback) -> dict[str, Any]:
        """A training in the folder of this name, resumed if it was stopped; its record."""
        config, folder = suited(recipe, self.dataset), self.out / name
        return train_run(config, self.dataset, folder, resume=True, callback=self._observed(callback, folder))

    def _observed(self, callback: Callback, folder: Path) -> Callback:
        """A callback, and that of the live page where it is wanted."""
        if not self.watch:
            return callback
        return Callbacks(callback, Observer(folder, self.dataset, "reproduce"))

    def _once(self, name: str, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        path = self.out / name
        if not exists(path):
            write_json(path, compute())
        return read_stage(path)

    def _diagnose(self, metrics: dict[str, float], run: RunFolder, watch: Watch) -> dict[str, Any]:
        assert watch.initial is not None
        watch.initial.save(run.path / "initial")
        history, final = read_history(run.history), Model.load(run.path)
        findings = diagnose(metrics, history, watch.updates, watch.initial, final)
        return {"findings": [asdict(finding) for finding in findings], "updates": watch.updates}


def _reached(record: dict[str, Any]) -> dict[str, Any]:
    """What a run reached, as results.json has it."""
    metrics = record["metrics"]
    return {
        "validation_accuracy": metrics["val_accuracy"],
        "training_accuracy": metrics["train_accuracy"],
        "training_seconds": record["seconds"],
    }
