"""The report page: complete, honest about what is missing, safe whatever stands in a run folder."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mathfont
from fcnet.data.dataset import Dataset
from fcnet.errors import RunError
from fcnet.records import read_json, write_json
from fcnet.report.figures import draw
from fcnet.report.markdown import Markdown, escape, missing, table
from fcnet.report.page.html import write_report
from fcnet.report.page.render import MATH_FONT, to_html
from fcnet.report.reading import Records
from fcnet.report.sections import SECTIONS
from fcnet.report.story import Section, Story, told

from .conftest import EMPTY
from .test_figures import make, tiny

EVIL = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style>", "{{ 7 * 7 }}", "--><b>")

PYTORCH: dict[str, Any] = {
    "two_layer": {
        "validation_accuracy": 0.5123, "training_accuracy": 0.66, "training_seconds": 9.1,
        "engine": {"precision": "bfloat16"},
        "numpy": {"validation_accuracy": 0.51, "training_accuracy": 0.65, "training_seconds": 8.0},
    },
    "best": {"layers": 3, "initialisation": "he<i>", "validation_accuracy": 0.55, "test_accuracy": 0.5432},
}  # fmt: skip


def study() -> dict[str, Any]:
    """A study of depth in little, with an initialisation that is markup."""
    row = {
        "budget": "width", "width": 256, "parameters": 12345, "seeds": [0, 1, 2], "seconds": 10.0,
        "epochs": 2, "validation_images": 500, "training_accuracy_mean": 0.61, "training_accuracy_std": 0.012,
        "validation_accuracy_mean": 0.543, "validation_accuracy_std": 0.004,
    }  # fmt: skip
    nets = [(layers, how) for how in ("he", "1e-3", "he<i>") for layers in (2, 3)]
    signal = {"activations": [0.5, 0.6], "gradients": [0.1, 0.2], "dead": [0.0]}
    return {
        "rows": [row | {"layers": layers, "initialisation": how} for layers, how in nets],
        "signal": [signal | {"layers": layers, "initialisation": how} for layers, how in nets],
    }


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
    accuracies = {
        "validation_accuracy": run["metrics"]["val_accuracy"], "test_accuracy": 0.4321,
        "training_seconds": 1.5,
    }  # fmt: skip
    results = {
        "quick": True,
        "dataset": {"name": "tiny"},
        "toy": toy,
        "default": accuracies,
        "tuned": accuracies,
    }
    write_json(out / "results.json", results | {"pytorch": PYTORCH})
    write_json(out / "reproduction.json", {})
    write_json(out / "depth.json", study())
    return out


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "out"))


def read(folder: Path, data: Dataset | None = None) -> Reader:
    return Reader(write_report(folder, data).read_text())


@pytest.fixture(scope="module")
def page(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """The whole page, its figures drawn."""
    return Reader(write_report(made, dataset(), tmp_path_factory.mktemp("drawn") / "page.html").read_text())


@pytest.fixture(scope="module")
def words(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """The page without the data set, its figures empty."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fcnet.report.figures.svg", lambda figure: EMPTY)
        return Reader(write_report(made, out=tmp_path_factory.mktemp("words") / "page.html").read_text())


def test_the_page_is_one_file_with_every_section(page: Reader) -> None:
    assert page.open == []
    anchors = [attributes["id"] for tag, attributes in page.tags if tag == "section"]
    assert anchors == [
        "summary", "toy", "derivation", "audit", "training", "data", "default", "tuned", "pytorch", "depth",
        "where",
    ]  # fmt: skip
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert links == [f"#{anchor}" for anchor in anchors]
    assert sum(tag == "math" for tag, _ in page.tags) > 50
    assert "NOT PROVED" not in page.text
    assert page.text.count("in code ✓") == 24
    assert page.text.count("Proved") == 1
    assert not re.search(
        r"\*\*(?!2)|\$", page.text.partition("Before you start")[2].partition("The gradients, audited")[0]
    )


def test_nothing_of_a_run_folder_becomes_markup(page: Reader) -> None:
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert [tag for tag, _ in page.tags].count("style") == 1
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("src", "href", "xlink:href"):
            assert re.match(r"#|data:|$", attributes.get(name, "")), attributes[name][:80]
    for name in EVIL:
        assert name in page.text
    assert "49" not in page.text.partition("{{")[2][:12]
    assert "N(0, he<i>)" in page.text


