"""Tables are learnt, and a model does to other tables what the training did to its own."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcnet.data.dataset import DataOptions, TableOptions
from fcnet.data.own.load import load_own
from fcnet.data.own.split import arranged
from fcnet.data.tables.files import read_table
from fcnet.data.tables.mapping import Category, Mapping, Number
from fcnet.data.tables.target import labels_of
from fcnet.errors import DataError, RunError
from fcnet.experiments.recipes import PICTURES_ONLY
from fcnet.net.weights import read_tensors, serialised
from fcnet.train.config import TrainConfig
from fcnet.train.inputs import make_inputs
from fcnet.train.model import Model

from .conftest import fcnet

pa = pytest.importorskip("pyarrow")

Rows = list[list[Any]]

NAMES = ["age", "job", "hours", "member", "income"]
TRAIN = ("train", "--recipe", "quick", "--epochs", "8", "--out", "run")


def people(count: int = 400, seed: int = 0) -> Rows:
    """Age, job, hours and membership, of which the first three say the income."""
    rng = np.random.default_rng(seed)
    jobs = rng.choice(["clerk", "farmer", "teacher"], count)
    age, hours = rng.integers(18, 80, count), rng.normal(40, 8, count).round(1)
    high = (age - 45) / 15 + 2 * (jobs == "teacher") + (hours - 40) / 10 > 0.5
    member = rng.choice(["True", "False"], count)
    return [list(row) for row in zip(age, jobs, hours, member, np.where(high, ">50K", "<=50K"), strict=True)]


def write(path: str, rows: Iterable[list[Any]], names: list[str] = NAMES, **style: Any) -> Path:
    encoding = style.pop("encoding", "utf-8")
    with Path(path).open("w", newline="", encoding=encoding) as file:
        csv.writer(file, **style).writerows([names, *rows])
    return Path(path)


def loaded(path: Path, target: str = "income", **options: Any) -> Any:
    return load_own(path, DataOptions(table=TableOptions(target, **options)))


def predictions(path: str) -> list[str]:
    with Path(path).open(newline="", encoding="utf-8") as file:
        return [row["prediction"] for row in csv.DictReader(file)]


def test_a_table_is_learnt_tested_resumed_and_predicted(capsys: pytest.CaptureFixture[str]) -> None:
    write("people.csv", people())
    status, out, err = fcnet(capsys, *TRAIN, "--data", "people.csv", "--target", "income")
    assert (status, err) == (0, [])
    assert "columns of numbers: 2, of categories: 2, features: 7" in out[0]
    assert out[1].startswith("people: <=50K ")
    assert fcnet(capsys, "train", "--out", "run", "--resume")[0] == 0  # with the target of before
    status, out, _ = fcnet(capsys, "test", "run")
    assert status == 0
    assert json.loads(Path("run/test.json").read_text())["accuracy"] > 0.9
    new = people(200, seed=1)
    write("new.csv", [row[:-1] for row in new], NAMES[:-1])
    status, out, err = fcnet(capsys, "predict", "run", "new.csv", "--out", "answers.csv")
    assert (status, out, err) == (0, ["wrote 200 rows to answers.csv"], [])
    assert np.mean([one == row[-1] for one, row in zip(predictions("answers.csv"), new, strict=True)]) > 0.9
    with Path("answers.csv").open() as file:
        first = next(csv.DictReader(file))
    assert float(first["probability of >50K"]) + float(first["probability of <=50K"]) == pytest.approx(1)
    status, out, _ = fcnet(capsys, "predict", "run", "new.csv", "--top", "1")
    assert len(out) == 21
    assert out[20] == "and 180 more rows, all of which --out writes to a CSV file"
    status, out, _ = fcnet(capsys, "predict", "run", "new.csv", "--json")
    assert len(json.loads("\n".join(out))["rows"]) == 200


@pytest.fixture
def trained(capsys: pytest.CaptureFixture[str]) -> None:
    write("people.csv", people())
    assert fcnet(capsys, *TRAIN, "--data", "people.csv", "--target", "income")[0] == 0


@pytest.mark.usefixtures("trained")
def test_columns_are_found_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    new = people(50, seed=2)
    write("same.csv", new)
    turned = [[row[4], "x", row[2], row[1], row[3], row[0]] for row in new]
    write("turned.csv", turned, ["income", "comment", "hours", "job", "member", "age"])
    import pyarrow.parquet as pq

    columns = dict(zip(NAMES, zip(*new, strict=True), strict=True))
    columns |= {"member": [one == "True" for one in columns["member"]]}
    arrow = pa.table({name: [getattr(one, "item", lambda o=one: o)() for one in column]
                      for name, column in columns.items()})  # fmt: skip
    arrow = arrow.set_column(1, "job", arrow["job"].dictionary_encode())
    pq.write_table(arrow, "same.parquet")
    for name in ("same.csv", "turned.csv", "same.parquet"):
        status, _, err = fcnet(capsys, "predict", "run", name, "--out", f"{name}.out")
        assert status == 0
        extra = ["turned.csv: columns that the network does not use: comment"] if name == "turned.csv" else []
        assert err == extra
    assert Path("same.csv.out").read_text() == Path("turned.csv.out").read_text()
    assert Path("same.csv.out").read_text() == Path("same.parquet.out").read_text()


@pytest.mark.usefixtures("trained")
def test_what_the_training_did_not_have_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    model = Model.load(Path("run"))
    assert model.mapping is not None
    write(
        "new.csv", [["", "pilot", 40, "True"], [30, "pilot", 40, "False"], [30, "?", 41, "true"]], NAMES[:-1]
    )
    rows, remarks = model.mapping.rows(read_table(Path("new.csv")))
    assert model.mapping.names == [
        "age", "job=clerk", "job=farmer", "job=teacher", "hours", "member=false", "member=true",
    ]  # fmt: skip
    age = next(one for one in model.mapping.columns if isinstance(one, Number))
    assert rows.tolist() == [
        [age.fill, 0, 0, 0, 40, 0, 1], [30, 0, 0, 0, 40, 1, 0], [30, 0, 0, 0, 41, 0, 1],
    ]  # fmt: skip
    assert remarks.unseen == ["2 in job, such as 'pilot'"]
    assert remarks.missing == ["1 in age", "1 in job"]
    status, _, err = fcnet(capsys, "predict", "run", "new.csv")
    assert status == 0
    assert err == [
        "new.csv: missing values: 1 in age, 1 in job, filled as in the training",
        "new.csv: categories that the training did not have count as none: 2 in job, such as 'pilot'",
    ]


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize(
    ("names", "row", "words"),
    [
        (NAMES[1:4], ["clerk", 1, "True"],
         "new.csv lacks the column age, which the network was trained with; "
         "it has the columns job, hours, member"),
        (NAMES[:4], ["old", "clerk", 1, "True"],
         "the column 'age' of new.csv holds 'old' in row 1, which is not a number (1 such)"),
    ],
)  # fmt: skip
def test_other_columns_are_an_error(
    names: list[str], row: list[Any], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write("new.csv", [row], names)
    status, out, err = fcnet(capsys, "predict", "run", "new.csv", "--out", "answers.csv")
    assert (status, out, err) == (2, [], [f"error: {words}"])
    assert not Path("answers.csv").exists()


@pytest.mark.usefixtures("trained")
def test_what_is_no_table_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    Path("cat.png").touch()
    for given, words in (
        (
            ["cat.png"],
            "this network was trained on a table, and cat.png is none, give a .csv or .parquet file",
        ),
        (["people.csv", "people.csv"], "run was trained on a table, give one table and no --show"),
        (["missing.csv"], "cannot read missing.csv: No such file or directory"),
    ):
        assert fcnet(capsys, "predict", "run", *given) == (2, [], [f"error: {words}"])


STYLES: list[dict[str, Any]] = [
    {"delimiter": ";"}, {"delimiter": "\t"}, {"delimiter": "|"}, {"encoding": "utf-8-sig"},
    {"encoding": "utf-16"}, {"quoting": csv.QUOTE_ALL}, {"lineterminator": "\r"}, {"lineterminator": "\n"},
    {"encoding": "utf-16", "delimiter": "\t"},
]  # fmt: skip


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_every_usual_csv_file_is_the_same_table(style: dict[str, Any]) -> None:
    first = loaded(write("plain.csv", people()))
    other = loaded(write("other.csv", people(), **style))
    assert other.origin.sha256 == first.origin.sha256
    assert other.mapping == first.mapping


def test_empty_lines_before_the_names_are_passed_over() -> None:
    first = loaded(write("plain.csv", people()))
    for encoding in ("utf-8", "utf-16"):
        Path("other.csv").write_bytes(("\n\r\n" + Path("plain.csv").read_text()).encode(encoding))
        assert loaded(Path("other.csv")).origin.sha256 == first.origin.sha256


def test_the_two_spellings_of_an_accent_are_one_column() -> None:
    import unicodedata

    rows = people()
    typed = unicodedata.normalize("NFC", "métier")
    spelt = [NAMES[0], unicodedata.normalize("NFD", typed), *NAMES[2:4], unicodedata.normalize("NFD", "clé")]
    path = write("people.csv", rows, spelt)
    first = loaded(path, unicodedata.normalize("NFC", "clé"), categorical=(typed,))
    assert first.mapping.columns[1].name == typed
    _, remarks = first.mapping.rows(read_table(write("new.csv", rows, [NAMES[0], typed, *NAMES[2:]])))
    assert remarks.unused == ["income"]
    assert typed not in " ".join(loaded(path, "clé", drop=(spelt[1],)).mapping.names)


def test_whole_numbers_that_float64_cannot_tell_apart_are_said() -> None:
    rows = [[2**60 + place % 2, place % 7, place % 2] for place in range(60)]
    how = loaded(write("large.csv", rows, ["code", "a", "y"]), "y").origin.how
    assert "; left out, one value only in 15 digits: code" in how


@pytest.mark.parametrize("options", ["--drop-columns income", "--categorical income"])
def test_a_column_is_one_thing_only(options: str, capsys: pytest.CaptureFixture[str]) -> None:
    write("people.csv", people(120))
    told = ("train", "--data", "people.csv", "--target", "income", "--out", "run", *options.split())
    status, out, err = fcnet(capsys, *told)
    assert (status, out) == (2, [])
    assert err == ["error: the column income is asked for in two ways, leave out one of them"]


@pytest.mark.slow
def test_every_recipe_trains_a_table_without_what_is_for_pictures(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write("people.csv", people(120))
    told = ("train", "--data", "people.csv", "--target", "income", "--epochs", "1", "--hidden", "8")
    for recipe, options in {
        "default": (), "quick": (), "mnist": ("shift 0", "rotate 0.0"), "digits": ("shift 0",),
        "tuned": ("receptive-field 0.0", "no-mirror", "shift 0"),
        "deep": ("receptive-field 0.0", "no-mirror"), "pytorch": ("preprocessing auto",),
    }.items():  # fmt: skip
        status, out, err = fcnet(capsys, *told, "--out", recipe, "--recipe", recipe)
        assert (status, err) == (0, []), recipe
        (chosen,) = (line for line in out if line.startswith("chosen for"))
        assert [option for option in options if f"--{option}" not in chosen] == []


@pytest.mark.parametrize(
    "asked", ["--mirror", "--receptive-field 4", "--cutout 2", "--preprocessing symmetric"]
)
def test_what_is_for_pictures_is_refused_where_it_is_asked_for_and_no_folder_stays(
    asked: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write("people.csv", people(120))
    status, _, err = fcnet(
        capsys, "train", "--data", "people.csv", "--target", "income", "--out", "run", *asked.split()
    )
    assert (status, len(err)) == (2, 1)
    assert asked.split()[-1 if "preprocessing" in asked else 0].strip("-").replace("-", "_") in err[0]
    assert not Path("run").exists()


def test_a_resumed_run_that_diverges_says_how_its_table_was_read(capsys: pytest.CaptureFixture[str]) -> None:
    path = write("people.csv", people())
    given = ("--target", "income", "--missing", "mean")
    first = fcnet(capsys, *TRAIN, "--learning-rate", "1e9", "--data", str(path), *given)
    again = fcnet(capsys, "train", "--out", "run", "--resume")
    assert first[0] == again[0] == 2
    assert first[2][0].endswith("--overwrite --data people.csv --target income --missing mean")
    assert again[2][0].endswith(f"--overwrite --data {path.resolve()} --target income --missing mean")


OTHER_OPTIONS = {
    ("--target", "hours"): "--target is income, not hours",
    ("--missing", "drop"): "--missing is mean, not drop",
    ("--drop-columns", "age", "job"): "--drop-columns is none, not age job",
    ("--data", "people.csv", "--stream"): "--stream is off, not on",
}


def test_a_resumed_run_names_the_option_of_its_table_that_differs(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [[*row[:2], row[0] % 2, *row[3:]] for row in people()]
    write("people.csv", rows)
    data = ("--data", "people.csv", "--target", "income", "--missing", "mean")
    assert fcnet(capsys, *TRAIN, *data)[0] == 0
    for given, said in OTHER_OPTIONS.items():
        status, _, err = fcnet(capsys, "train", "--out", "run", "--resume", *given)
        option = said.split()[0]
        assert (status, err) == (2, [
            f"error: run was trained with other options for its data ({said}), leave out {option} or choose "
            "another folder"
        ])  # fmt: skip
    status, _, err = fcnet(capsys, "train", "--out", "run", "--resume", "--learning-rate", "0.7")
    assert status == 2
    assert err[0].startswith("error: run was started with other settings (learning_rate is 0.03, not 0.7), ")
    assert fcnet(capsys, "train", "--out", "run", "--resume", "--data", "people.csv")[0] == 0


def test_the_document_names_what_recipes_switch_off() -> None:
    page = (Path(__file__).parents[2] / "docs" / "tables.md").read_text(encoding="utf-8")
    told = page.partition("A recipe (`--recipe`)")[2].partition("\n\n")[0]
    assert [name for name in PICTURES_ONLY if f"`{name}`" not in told] == []


@pytest.mark.slow
def test_a_resumed_search_does_not_ignore_the_options_of_its_table(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("optuna")
    write("people.csv", [[*row[:2], row[0] % 2, *row[3:]] for row in people()])
    search = ("tune", "--out", "my search")
    data = (
        "--data",
        "people.csv",
        "--target",
        "income",
        "--missing",
        "mean",
        "--trials",
        "1",
        "--epochs",
        "1",
    )
    status, out, _ = fcnet(capsys, *search, *data)
    assert (status, "fcnet train --config 'my search/best.toml' --out RUN" in out[-1]) == (0, True)
    for given, said in OTHER_OPTIONS.items():
        status, _, err = fcnet(capsys, *search, "--resume", *given)
        assert (status, len(err)) == (2, 1)
        assert err[0].startswith(f"error: my search uses other data ({said}), give the same or ")
    assert fcnet(capsys, *search, "--resume")[0] == 0


def test_a_network_that_was_trained_without_gaps_predicts_none(capsys: pytest.CaptureFixture[str]) -> None:
    rows = people()
    for row in rows[:9]:
        row[0] = ""
    write("people.csv", rows)
    status, out, err = fcnet(
        capsys, *TRAIN, "--data", "people.csv", "--target", "income", "--missing", "drop"
    )
    assert (status, err) == (0, [])
    assert "rows with missing values, left out: 9" in out[0]
    assert fcnet(capsys, "train", "--out", "run", "--resume")[0] == 0
    assert fcnet(capsys, "test", "run")[0] == 0
    assert fcnet(capsys, "predict", "run", "people.csv")[::2] == (2, [
        "error: the column 'age' of people.csv has no value in row 1, and the network was trained without "
        "such rows; fill it in or leave the row out"
    ])  # fmt: skip


@pytest.mark.slow
@pytest.mark.usefixtures("trained")
def test_runs_on_a_table_are_folded_and_shown_but_not_mirrored(capsys: pytest.CaptureFixture[str]) -> None:
    assert fcnet(capsys, "fold", "run", "--mirror", "--out", "folded") == (
        2, [], ["error: rows of numbers have no mirror image, leave out --mirror and --shift"]
    )  # fmt: skip
    assert not Path("folded").exists()
    other = ("--seed", "1", "--overwrite")
    first = fcnet(capsys, "predict", "run", "people.csv", "--out", "first.csv")
    Path("run").rename("one")
    assert fcnet(capsys, *TRAIN, *other, "--data", "people.csv", "--target", "income")[0] == 0
    assert fcnet(capsys, "fold", "one", "run", "--out", "folded")[0] == 0
    second = fcnet(capsys, "predict", "folded", "people.csv", "--out", "second.csv")
    assert (first[0], second[0]) == (0, 0)
    agree = [one == two for one, two in zip(predictions("first.csv"), predictions("second.csv"), strict=True)]
    assert np.mean(agree) > 0.9
    for command in (("report", "run"), ("compare", "one", "run"), ("runs", "."), ("export", "run", "--onnx")):
        assert fcnet(capsys, *command)[0] == 0


def test_values_are_read_as_they_are_meant() -> None:
    rows = [["  1,5", " 007", "a\nb", 'say "x"'], ["-2", "008 ", "c", "y, z"]] * 20
    names = ["size", "code", "line\nbreak", "  quoted "]
    path = write("odd.csv", [[*row, i % 2] for i, row in enumerate(rows)], [*names, "y"], delimiter=";")
    mapping = loaded(path, "y", categorical=("code",)).mapping
    assert mapping.columns[1:] == (
        Category("code", ("007", "008")), Category("line\nbreak", ("a\nb", "c")),
        Category("quoted", ("say \"x\"", "y, z")),
    )  # fmt: skip
    exact, _ = mapping.rows(read_table(path))
    assert sorted(set(exact[:, 0])) == [-2, 1.5]
    assert isinstance(loaded(path, "y").mapping.columns[1], Number)  # unless asked otherwise


def test_gaps_and_categories_follow_from_the_rows_for_training_alone() -> None:
    rows = people(100)
    for row in rows[::7]:
        row[0] = ""
    path = write("gaps.csv", rows)
    table = read_table(path)
    _, labels, _ = labels_of(table, "income")
    order, sizes = arranged({"train": labels})
    ages = table.columns["age"].numbers()[order[: sizes.train]]
    assert np.isnan(ages).any()
    for gaps, middle in (("median", np.nanmedian), ("mean", np.nanmean)):
        dataset = loaded(path, missing=gaps)
        age = dataset.mapping.columns[0]
        assert age.fill == middle(ages)
        np.testing.assert_array_equal(dataset.train.images[:, 0], np.where(np.isnan(ages), age.fill, ages))
    rare = people(100)
    rare[0][1] = "astronaut"  # the only one: it is for training or for testing
    dataset = loaded(write("rare.csv", rare))
    known = "astronaut" in dataset.mapping.columns[1].categories
    assert known != ("categories of test rows alone, which count as none: 1 in job" in dataset.origin.how)


def test_categories_are_not_standardised() -> None:
    """One row of a category among hundreds would be a number of the root of their count."""
    rows = people(600)
    rows[5][1] = "astronaut"
    dataset = loaded(write("rare.csv", rows))
    inputs = make_inputs(TrainConfig(), dataset.train.images, True, dataset.indicators)
    seen = inputs.preprocessing(dataset.train.images)
    assert dataset.indicators is not None
    np.testing.assert_array_equal(np.unique(seen[:, dataset.indicators]), [0, 1])
    np.testing.assert_allclose(seen[:, ~dataset.indicators].std(axis=0), 1, atol=1e-5)
    without = make_inputs(TrainConfig(), dataset.train.images, True).preprocessing(dataset.train.images)
    assert without.max() > 15


def test_the_split_is_stratified_and_independent_of_the_seed() -> None:
    path = write("people.csv", people())
    first, second = loaded(path), loaded(path)
    np.testing.assert_array_equal(first.test.images, second.test.images)
    shares = [np.bincount(part.labels) / len(part) for part in (first.train, first.test)]
    np.testing.assert_allclose(*shares, atol=0.01)
    assert len(first.test) == pytest.approx(80, abs=1)


def test_both_engines_and_onnx_agree(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    onnxruntime = pytest.importorskip("onnxruntime")
    dataset = loaded(write("people.csv", people()))
    found = []
    for engine in ("numpy", "torch"):
        command = (*TRAIN[:-1], engine, "--data", "people.csv", "--target", "income", "--engine", engine)
        assert fcnet(capsys, *command, "--precision", "float64")[0] == 0
        found.append(Model.load(Path(engine)).logits(dataset.test.images))
    np.testing.assert_allclose(*found, rtol=1e-4, atol=1e-4)
    assert fcnet(capsys, "export", "numpy", "--onnx")[0] == 0
    session = onnxruntime.InferenceSession("numpy/model.onnx")
    (logits,) = session.run(["logits"], {"features": dataset.test.images})
    np.testing.assert_allclose(logits, found[0], rtol=1e-4, atol=1e-4)
    names = json.loads(session.get_modelmeta().custom_metadata_map["features"])
    assert names == dataset.mapping.names


def test_foreign_words_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [[*row[:4], "\x1b[2J" + row[4]] for row in people(60)]
    names = ["age", "job\x1b[1A", "hours", "member", "in\u202ecome"]
    for row in rows[:3]:
        row[1] = ""
    write("mean.csv", rows, names)
    status, out, err = fcnet(capsys, *TRAIN, "--data", "mean.csv", "--target", "in\u202ecome")
    assert (status, err) == (0, [])
    write("new.csv", [[*row[:4], 1] for row in rows], [*names[:4], "\x1b[2Jx"])
    told = [
        *out,
        *fcnet(capsys, "predict", "run", "new.csv")[2],
        *fcnet(capsys, "predict", "run", "new.csv")[1],
    ]
    assert told
    assert all(line.isprintable() for line in told)


def test_a_class_is_no_formula() -> None:
    rows = [[*row[:4], ("=1+1", "-1")[i % 2]] for i, row in enumerate(people(60))]
    from fcnet.cli.predict_table import as_csv

    dataset = loaded(write("mean.csv", rows))
    assert dataset.classes == ("-1", "=1+1")

    class Named:
        classes = dataset.classes

    text = as_csv(np.eye(2), Named())  # type: ignore[arg-type]
    assert [line.split(",")[1] for line in text.splitlines()[1:]] == ["-1", "'=1+1"]


@pytest.mark.usefixtures("trained")
def test_a_mapping_that_does_not_fit_its_network_is_refused() -> None:
    path = Path("run/input.safetensors")
    tensors, about = read_tensors(path)
    Path("run/SHA256SUMS").unlink()
    mapping = json.loads(about["table"])
    twice = [*mapping["columns"], mapping["columns"][0]]
    for wrong, words in (
        ("[]", "Expected `object`, got `array`"),
        (
            json.dumps(mapping | {"columns": mapping["columns"][1:]}),
            "the number of the table's features is 6",
        ),
        (json.dumps(mapping | {"columns": twice}), "two with the same name"),
        (
            json.dumps(mapping | {"columns": [{"type": "number", "name": "x", "fill": "1"}]}),
            "Expected `float`",
        ),
        (json.dumps(mapping).replace('"clerk"', '"farmer"'), "the same category twice"),
    ):
        path.write_bytes(serialised(tensors, about | {"table": wrong}))
        with pytest.raises(RunError, match="are not a model: ") as caught:
            Model.load(Path("run"))
        assert words in str(caught.value)


def test_a_mapping_is_kept_as_it_is() -> None:
    mapping = Mapping((Number("a", 0.1), Category("b", ("x", "é"), missing=True)), "y", "mean")
    assert Mapping.loads(mapping.dumps()) == mapping
    assert (mapping.width, mapping.indicators.tolist()) == (4, [False, True, True, True])


def test_pipes_and_files_without_end_are_refused(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match=r"cannot read .*: no regular file"):
        loaded(tmp_path / "pipe.csv")
    with (tmp_path / "large.csv").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(
        DataError, match=r"takes about 4398 GB of memory and .* are available; train with --s"
    ):
        loaded(tmp_path / "large.csv")
