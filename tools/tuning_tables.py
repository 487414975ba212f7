"""What docs/tuning.md states of the committed search, made from its record."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fcnet.records import read_json
from fcnet.train.config import TrainConfig
from fcnet.tuning.figures import draw
from fcnet.tuning.status import in_words
from fcnet.wording import percent
from pages import wrapped

BEST = 8
"""Trials in the table."""

CAPTIONS = {
    "history": "The accuracy of each complete trial, and the best so far",
    "importance": "What mattered",
    "parallel": "Every complete trial as a line from its accuracy through the settings that mattered most",
}
"""Of the figures, in the order in which they are read."""


def tuning(record: Path) -> str:
    """The search in a paragraph, its best trials as a table, its figures."""
    search = read_json(record)
    base = TrainConfig.from_dict(search["base"], str(record))
    complete = [row for row in search["trials"] if row["state"] == "complete"]
    ranking = sorted(complete, key=lambda row: (-row["value"], row["number"]))
    lines = ["| trial | validation | seconds | what differs from the base |", "| ---: | ---: | ---: | --- |"]
    for row in ranking[:BEST]:
        settings = TrainConfig.from_dict(search["base"] | row["changed"], str(record))
        words = in_words(settings, base)
        lines.append(f"| {row['number']} | {percent(row['value'])} | {row['seconds']:.0f} | {words} |")
    figures = [f"![{text}](figures/search_{name}.svg)\n" for name, text in CAPTIONS.items()]
    return "\n".join([*wrapped(_told(search, complete, ranking[0])), "", *lines, "", *figures])


def _told(search: dict[str, Any], complete: list[dict[str, Any]], best: dict[str, Any]) -> str:
    counts, base = search["counts"], search["base"]
    done = len(complete) + counts["pruned"] + counts["diverged"]
    first = next((percent(row["value"]) for row in complete if row["base"]), "not complete")
    spread = math.sqrt(best["value"] * (1 - best["value"]) / base["validation"])
    machine = search["environment"]
    workers = "one worker" if search["workers"] == 1 else f"{search['workers']} workers"
    states = f"{len(complete)} complete, {counts['pruned']} pruned, {counts['diverged']} diverged"
    words = (
        f"{done} trials of {base['epochs']} epochs on {search['data']['label']}, {base['validation']:,}",
        f"images for validation: {states}; {search['seconds'] / 60:.0f} minutes of training in all,",
        f"by {workers} on {machine['cores']} cores of {machine['processor']}. The base has {first}, the best",
        f"{percent(best['value'])}; on this number of images an accuracy has a standard deviation",
        f"of {100 * spread:.1f} points, and luck favours the best of many trials.",
    )
    return " ".join(words)


def search_figures(record: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """Each figure's file name in docs/figures and its SVG; `folder` is for the work."""
    for path in draw(record, folder):
        if path.suffix == ".svg":
            yield f"search_{path.name}", path.read_text()
