"""Commands of the pages that are no tutorials run as printed, in a shell, where their names exist.

README, guide, first evening and grading have tests of their own, which follow them from top to bottom.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shell import session

DOCS = Path(__file__).resolve().parents[1] / "docs"

FILES = """
import numpy as np, pyarrow as pa, pyarrow.parquet as pq
rng = np.random.default_rng(0)
with open("adults.csv", "w") as file:
    print("age,job,income", file=file)
    for age in rng.integers(18, 80, 120):
        print(f"{age},{'baker' if age % 3 else 'nurse'},{'high' if age > 45 else 'low'}", file=file)
with open("new.csv", "w") as file:
    print("age,job\\n33,nurse\\n61,baker", file=file)
x = rng.standard_normal(400)
pq.write_table(pa.table({"x": x, "bought": (x > 0).astype(int)}), "clicks.parquet")
"""
"""What tables.md takes for granted."""

RUNS = """
for name in a b c; do
    fcnet train --recipe quick --epochs 1 --seed "$(printf %d "'$name")" --out "runs/$name"
done
fcnet data sample pictures
fcnet train --data pictures --recipe quick --epochs 1 --out runs/pictures
"""
"""What folding.md and explore.md take for granted."""

STAND_IN = {"RUN": "runs/pictures", "FOLDER": "pictures", "60": "2"}
"""What a reader puts in the place of a word in capitals; and two trials of a search instead of sixty."""

LEFT_OUT = {
    "python benchmarks/folding.py --data FOLDER": "an hour on CIFAR-10",
    "fcnet tune --out searches/here --recipe quick --storage postgresql://fcnet@server/tuning --study quick":
        "needs a server; tests/test_tune_postgresql.py has one",
    "fcnet tune --out searches/here --recipe quick --storage env:TUNING --study quick": "the same",
}  # fmt: skip
"""Commands that are not run here, and why."""

PAGES = ("folding", "tables", "explore", "tuning", "checking")


def printed(page: str) -> list[str]:
    """The commands of a page, in order, continued lines included."""
    text = (DOCS / f"{page}.md").read_text()
    found = re.findall(r"^(?:    )?((?:fcnet|python) (?:[^\n]*\\\n)*[^\n]*)$", text, flags=re.MULTILINE)
    return [command for command in found if re.match(r"fcnet (?!answers|writes)|python \S+\.py", command)]


def typed(command: str) -> str:
    """As a reader types it; a check of a file with gaps has the exit status 1."""
    words = re.sub(r"\b(?:RUN|FOLDER|60)\b", lambda found: STAND_IN[found[0]], command)
    return f"{words} || [ $? = 1 ]\n" if words.startswith("fcnet check") else f"{words}\n"


@pytest.mark.slow
def test_their_commands_run() -> None:
    for package in ("onnx", "PIL", "optuna", "pyarrow"):
        pytest.importorskip(package)
    commands = [command for page in PAGES for command in printed(page)]
    assert LEFT_OUT.keys() <= set(commands)
    chosen = [command for command in commands if command not in LEFT_OUT]
    outputs = session([("python", FILES), ("sh", RUNS), *(("sh", typed(one)) for one in chosen)])
    told = dict(zip(chosen, outputs[2:], strict=True))
    assert len(told) == 14
    assert "runs/quick-folded" in told["fcnet fold runs/quick --mirror --shift 1"]
    assert "2 trials" in told["fcnet tune --out searches/quick --resume"]


@pytest.mark.parametrize("page", PAGES)
def test_each_has_commands(page: str) -> None:
    assert printed(page)
