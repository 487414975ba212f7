"""DataFrames and Arrow tables with categories, in the classifier."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score

from fcnet import FCNetClassifier
from fcnet.data.dataset import DataOptions, TableOptions
from fcnet.data.own.load import load_own
from fcnet.data.tables.frames import table_in
from fcnet.errors import DataError

pd = pytest.importorskip("pandas")
pa = pytest.importorskip("pyarrow")


def people(count: int = 200, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    job = rng.choice(["clerk", "farmer", "teacher"], count)
    age, member = rng.integers(18, 80, count), rng.random(count) < 0.5
    y = np.where((age > 50) ^ (job == "teacher"), "high", "low")
    return pd.DataFrame({"age": age, "job": job, "member": member}), y


def classifier(**settings: Any) -> FCNetClassifier:
    return FCNetClassifier((20,), epochs=40, learning_rate=0.01, random_state=0, **settings)


def forms(frame: Any) -> dict[str, Any]:
    """The same table in each form that people have."""
    arrow = pa.table(frame)
    return {
        "pandas, objects": frame.astype(object),
        "pandas, categories": frame.astype({"job": "category", "member": "category"}),
        "pandas, nullable": frame.astype({"age": "Int64", "member": "boolean", "job": "string"}),
        "pandas, Arrow": frame.astype({"age": "int64[pyarrow]", "member": "bool[pyarrow]"}),
        "Arrow": arrow,
        "Arrow, dictionary": arrow.set_column(1, "job", arrow["job"].dictionary_encode()),
        "other order": frame[["job", "member", "age"]],
    }


def test_every_form_of_a_table_is_the_same_one() -> None:
    frame, y = people()
    first = classifier().fit(frame, y)
    assert first.score(frame, y) > 0.9
    assert first.mapping_.names == [
        "age", "job=clerk", "job=farmer", "job=teacher", "member=false", "member=true",
    ]  # fmt: skip
    assert first.n_features_in_ == 3
    assert list(first.feature_names_in_) == ["age", "job", "member"]
    np.testing.assert_array_equal(first.mean_[1:], 0)  # what says a category stays as it is
    np.testing.assert_array_equal(first.scale_[1:], 1)
    expected = first.predict_proba(frame)
    for name, form in forms(frame).items():
        np.testing.assert_array_equal(first.predict_proba(form), expected, err_msg=name)
        if name != "other order":  # in which the features have other initial weights
            np.testing.assert_array_equal(
                classifier().fit(form, y).predict_proba(form), expected, err_msg=name
            )


def test_numbers_alone_keep_their_order() -> None:
    frame, y = people()
    numbers = frame.assign(size=frame["age"] / 2)[["age", "size"]]
    fitted = classifier().fit(numbers, y)
    fitted.predict(numbers)
    for other in (numbers[["size", "age"]], numbers[["age"]]):
        with pytest.raises(ValueError, match="feature names should match those that were passed during fit"):
            fitted.predict(other)


def test_the_features_are_those_of_a_file(tmp_path: Path) -> None:
    frame, y = people()
    frame.assign(y=y).to_csv(tmp_path / "people.csv", index=False)
    dataset = load_own(tmp_path / "people.csv", DataOptions(table=TableOptions("y")))
    fitted = classifier().fit(frame, y)
    assert dataset.mapping is not None
    assert fitted.mapping_.names == dataset.mapping.names
    rows, _ = fitted.mapping_.rows(table_in(frame))
    assert sorted(map(tuple, rows)) == sorted(
        map(tuple, np.concatenate([dataset.train.images, dataset.test.images]))
    )


def test_it_works_where_classifiers_do() -> None:
    frame, y = people()
    assert cross_val_score(classifier(), frame, y, cv=3).mean() > 0.8
    fitted = classifier(warm_start=True, patience=5).fit(frame, y, X_val=frame, y_val=y)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(frame), fitted.predict_proba(frame))
    fitted.fit(frame, y, X_val=frame, y_val=y)
    part = classifier().partial_fit(frame, y, classes=["high", "low"])
    part.partial_fit(frame[:50], y[:50])
    assert part.predict(frame[:3]).shape == (3,)


def test_rows_without_weight_say_no_category() -> None:
    frame, y = people()
    more = pd.concat([frame, pd.DataFrame({"age": [30], "job": ["pilot"], "member": [True]})])
    weights = np.append(np.ones(len(frame)), 0)
    with pytest.warns(UserWarning, match=r"categories that fit did not have.*: 1 in job, such as 'pilot'"):
        weighted = classifier().fit(more, np.append(y, "low"), sample_weight=weights)
    np.testing.assert_array_equal(weighted.params_["W1"], classifier().fit(frame, y).params_["W1"])


def test_other_tables_are_said() -> None:
    frame, y = people()
    fitted = classifier().fit(frame, y)
    with pytest.warns(UserWarning, match="X has columns that fit did not have: extra"):
        fitted.predict(frame.assign(extra=1))
    with pytest.raises(DataError, match="X lacks the column job, which the network was trained with"):
        fitted.predict(frame.drop(columns="job"))
    with pytest.raises(DataError, match="X is not a table, and fit was given one; give a DataFrame"):
        fitted.predict(np.ones((2, 3)))
    with pytest.raises(DataError, match="the column 'age' of X has no value in row 2, fill it in"):
        classifier().fit(frame.assign(age=[1, None, *range(198)]), y)
    with pytest.raises(DataError, match="the column 'job' of X has no value in row 1, fill it in"):
        classifier().fit(frame.assign(job=[None, *frame["job"][1:]]), y)
    with pytest.raises(
        DataError, match="the column 'day' of X holds dates or times, and no categories, make"
    ):
        classifier().fit(frame.assign(day=pd.Timestamp("2026-01-01")), y)
    with pytest.raises(DataError, match="X has two columns named 'age', rename one of them"):
        classifier().fit(pd.concat([frame, frame[["age"]]], axis=1), y)
    many = pd.DataFrame({"name": [f"n {i}" for i in range(2000)]})
    with pytest.raises(DataError, match="has 2,000 categories, more than 1,000"):
        classifier().fit(many, np.arange(2000) % 2)
    mixed = frame.assign(job=["1", 2, *frame["job"][2:]])
    with pytest.raises(DataError, match="the column 'job' of X holds values of several types"):
        classifier().fit(mixed, y)


def test_tables_of_numbers_are_read_as_before() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(60, 3)), columns=list("abc"))
    y = np.arange(60) % 2
    fitted = classifier().fit(frame, y)
    assert not hasattr(fitted, "mapping_")
    np.testing.assert_array_equal(fitted.params_["W1"], classifier().fit(frame.to_numpy(), y).params_["W1"])
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(frame[["b", "a", "c"]])
    arrow = pa.table(frame)
    np.testing.assert_array_equal(
        classifier().fit(arrow, y).predict_proba(arrow), fitted.predict_proba(frame)
    )
    assert not hasattr(classifier().fit(arrow, y).fit(frame, y), "mapping_")
