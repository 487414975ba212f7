"""The documentation site: every page has its place, links fit it, and nothing on it needs a network."""

from __future__ import annotations

from pathlib import Path

import pytest

import documentation


def test_every_page_has_one_place_in_the_navigation(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = {*documentation.sources().values(), *(f"api/{name}.md" for name, _ in documentation.api())}
    found = documentation.placed(documentation.configuration()["project"]["nav"])
    assert sorted(found) == sorted(pages)
    monkeypatch.setitem(documentation.OTHERS, "docs/new.md", "new.md")
    (more,) = (entry["More"] for entry in documentation.configuration()["project"]["nav"] if "More" in entry)
    assert "new.md" in more


def test_links_lead_to_pages_of_the_site_or_become_text() -> None:
    text = (
        "[a](docs/runs.md#files) ![f](docs/figures/depth.svg) [code](src/fcnet/errors.py) "
        "`[b](docs/runs.md)`\n[w](https://example.org) [here](#start)"
    )
    assert documentation.relinked(text, "README.md", documentation.sources()) == (
        "[a](runs.md#files) ![f](figures/depth.svg) code `[b](docs/runs.md)`\n"
        "[w](https://example.org) [here](#start)"
    )
    notebook = documentation.relinked(
        "[d](../derivation.md)", "docs/notebooks/exercise.ipynb", documentation.sources()
    )
    assert notebook == "[d](../derivation.md)"


def test_formulas_are_set_and_code_is_left_alone() -> None:
    text = documentation.typeset("$x$ costs `$HOME`\n\n```math\ny\n```\n\n```sh\necho $A $B\n```\n")
    assert text.startswith("<span><math")
    assert '<div class="formula"><math' in text
    assert "`$HOME`" in text
    assert "echo $A $B" in text


def test_what_is_wrong_with_a_page_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<a href="b.html#there">x</a><a href="b.html#nowhere">x</a><a href="c.html">x</a>'
        '<script src="https://cdn.example.org/x.js"></script><a href="https://example.org">x</a>'
    )
    (tmp_path / "b.html").write_text('<h1 id="there">t</h1>')
    assert list(documentation.check(tmp_path)) == [
        "a.html links to b.html#nowhere, which has no such heading",
        "a.html links to c.html, which is not there",
        "a.html fetches https://cdn.example.org/x.js",
    ]
