"""The report page: complete, honest about what is missing, safe whatever stands in a run folder."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from fcnet.data.dataset import Dataset
from fcnet.errors import RunError
from fcnet.records import read_json, write_json
from fcnet.report.page.html import write_report
from fcnet.report.page.markdown import report_page
from fcnet.report.page.prose import prose
from fcnet.report.page.source import Source

from .test_figures import make, tiny

EVIL = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style>", "{{ 7 * 7 }}", "--><b>")

PYTORCH: dict[str, Any] = {
    "two_layer": {"validation_accuracy": 0.5123},
    "depth": [
        {
            "budget": "epochs", "layers": 3, "initialisation": "he<i>", "training_accuracy_mean": 0.61,
            "training_accuracy_std": 0.012, "validation_accuracy_mean": 0.543,
            "validation_accuracy_std": 0.004, "parameters": 12345, "seeds": 3, "seconds": 10.0,
        }
    ],
    "best": {"layers": 3, "validation_accuracy": 0.55, "test_accuracy": 0.5432},
    "discussion": ["Deeper is <script>not</script> always better."],
}  # fmt: skip


class Reader(HTMLParser):
    """What a browser would see: tags with attributes, text, and that nothing is left open."""

    VOID = ("meta", "link", "img", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.text += data


def dataset() -> Dataset:
    return tiny(EVIL)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = make(tmp_path_factory.mktemp("page") / "out", dataset())
    toy, run = read_json(out / "toy.json"), read_json(out / "tuned" / "record.json")
    accuracies = {"validation_accuracy": run["metrics"]["val_accuracy"], "test_accuracy": 0.4321}
    results = {
        "quick": True,
        "dataset": {"name": "tiny"},
        "toy": toy,
        "default": accuracies,
        "tuned": accuracies,
    }
    write_json(out / "results.json", results | {"pytorch": PYTORCH})
    write_json(out / "reproduction.json", {})
    return out


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "out"))


def read(folder: Path, data: Dataset | None = None) -> Reader:
    return Reader(write_report(folder, data).read_text())


def test_the_page_is_one_file_with_every_section(out: Path) -> None:
    page = read(out, dataset())
    assert page.open == []
    anchors = [attributes["id"] for tag, attributes in page.tags if tag == "section"]
    assert anchors == [
        "summary", "toy", "derivation", "audit", "training", "data", "default", "tuned", "search", "pytorch",
        "depth", "speed", "where",
    ]  # fmt: skip
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert links == [f"#{anchor}" for anchor in anchors]
    assert sum(tag == "math" for tag, _ in page.tags) > 50
    assert "NOT PROVED" not in page.text
    assert page.text.count("Proved: ") == 24
    assert not re.search(
        r"\*\*(?!2)|\$", page.text.partition("Before you start")[2].partition("The gradients, audited")[0]
    )


def test_nothing_of_a_run_folder_becomes_markup(out: Path) -> None:
    page = read(out, dataset())
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert [tag for tag, _ in page.tags].count("style") == 1 + sum(tag == "svg" for tag, _ in page.tags)
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("src", "href", "xlink:href"):
            assert re.match(r"#|data:|$", attributes.get(name, "")), attributes[name][:80]
    for name in EVIL:
        assert name in page.text
    assert "49" not in page.text.partition("{{")[2][:12]
    assert "not</script>" in page.text


def test_no_two_elements_share_an_identifier(out: Path) -> None:
    found = [attributes["id"] for _, attributes in read(out, dataset()).tags if "id" in attributes]
    assert len(found) == len(set(found))


def test_numbers_are_those_of_the_records(out: Path) -> None:
    text = read(out).text
    for run in ("default", "tuned"):
        metrics = read_json(out / run / "record.json")["metrics"]
        assert f"validation accuracy {100 * metrics['val_accuracy']:.1f} %" in text
    record = read_json(out / "tuned" / "record.json")
    for fact in (record["environment"]["commit"], record["data"]["sha256"], record["environment"]["python"]):
        assert fact in text
    for fact in ("43.2 %", "51.2 %", "61.0 ± 1.2 %", "54.3 ± 0.4 %", "12,345", "The test set was used once."):
        assert fact in text


def test_pictures_and_mistakes_are_embedded_where_the_data_can_be_had(out: Path) -> None:
    page = read(out, dataset())
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) > len(EVIL)
    assert all(image["src"].startswith("data:image/png;base64,") and image["alt"] for image in images)
    assert "20 test images are classified wrongly" in page.text
    without = read(out)
    assert [tag for tag, _ in without.tags].count("img") == 0
    assert "Images of the data set are not shown" in without.text
    assert "Mistakes are not shown" in without.text


def test_other_data_than_the_run_learned_from_shows_no_mistakes(out: Path) -> None:
    record = read_json(out / "tuned" / "record.json")
    record["data"]["sha256"] = "f" * 64
    (out / "tuned" / "SHA256SUMS").unlink()
    write_json(out / "tuned" / "record.json", record)
    assert "Mistakes are not shown" in read(out, dataset()).text


def test_an_unused_test_set_stays_unused(out: Path) -> None:
    (out / "tuned" / "test.json").unlink()
    text = read(out, dataset()).text
    assert "the test set was not used" in text
    assert "20 validation images are classified wrongly" in text
    assert not (out / "tuned" / "test.json").exists()


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("results.json", "This run has no results.json"),
        ("toy.json", "This run has no gradient audit."),
        ("default/record.json", "This run has no finished default run."),
        ("default/diagnosis.json", "This run has no diagnosis of the default run."),
        ("tuned/record.json", "This run has no finished tuned run."),
        ("tuned/history.jsonl", "This run has no curves of the tuned run."),
        ("ladder.json", "This run has no ladder from the default settings"),
    ],
)
def test_what_is_missing_is_said_to_be_missing(missing: str, said: str, out: Path) -> None:
    if missing != "ladder.json":
        assert said not in read(out).text
    (out / missing).unlink(missing_ok=True)
    assert said in read(out).text


@pytest.mark.parametrize(
    "name",
    [
        "results.json",
        "toy.json",
        "default/record.json",
        "default/diagnosis.json",
        "tuned/record.json",
        "tuned/test.json",
    ],
)
@pytest.mark.parametrize("damage", ["cut", "emptied"])
def test_a_broken_file_is_named_and_no_page_is_written(name: str, damage: str, out: Path) -> None:
    content = (out / name).read_text()
    (out / name).write_text(content[: len(content) // 2] if damage == "cut" else '{"toy": 1, "format": 1}')
    with pytest.raises(RunError, match=re.escape(str(out / name))) as caught:
        write_report(out)
    assert "\n" not in str(caught.value)
    assert not (out / "report.html").exists()


def test_a_single_run_has_a_report_of_its_own(out: Path) -> None:
    page = read(out / "tuned", dataset())
    assert [attributes["id"] for tag, attributes in page.tags if tag == "section"] == [
        "data", "tuned", "derivation", "where"
    ]  # fmt: skip
    assert "the tuned run" not in page.text
    assert "this run's test images" in page.text


def test_a_run_that_is_not_finished_is_named(out: Path) -> None:
    (out / "tuned" / "record.json").unlink()
    with pytest.raises(RunError, match=r"record\.json is missing"):
        write_report(out / "tuned")


def test_curves_carry_their_points(out: Path) -> None:
    plots = [json.loads(a["data-panels"]) for _, a in read(out).tags if a.get("class") == "plot"]
    curves = {curve["name"] for panels in plots for panel in panels for curve in panel["curves"]}
    assert {"training", "validation", "training loss", "W1", "b2", "default", "tuned"} <= curves
    for panel in (panel for panels in plots for panel in panels):
        assert all(0 <= side <= 1 for side in panel["box"])
        assert all(len(curve["x"]) == len(curve["y"]) > 0 for curve in panel["curves"])


def test_the_markdown_page_tells_the_same_and_shows_no_image_of_the_data(out: Path) -> None:
    page = report_page(Source(out), "figures")
    assert "43.2 %" in page
    assert "61.0 ± 1.2 %" in page
    assert "![" in page
    assert set(re.findall(r"\]\((.*?)\)", page)) - {"derivation.md"} == {
        f"figures/{name}.svg"
        for name in (
            "overview", "gradient_error", "toy_training", "default_run", "default_weights", "tuned_curves",
            "tuned_weights", "confusion",
        )
    }  # fmt: skip
    assert not re.search(r"<\w", page)


def test_prose_keeps_mathematics_apart_from_markdown() -> None:
    html = prose("**where $a*b*c$ is** & `x < *y*`\n\n$$ \\frac{1}{N}\n x $$")
    assert html.startswith("<p><strong>where <math")
    assert "&amp; <code>x &lt; *y*</code></p>" in html
    assert '<div class="formula"><math' in html
    assert "\x00" not in html
    assert "<em>" not in html