def test_no_two_elements_share_an_identifier(page: Reader) -> None:
    found = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(found) == len(set(found))


def test_numbers_are_those_of_the_records(out: Path, words: Reader) -> None:
    text = words.text
    for run in ("default", "tuned"):
        metrics = read_json(out / run / "record.json")["metrics"]
        assert f"validation accuracy {100 * metrics['val_accuracy']:.1f} %" in text
    record = read_json(out / "tuned" / "record.json")
    for fact in (record["environment"]["commit"], record["data"]["sha256"], record["environment"]["python"]):
        assert fact in text
    for fact in (
        "The best network by its mean has 3 layers",
        "43.2 %",
        "51.2 %",
        "61.0 ± 1.2 %",
        "54.3 ± 0.4 %",
        "12,345",
        "The test set was used once.",
    ):
        assert fact in text


@pytest.mark.usefixtures("undrawn")
def test_pictures_and_mistakes_are_embedded_where_the_data_can_be_had(out: Path, words: Reader) -> None:
    page = read(out, dataset())
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) > len(EVIL)
    assert all(image["src"].startswith("data:image/png;base64,") and image["alt"] for image in images)
    assert "20 test images are classified wrongly" in page.text
    assert [tag for tag, _ in words.tags].count("img") == 0
    assert "Images of the data set are not shown" in words.text
    assert "Mistakes are not shown" in words.text


@pytest.mark.usefixtures("undrawn")
def test_other_data_than_the_run_learned_from_shows_no_mistakes(out: Path) -> None:
    record = read_json(out / "tuned" / "record.json")
    record["data"]["sha256"] = "f" * 64
    (out / "tuned" / "SHA256SUMS").unlink()
    write_json(out / "tuned" / "record.json", record)
    assert "Mistakes are not shown" in read(out, dataset()).text


@pytest.mark.usefixtures("undrawn")
def test_an_unused_test_set_stays_unused(out: Path) -> None:
    (out / "tuned" / "test.json").unlink()
    text = read(out, dataset()).text
    assert "the test set was not used" in text
    assert "20 validation images are classified wrongly" in text
    assert not (out / "tuned" / "test.json").exists()


