"""What docs/tables.md says that odd tables get is what they get."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from .conftest import fcnet, write_pictures

pytest.importorskip("pyarrow")

ROOT = Path(__file__).parents[2]

Given = Callable[[], tuple[str, ...]]
"""Makes the table, and returns the options."""


def documented() -> dict[str, tuple[str, str]]:
    """What happens and the words, by what is given."""
    lines = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return {given: (happens, words.strip("`")) for given, happens, words in rows[2:]}


def lines(columns: str = "size,colour,class") -> list[str]:
    """40 rows of two classes."""
    rng = np.random.default_rng(0)
    sizes = rng.normal(0, 1, 40).round(3)
    return [columns, *(f"{sizes[i]},{('red', 'blue')[i % 2]},{('no', 'yes')[i % 2]}" for i in range(40))]


def with_column(name: str, value: Callable[[int], object]) -> list[str]:
    """The same with one more column, the first."""
    header, *rows = lines()
    return [f"{name},{header}", *(f"{value(place)},{row}" for place, row in enumerate(rows))]


def changed(*changes: tuple[int, str, str]) -> list[str]:
    """The same with a pattern replaced in some lines."""
    rows = lines()
    for place, pattern, new in changes:
        rows[place] = re.sub(pattern, new, rows[place])
    return rows


def csv(rows: list[str], *options: str, target: str | None = "class", encoding: str = "utf-8") -> Given:
    def make() -> tuple[str, ...]:
        Path("own.csv").write_bytes("".join(f"{row}\n" for row in rows).encode(encoding))
        return ("own.csv", *(() if target is None else ("--target", target)), *options)

    return make


def content(name: str, data: bytes) -> Given:
    return lambda: (Path(name).write_bytes(data), (name, "--target", "class"))[1]


def large() -> tuple[str, ...]:
    """A file that takes no space on the disk."""
    options = csv(lines())()
    with Path("own.csv").open("ab") as file:
        file.truncate(1 << 40)
    return options


def infinite() -> tuple[str, ...]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    size = np.random.default_rng(0).normal(0, 1, 40)
    size[3] = np.inf
    pq.write_table(pa.table({"size": size, "class": np.arange(40) % 2}), "own.parquet")
    return "own.parquet", "--target", "class"


def twice(*labels: str) -> Given:
    """The same 40 rows again, under these classes if there are some."""
    rows = lines()
    again = [re.sub("(no|yes)$", labels[0], row) for row in rows[1:2]] if labels else rows[1:]
    return csv(rows + again)


def counts() -> list[str]:
    return with_column("count", lambda i: i % 25)


def pictures() -> tuple[str, ...]:
    write_pictures(Path("own"), each=6)
    return "own", "--target", "class"


CASES: dict[str, Given] = {
    "no `--target`": csv(lines(), target=None),
    "a target that is not there": csv(lines(), target="Clas"),
    "a target of many whole numbers": csv(counts(), target="count"),
    "a target of measurements": csv(lines(), target="size"),
    "a target that differs in every row": csv(with_column("name", lambda i: f"n {i}"), target="name"),
    "a class name of 600 characters": csv(changed(*((place, "yes$", "y" * 600) for place in range(1, 41)))),
    "a target of one class": csv([lines()[0], *lines()[1::2]]),
    "rows without a class": csv(changed(*((place, "(no|yes)$", "") for place in (3, 8, 9)))),
    "missing values": csv(changed((4, "^[^,]*", ""), (6, "^[^,]*", " NA "), (7, "(red|blue)", "?"))),
    "missing values, `--missing error`": csv(changed((4, "^[^,]*", "")), "--missing", "error"),
    "missing values, `--missing drop`": csv(
        changed((4, "^[^,]*", ""), (6, "^[^,]*", " NA "), (7, "(red|blue)", "?")), "--missing", "drop"
    ),
    "the same rows in the training and the test part": twice(),
    "the same row under two classes": twice("yes"),
    "more rows than memory": large,
    "row numbers": csv(with_column("", lambda i: i)),
    "dates": csv(with_column("day", lambda i: f"2026-01-{i % 28 + 1:02}")),
    "names or other text that differs": csv(with_column("name", lambda i: f"n {i}")),
    "a column of one value": csv(with_column("source", lambda i: "web")),
    "an empty column": csv(with_column("note", lambda i: "")),
    "nothing to learn from": csv(["source,class", *(f"web,{i % 2}" for i in range(40))]),
    "the target alone": csv(["class", *(str(i % 2) for i in range(40))]),
    "no line of names": csv(["0.5,1", *(f"{i}.25,{i % 2}" for i in range(40))]),
    "numbers with a few words among them": csv(changed((9, "^[^,]*", "large"))),
    "a number of infinity, Parquet": infinite,
    "two columns of one name": csv(lines("size, size ,class")),
    "an empty file": csv([]),
    "names and no rows": csv(lines()[:1]),
    "ragged rows": csv(changed((4, ",(no|yes)$", ""))),
    "a quote without end": csv(changed((9, "^", '"'))),
    "a quote without end in the last column": csv(changed((9, "(no|yes)$", r'"\1'))),
    "Latin-1": csv(changed((9, "red|blue", "brün")), encoding="latin-1"),
    "a picture named `.csv`": content("own.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(100)),
    "a damaged Parquet file": content("own.parquet", b"PAR1" + bytes(100) + b"PAR1"),
    "a dropped column that is not there": csv(lines(), "--drop-columns", "colr"),
    "`--target` for pictures": pictures,
    "`--image-size` for a table": csv(lines(), "--image-size", "8"),
}


@pytest.mark.parametrize("given", CASES)
def test_odd_tables_get_what_the_document_says(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    happens, words = documented()[given]
    options = CASES[given]()
    status, out, err = fcnet(
        capsys, "train", "--out", "run", "--hidden", "4", "--epochs", "1", "--data", *options
    )
    pattern = ".*".join(re.escape(part) for part in words.split("…"))
    if happens == "error":
        assert (status, len(err)) == (2, 1), (out, err)
        assert re.fullmatch(f"error: {pattern}", err[0]), err[0]
        assert not Path("run").exists() or not list(Path("run").iterdir())
        return
    assert (status, err) == (0, [])
    assert re.search(f"; {pattern}", out[0]), out[0]
    assert re.search(pattern, Path("run/record.json").read_text(encoding="utf-8"))


def test_every_line_of_the_table_has_a_case() -> None:
    assert list(documented()) == list(CASES)
