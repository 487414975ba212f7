"""The documents state what the records hold and what the commands say, and drift is noticed."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import compare
import generate
from fcnet.cli.commands import COMMANDS
from fcnet.data.digits import load_digits
from fcnet.errors import RunError
from fcnet.experiments.reproduce import Reproduction
from fcnet.records import read_json, write_json
from fcnet.report.discussion import discuss
from fcnet.report.figures import Drawn
from fcnet.report.reading import Records
from fcnet.train.callbacks import Callback

ROOT = Path(__file__).resolve().parents[1]


def page(*names: str) -> str:
    """A page with empty blocks of these names."""
    return "".join(f"text\n\n<!-- results:begin {n} -->\n<!-- results:end {n} -->\n" for n in names)


README = page("table", "ladder", "depth", "records", "speed")
LOG = page("search", "rates", "search_deep", "search_norm", "search_lasso", "search_gpu", "search_gpu_longer")
SCALING = page("scaling", "gpu", "gpu_trainings")
CHECKING, GRADING = page("named", "confusion", "kinds"), page("attacks", "grading")
ESTIMATOR, RUNS, DOCTOR = page("estimator"), page("survival", "hostile"), page("fuzz")
DATA = page("streaming")
FOLDING = page("folding")
RECORDS = page("records")
WATCH = page("watching")
SPEED = page(
    "kinds",
    "losses",
    "floors",
    "shapes",
    "small",
    "tables",
    "step",
    "momentum",
    "extras",
    "work",
    "evaluate",
    "cold",
    "imports",
    "accuracy",
    "levels",
    "formula",
    "memory",
)


Content = frozenset[tuple[Path, bytes]]


def content(folder: Path) -> Content:
    """All files of a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return frozenset((path.relative_to(folder), path.read_bytes()) for path in files)


@pytest.fixture(scope="module", autouse=True)
def once() -> Iterator[None]:
    """What no test changes is made once: the help, and the figures of the same records.

    The proof is that of the record; `test_derivation.py` proves everything anew and holds the two together.
    """
    speed: dict[Content, dict[str, str]] = {}
    figures: dict[tuple[Content, str], list[Drawn]] = {}
    draw_all, draw = generate.draw_all, generate.draw

    def remembered_speed(records: Path, folder: Path) -> Iterator[Path]:
        key = content(records)
        if key not in speed:
            speed[key] = {path.name: path.read_text() for path in draw_all(records, folder)}
        for name, text in speed[key].items():
            (folder / name).write_text(text)
            yield folder / name

    def remembered_figures(records: Records) -> list[Drawn]:
        given = json.dumps(records.given_results, sort_keys=True)
        key = (content(records.out), given)
        if key not in figures:
            figures[key] = list(draw(records))
        return figures[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "prove", lambda: read_json(generate.RECORD))
        patch.setattr(generate, "cli_page", cache(generate.cli_page))
        patch.setattr(generate, "draw_all", remembered_speed)
        patch.setattr(generate, "draw", remembered_figures)
        yield


