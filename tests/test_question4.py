"""Question 4: the study of depth compares what it says, resumes, and is discussed by its own numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fcnet.data.dataset import Dataset
from fcnet.experiments import depth
from fcnet.experiments.depth import LAYERS, WIDTH, best_run, parameters, points, summary, width_for
from fcnet.experiments.recipes import PYTORCH
from fcnet.experiments.reproduce import Reproduction
from fcnet.experiments.signal import rms, signal
from fcnet.net.network import Network
from fcnet.records import RunFolder, write_json
from fcnet.report.discussion import discuss
from fcnet.report.figures import draw, write
from fcnet.report.reading import Records
from fcnet.stages import Study
from fcnet.train.callbacks import Callback
from trainings import StopAfter

# What is compared


def test_the_first_table_has_every_depth_from_every_initialisation() -> None:
    chosen = points(3072, 10)
    width = [(p.layers, p.initialisation) for p in chosen if p.budget == "width"]
    assert sorted(width) == sorted((layers, how) for layers in LAYERS for how in ("1e-3", "pytorch", "he"))
    assert {p.width for p in chosen if p.budget == "width"} == {WIDTH}


def test_the_second_table_has_equal_parameters() -> None:
    equal = [p for p in points(3072, 10) if p.budget == "parameters"]
    assert [p.layers for p in equal] == list(LAYERS)
    counts = [parameters(3072, p.width, p.layers, 10) for p in equal]
    assert max(counts) / min(counts) < 1.01
    assert equal[0].width == WIDTH
    widths = [p.width for p in equal]
    assert widths == sorted(widths, reverse=True)
    assert len(set(widths)) == len(widths)


@given(inputs=st.integers(1, 300), width=st.integers(1, 60), layers=st.integers(2, 6), K=st.integers(2, 10))
def test_parameters_are_those_of_the_network(inputs: int, width: int, layers: int, K: int) -> None:
    net = Network.plain((inputs, *[width] * (layers - 1), K), np.random.default_rng(0))
    assert parameters(inputs, width, layers, K) == sum(value.size for value in net.params.values())
    assert width_for(parameters(inputs, width, layers, K), inputs, layers, K) == width


# The signal


def test_the_signal_is_what_the_network_passes_on() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((200, 50)), rng.integers(4, size=200)
    he, small = (signal(X, y, (60, 60, 60), 4, how) for how in ("he", "1e-3"))
    assert all(0.3 < value < 3 for value in he["activations"])
    # each layer of N(0, std^2) multiplies by std sqrt(in), of which the ReLU leaves a part
    ratios = [b / a for a, b in zip(small["activations"], small["activations"][1:], strict=False)]
    assert ratios == pytest.approx([1e-3 * math.sqrt(60)] * 3, rel=0.3)
    assert small["weights"] == pytest.approx([1e-3] * 4, rel=0.15)
    assert small["gradients"][0] < 1e-5 * he["gradients"][0]
    assert len(he["dead"]) == 3


def test_a_unit_that_is_always_off_is_counted_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    X, y = np.abs(rng.standard_normal((40, 6))), rng.integers(3, size=40)

    def with_dead(scheme: str, architecture: Any, rng: np.random.Generator) -> dict[str, Any]:
        params = Network(architecture, rng, dtype=np.float64).params
        params["W1"][:, :2] = -1  # of five units, with inputs that are never negative
        return params

    monkeypatch.setattr("fcnet.experiments.signal.initial_parameters", with_dead)
    assert signal(X, y, (5,), 3, "he")["dead"][0] >= 2 / 5
    assert rms(np.array([3.0, -4.0])) == pytest.approx(math.sqrt(12.5))


# The study


def record(seed: int, train: float, val: float) -> dict[str, Any]:
    return {
        "metrics": {"train_accuracy": train, "val_accuracy": val},
        "seed": seed, "parameters": 100, "seconds": 2.0,
        "config": {"epochs": 6}, "examples": {"validation": 5000},
    }  # fmt: skip


def test_a_row_has_mean_and_standard_deviation_of_a_sample() -> None:
    row = summary(points(3072, 10)[0], [record(0, 0.5, 0.4), record(1, 0.6, 0.45), record(2, 0.7, 0.5)])
    assert row["training_accuracy_mean"] == pytest.approx(0.6)
    assert row["training_accuracy_std"] == pytest.approx(0.1)
    assert row["validation_accuracy_std"] == pytest.approx(0.05)
    assert row["validation_accuracies"] == [0.4, 0.45, 0.5]
    assert (row["seeds"], row["epochs"], row["validation_images"]) == ([0, 1, 2], 6, 5000)
    assert summary(points(3072, 10)[0], [record(0, 0.5, 0.4)])["training_accuracy_std"] == 0


def test_the_best_run_is_the_best_seed_of_the_best_mean() -> None:
    rows = [
        summary(points(3072, 10)[4], [record(0, 0.9, 0.40), record(1, 0.9, 0.60)]),  # the highest single one
        summary(points(3072, 10)[5], [record(0, 0.9, 0.53), record(1, 0.9, 0.55)]),
    ]
    row, folder = best_run(rows, Path("depth"))
    assert row is rows[1]
    assert folder == Path("depth") / points(3072, 10)[5].name / "seed1"


def test_the_study_goes_on_where_it_was_stopped(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr(depth, "PYTORCH", replace(PYTORCH, precision="float64", device="cpu"))
    started: list[str] = []

    def listener_for(stop_at: int) -> Callable[[str], Callback]:
        def make(title: str) -> Callback:
            started.append(title)
            return StopAfter(5) if len(started) == stop_at else Callback()

        return make

    quick = Reproduction(digits, tmp_path, quick=True)
    with pytest.raises(KeyboardInterrupt):
        quick.depth(listener_for(3))
    assert not (tmp_path / "depth.json").exists()
    finished = sorted(path for path in tmp_path.rglob("record.json"))
    assert len(finished) == 2
    stamps = [path.stat().st_mtime_ns for path in finished]
    study = quick.depth(lambda title: Callback())
    assert [path.stat().st_mtime_ns for path in finished] == stamps
    assert [(row["layers"], row["initialisation"]) for row in study["rows"]] == [
        (layers, how) for how in ("1e-3", "he") for layers in LAYERS
    ]
    assert quick.depth(lambda title: pytest.fail("trained again")) == study
    he = [row for row in study["rows"] if row["initialisation"] == "he"]
    assert min(row["validation_accuracy_mean"] for row in he) > 0.8
    first = quick.test_best(study["rows"])
    assert quick.test_best(study["rows"]) == first
    assert first["count"] == 1
    assert len(list(tmp_path.rglob("test.json"))) == 1
    assert RunFolder(best_run(study["rows"], tmp_path / "depth")[1]).test.exists()


# The discussion


def made_up(
    he: tuple[float, ...], pytorch: tuple[float, ...], small: tuple[float, ...], std: float = 0.003,
    equal: tuple[float, ...] = (), seeds: int = 3,
) -> list[dict[str, Any]]:  # fmt: skip
    """Rows of a study with these validation accuracies at 2, 3, 4 and 5 layers, training 0.1 above."""
    rows = []
    for budget, how, values in (
        ("width", "1e-3", small), ("width", "pytorch", pytorch), ("width", "he", he),
        ("parameters", "he", equal),
    ):  # fmt: skip
        for layers, value in zip(LAYERS, values, strict=False):
            gap = 0.1 if value > 0.2 else 0.0
            rows.append(
                {
                    "budget": budget, "layers": layers, "initialisation": how, "width": 256, "epochs": 6,
                    "parameters": 1000 + (100 * layers if budget == "width" else layers), "seconds": layers,
                    "training_accuracy_mean": value + gap, "training_accuracy_std": std,
                    "validation_accuracy_mean": value, "validation_accuracy_std": std,
                    "seeds": list(range(seeds)), "validation_images": 5000,
                }
            )  # fmt: skip
    return rows


SIGNALS = [
    {
        "layers": 5,
        "initialisation": "1e-3",
        "activations": [1e-2, 1e-9],
        "gradients": [1e-11, 1e-10],
        "dead": [0.0],
    },
    {
        "layers": 5,
        "initialisation": "he",
        "activations": [0.5, 0.6],
        "gradients": [1e-3, 1e-2],
        "dead": [0.01],
    },
]


def study(rows: list[dict[str, Any]], signals: list[dict[str, Any]]) -> Study:
    """The study of depth with these rows, as depth.json would have it."""
    return msgspec.convert({"rows": rows, "signal": signals}, Study)


def discussed(rows: list[dict[str, Any]]) -> list[str]:
    return discuss(study(rows, SIGNALS))


def said(sentences: list[str], beginning: str) -> str:
    (sentence,) = (one for one in sentences if one.startswith(beginning))
    return sentence


def test_what_does_not_start_is_named_and_what_starts_is_not() -> None:
    stuck = discussed(made_up((0.5,) * 4, (0.5,) * 4, (0.45, 0.12, 0.1, 0.1)))
    sentence = said(stuck, "Optimisation")
    assert (
        "3 layers from N(0, 1e-3), 4 layers from N(0, 1e-3), 5 layers from N(0, 1e-3) do not start"
        in sentence
    )
    assert "12.0 %" in sentence
    going = discussed(made_up((0.5,) * 4, (0.5,) * 4, (0.45, 0.44, 0.43, 0.3)))
    assert "every net starts. The slowest, 5 layers from N(0, 1e-3), still reaches 40.0 %" in said(
        going, "Optimisation"
    )


def test_a_gain_within_noise_is_called_noise() -> None:
    # two standard errors on 5,000 images at 50 % are 1.4 points
    small = discussed(made_up((0.500, 0.505, 0.509, 0.505), (0.5,) * 4, (0.4,) * 4))
    assert "+0.9 points, within noise" in said(small, "Gain")
    large = discussed(made_up((0.500, 0.505, 0.530, 0.505), (0.5,) * 4, (0.4,) * 4))
    assert "has 4 layers" in said(large, "Gain")
    assert "+3.0 points, more than noise" in said(large, "Gain")
    uncertain = discussed(made_up((0.500, 0.505, 0.530, 0.505), (0.5,) * 4, (0.4,) * 4, std=0.05))
    assert "within noise" in said(uncertain, "Gain")


def test_depth_without_a_gain_is_said_to_have_none() -> None:
    worse = discussed(made_up((0.53, 0.52, 0.51, 0.50), (0.5,) * 4, (0.4,) * 4, equal=(0.53, 0.5, 0.5, 0.5)))
    assert "no deeper network is better after 6 epochs. The 2-layer network is the best" in said(
        worse, "Gain"
    )
    assert said(worse, "At equal parameters").endswith("no deeper network is better.")
    better = discussed(made_up((0.50, 0.5, 0.5, 0.5), (0.5,) * 4, (0.4,) * 4, equal=(0.5, 0.51, 0.55, 0.5)))
    assert said(better, "At equal parameters").endswith("depth alone adds +5.0 points.")


def test_initialisations_are_compared_depth_by_depth() -> None:
    findings = discussed(made_up((0.50, 0.52, 0.54, 0.56), (0.50, 0.50, 0.50, 0.50), (0.4,) * 4))
    sentence = said(findings, "Initialisation")
    assert "+0.0 points at 2 layers (noise), +2.0 points at 3 layers, +4.0 points at 4 layers" in sentence


def test_the_closest_fit_is_named_unless_it_is_noise() -> None:
    closer = discussed(made_up((0.50, 0.51, 0.52, 0.49), (0.5,) * 4, (0.4,) * 4))
    assert "60.0 % at 2, 61.0 % at 3, 62.0 % at 4, 59.0 % at 5 layers" in said(closer, "Capacity")
    assert "4 layers, with x 1.17 parameters, fit the training images better than 2 (+2.0 points)" in said(
        closer, "Capacity"
    )
    noise = discussed(made_up((0.50, 0.501, 0.5, 0.5), (0.5,) * 4, (0.4,) * 4))
    assert said(noise, "Capacity").endswith("3 layers are +0.1 points above 2, which is noise.")
    worse = discussed(made_up((0.50, 0.49, 0.48, 0.47), (0.5,) * 4, (0.4,) * 4))
    assert "no deeper net fits the training images better" in said(worse, "Capacity")


def test_a_gap_within_noise_is_not_called_overfitting() -> None:
    same = discussed(made_up((0.5, 0.5, 0.5, 0.5), (0.5,) * 4, (0.4,) * 4))
    assert said(same, "Overfitting").endswith("by more than noise.")
    rows = made_up((0.5, 0.5, 0.5, 0.5), (0.5,) * 4, (0.4,) * 4)
    for row in rows:
        if (row["initialisation"], row["layers"]) == ("he", 5):
            row["training_accuracy_mean"] += 0.05
    assert said(discussed(rows), "Overfitting").endswith("overfits more than the shallowest.")


def test_every_sentence_has_a_number() -> None:
    findings = discussed(made_up((0.5,) * 4, (0.49,) * 4, (0.1,) * 4, equal=(0.5,) * 4))
    assert len(findings) == 7
    assert all(any(character.isdigit() for character in sentence) for sentence in findings)


def test_one_seed_says_nothing_of_spread() -> None:
    rows = made_up((0.50, 0.51, 0.56, 0.52), (0.5,) * 4, (0.4,) * 4, std=0.0, seeds=1)
    sentences = discussed(rows)
    assert "has 4 layers, 56.0 % against 50.0 % of 2 layers" in said(sentences, "Gain")
    assert "with one seed each, the difference may be chance" in said(sentences, "Gain")
    assert not any("±" in sentence or "deviation" in sentence for sentence in sentences)
    assert str(study(rows, SIGNALS).best.validation) == "56.0 %"
    assert str(study(made_up((0.5,) * 4, (), (), std=0.01), []).best.validation) == "50.0 ± 1.0 %"


# Its figures


@pytest.mark.parametrize("equal", [(), (0.5, 0.51, 0.5, 0.49)])
def test_the_study_is_drawn(equal: tuple[float, ...], tmp_path: Path) -> None:
    rows = made_up((0.5, 0.51, 0.52, 0.5), (0.49,) * 4, (0.45, 0.1, 0.1, 0.1), equal=equal)
    write_json(tmp_path / "depth.json", {"rows": rows, "signal": SIGNALS})
    drawn = list(draw(Records(tmp_path)))
    assert [one.name for one in drawn] == ["depth", "signal"]
    assert ("equal parameters" in drawn[0].caption) == bool(equal)
    for path in write(drawn, tmp_path / "figures"):
        assert path.read_text().rstrip().endswith("</svg>")