@pytest.mark.usefixtures("undrawn")
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
def test_what_is_missing_is_said_to_be_missing(missing: str, said: str, out: Path, words: Reader) -> None:
    if missing != "ladder.json":
        assert said not in words.text
    (out / missing).unlink(missing_ok=True)
    assert said in read(out).text


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    "name",
    [
        "results.json",
        "toy.json",
        "default/record.json",
        "default/diagnosis.json",
        "tuned/record.json",
        "tuned/test.json",
        "depth.json",
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


@pytest.mark.usefixtures("undrawn")
def test_a_section_without_content_is_left_out_and_the_first_says_why(out: Path) -> None:
    records = Records(out)
    sections = told(Story(records, {one.name: one for one in draw(records)}, page=True))
    assert "search" not in sections
    assert "data" not in sections
    assert "no ladder from the default settings" in sections["summary"][1]
    assert "Images of the data set are not shown" in sections["summary"][1]


def test_the_font_has_every_character_of_the_formulas() -> None:
    pytest.importorskip("fontTools")
    from fontTools.ttLib import TTFont

    font = TTFont(MATH_FONT)
    drawn = font.getBestCmap()
    assert not [c for c in mathfont.characters() if ord(c) not in drawn], "run tools/mathfont.py again"
    assert "MATH" in font  # what stretches braces and puts limits above and below a sum
    assert MATH_FONT.stat().st_size < 150_000
    assert "SIL OPEN FONT LICENSE" in MATH_FONT.with_name("mathfont-OFL.txt").read_text()
    assert str(font["name"].getName(1, 3, 1)) == mathfont.NAME  # a changed version needs another name


@pytest.mark.usefixtures("undrawn")
def test_a_single_run_has_a_report_of_its_own(out: Path) -> None:
    page = read(out / "tuned", dataset())
    assert [attributes["id"] for tag, attributes in page.tags if tag == "section"] == [
        "data", "tuned", "derivation", "where"
    ]  # fmt: skip
    assert "the tuned run" not in page.text
    assert "How this run classifies the test examples" in page.text


def test_a_run_that_is_not_finished_is_named(out: Path) -> None:
    (out / "tuned" / "record.json").unlink()
    with pytest.raises(RunError, match=r"record\.json is missing"):
        write_report(out / "tuned")


def test_curves_carry_their_points(page: Reader) -> None:
    plots = [json.loads(a["data-panels"]) for _, a in page.tags if a.get("class") == "plot"]
    curves = {curve["name"] for panels in plots for panel in panels for curve in panel["curves"]}
    assert {"training", "validation", "training loss", "W1", "b2", "default", "tuned"} <= curves
    for panel in (panel for panels in plots for panel in panels):
        assert all(0 <= side <= 1 for side in panel["box"])
        assert all(len(curve["x"]) == len(curve["y"]) > 0 for curve in panel["curves"])


@pytest.mark.usefixtures("undrawn")
def test_the_document_tells_the_same_and_shows_no_image_of_the_data(out: Path) -> None:
    records = Records(out)
    story = Story(records, {one.name: one for one in draw(records)}, page=False)
    page = "\n".join(text for _, text in told(story).values())
    assert "43.2 %" in page
    assert "61.0 ± 1.2 %" in page
    assert "data" not in told(story)
    assert set(re.findall(r"\]\((.*?)\)", page)) - {"derivation.md"} == {
        f"figures/{name}.svg"
        for name in (
            "overview", "gradient_error", "toy_training", "default_run", "default_weights", "tuned_curves",
            "tuned_weights", "confusion", "depth", "signal",
        )
    }  # fmt: skip
    assert not re.search(r"<\w", page)


def test_mathematics_is_kept_apart_from_markdown() -> None:
    html = to_html("**where $a*b*c$ is** & `x < *y*`\n\n```math\n\\frac{1}{N}\n x\n```\n\nhalf: 5$")
    assert html.startswith("<p><strong>where <math")
    assert "&amp; <code>x &lt; *y*</code></p>" in html
    assert '<div class="formula" tabindex="0"><math' in html
    assert "half: 5$" in html
    assert "<em>" not in html


HOSTILE = (
    *EVIL, "# a", "- a", "+ a", "1. a", "2) a", "---", "===", "> a", "![a](b)", "[a](javascript:b)", "`a`",
    "```math\nx\n```", "$x$", "~~a~~", "*a* _b_", "a|b", "a\\|b", "a\\", "&amp;", "<http://a.b>", "    code",
    "figures/overview.svg", ":--", "~~~",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_wherever_it_stands(text: str) -> None:
    """As a paragraph, within one, in a cell: a reader sees what was there, and no markup comes of it."""
    said = " ".join(text.split())
    for markdown, frame in (
        (escape(text), "{}"),
        (Markdown(f"before {escape(text)} after"), "before {} after"),
        (table(("a", "b"), [(text, "end")]), "a b {} end"),
        (missing(text), "This run has no {}."),
    ):
        page = Reader(to_html(markdown))
        assert " ".join(page.text.split()) == frame.format(said)
        assert {tag for tag, _ in page.tags} <= {
            "p", "blockquote", "div", "table", "thead", "tbody", "tr", "th", "td"
        }  # fmt: skip


@given(st.text())
def test_any_text_stays_text(text: str) -> None:
    page = Reader(to_html(escape(text)))
    assert page.text.split() == text.replace("\0", "\N{REPLACEMENT CHARACTER}").split()


@pytest.mark.usefixtures("undrawn")
def test_a_section_of_a_users_own(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hardest(story: Story) -> str:
        test = story.records.test
        assert test is not None
        rows = [
            (name, row[n]) for n, (name, row) in enumerate(zip(test.classes, test.confusion, strict=True))
        ]
        return table(("class", "right"), rows)

    monkeypatch.setitem(SECTIONS, "hardest", Section("The hardest class", hardest))
    page = read(out)
    assert "The hardest class" in page.text
    assert [attributes["id"] for tag, attributes in page.tags if tag == "section"][-1] == "hardest"
    monkeypatch.setitem(SECTIONS, "hardest", Section("The hardest class", lambda story: ""))
    assert "The hardest class" not in read(out).text