def test_this_repository_is_up_to_date(capsys):
    assert generate.main(["--check"]) == 0, capsys.readouterr().err


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reproduction on digits that says it was a full one, with a ladder of one rung."""
    pytest.importorskip("torch")
    out = tmp_path_factory.mktemp("docs") / "out"
    reproduction = Reproduction(load_digits("digits $1$ & more"), out, quick=True)
    reproduction.toy()
    reproduction.default(Callback())
    reproduction.tuned(Callback())
    reproduction.test()
    for engine in ("torch", "numpy"):
        reproduction.pytorch(engine, Callback())
    study = reproduction.depth(lambda title: Callback())
    reproduction.test_best(study["rows"])
    rungs = [{"change": "nothing", "config": {}, "train_accuracy": 0.5, "val_accuracy": 0.25, "seconds": 1.5}]
    write_json(out / "ladder.json", {"rungs": rungs})
    results = reproduction.results() | {"quick": False, "ladder": rungs}
    results["environment"]["command"] = "fcnet reproduce --data /home/someone/data --out /home/someone/out"
    write_json(out / "results.json", results)
    for run in ("default", "tuned"):
        record = read_json(out / run / "record.json")
        record["data"]["path"] = "/home/someone/cifar-10-batches-py"
        write_json(out / run / "record.json", record)
    return out


@pytest.fixture(scope="module")
def generated(out: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose documents were generated."""
    root = tmp_path_factory.mktemp("root")
    (root / "README.md").write_text(README)
    (root / "docs").mkdir()
    (root / "docs" / "log.md").write_text(LOG)
    (root / "docs" / "scaling.md").write_text(SCALING)
    (root / "docs" / "estimator.md").write_text(ESTIMATOR)
    (root / "docs" / "runs.md").write_text(RUNS)
    (root / "docs" / "doctor.md").write_text(DOCTOR)
    (root / "docs" / "data.md").write_text(DATA)
    (root / "docs" / "folding.md").write_text(FOLDING)
    (root / "docs" / "records.md").write_text(RECORDS)
    (root / "docs" / "watch.md").write_text(WATCH)
    (root / "docs" / "speed.md").write_text(SPEED)
    (root / "docs" / "checking.md").write_text(CHECKING)
    (root / "docs" / "grading.md").write_text(GRADING)
    for name in ("benchmarks", "search", "deep", "checking"):
        shutil.copytree(generate.ROOT / "results" / name, root / "results" / name)
    for name in (
        "survival.json", "hostile.json", "fuzz.json", "folding.json", "streaming.json", "watching.json",
        "gpu_steps.json", "gpu_trainings.json",
    ):  # fmt: skip
        shutil.copy(generate.ROOT / "results" / name, root / "results")
    assert generate.main(["--collect", str(out)], root) == 0
    return root


@pytest.fixture
def root(generated: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(generated, tmp_path / "root"))


def test_documents_are_generated_from_the_records(root, out):
    text = (root / "README.md").read_text()
    results = read_json(out / "results.json")
    for number in (
        f"{100 * results['tuned']['test_accuracy']:.1f} %",
        f"{results['toy']['final_training_loss']:.4f}",
        "| nothing | 50.0 % | 25.0 % | 1.5 |",
        r"(digits \$1\$ & more)",
    ):
        assert number in text
    drawn = {path.stem for path in (root / "docs" / "figures").glob("*.svg")}
    assert {name for name in drawn if not name.startswith("speed_")} == {
        "overview", "toy_training", "gradient_error", "default_run", "default_weights", "ladder",
        "tuned_curves", "tuned_weights", "confusion", "depth", "signal",
    }  # fmt: skip
    page = (root / "docs" / "report.md").read_text()
    assert f"{100 * results['pytorch']['best']['test_accuracy']:.1f} %" in page
    sentence = discuss(Records(root / "results" / "reproduce").study)[1]
    assert " ".join(sentence.split()) in " ".join(page.split())


def test_no_folder_of_the_machine_is_kept(root, out):
    for path in root.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        for place in (b"someone", str(out.parent).encode(), str(ROOT).encode()):
            assert place not in content, path
    record = read_json(root / "results" / "reproduce" / "tuned" / "record.json")
    assert record["data"]["path"] == "cifar-10-batches-py"
    assert read_json(root / "results" / "reproduce.json")["environment"]["command"] == (
        "fcnet reproduce --data data --out out"
    )


def test_what_is_kept_is_small(root):
    sizes = [path.stat().st_size for path in (root / "results").rglob("*") if path.is_file()]
    assert max(sizes) < 400_000


def test_drift_is_noticed_and_mended(root, capsys):
    """Of documents, and of a record whose figure is out of date then."""
    before = {}
    for name, old, new in (
        ("README.md", " %", " percent"),
        ("docs/cli.md", "--help", "--hepl"),
        ("docs/log.md", " %", " percent"),
        ("docs/scaling.md", " ms", " milliseconds"),
        ("docs/estimator.md", " %", " percent"),
        ("docs/runs.md", "| resumed |", "| lost |"),
        ("docs/checking.md", " %", " percent"),
        ("docs/grading.md", " wrong |", " right |"),
        ("docs/derivation.md", "2 * reg", "reg"),
        ("docs/report.md", " %", " percent"),
        ("docs/figures/README.md", "default", "standard"),
        ("docs/figures/default_run.svg", "\nL ", "\nM "),
        ("docs/figures/gradient_error.svg", "<!-- wanted", "<!-- unwanted"),
    ):
        before[name] = (root / name).read_text()
        (root / name).write_text(before[name].replace(old, new, 1))
    (root / "docs" / "figures" / "confusion.svg").unlink()
    old = root / "docs" / "figures" / "old.svg"  # which nothing draws
    old.write_text("<svg/>")
    toy = root / "results" / "reproduce" / "toy.json"
    record = json.loads(toy.read_text())
    record["loss_history"][40] += 0.02
    write_json(toy, record)
    curve = (root / "docs" / "figures" / "toy_training.svg").read_text()
    assert generate.main(["--check"], root) == 1
    said = capsys.readouterr().err.splitlines()
    figures = {f"docs/figures/{name}.svg" for name in ("confusion", "old", "toy_training")}
    wanted = {f"{name} is out of date, run: python tools/generate.py" for name in {*before, *figures}}
    assert set(said) == wanted
    assert len(said) == len(wanted)
    assert generate.main([], root) == 0
    assert {name: (root / name).read_text() for name in before} == before
    assert (root / "docs" / "figures" / "toy_training.svg").read_text() != curve
    assert not old.exists()


def test_a_quick_run_is_not_collected(out, tmp_path, capsys):
    write_json(tmp_path / "results.json", read_json(out / "results.json") | {"quick": True})
    assert generate.main(["--collect", str(tmp_path)], tmp_path / "root") == 2
    assert "run without --quick" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", README + README, README.replace("ladder", "steps")])
def test_blocks_that_are_missing_twice_or_unknown_are_refused(text, tmp_path):
    path = tmp_path / "PAGE.md"
    path.write_text(text)
    with pytest.raises(RunError, match=re.escape("wanted are ['ladder', 'speed', 'table'], each once")):
        generate.fill(path, {"table": "", "ladder": "", "speed": ""})


def test_the_index_of_the_records_is_complete():
    index = (ROOT / "results" / "README.md").read_text()
    named = re.findall(r"^\| `([\w.]+?)/?` \|", index, flags=re.MULTILINE)
    assert sorted(named) == sorted(
        path.name for path in (ROOT / "results").iterdir() if path.name != "README.md"
    )
    for place in re.findall(r"\b(?:docs/\w+\.md|docs/figures|README\.md|(?:\w+/)+\w+\.py)", index):
        assert (ROOT / place).exists(), place


def test_every_command_is_in_the_page():
    page = generate.cli_page()
    for command in ("fcnet", *(f"fcnet {name}" for name in COMMANDS)):
        assert f"\n## {command}\n\n```\nusage: {command} " in page
    assert "\x1b" not in page
    assert str(Path.home()) not in page


def test_figures_are_compared_to_a_hundredth_of_a_point_and_by_pixel():
    figure = '<svg><title>Matplotlib 3.11.2</title><path id="m0123456789" d="M 1.234567 2"/></svg>'
    assert compare.same(figure, figure.replace("1.234567", "1.234568").replace("m0123456789", "mabcdef0123"))
    assert not compare.same(figure, figure.replace("1.234567", "1.3"))
    assert not compare.same(figure, figure.replace("M 1", "L 1"))
    assert compare.same(figure.replace("3.11.2", "3.9.0"), figure.replace("1.234567", "1.3"))
