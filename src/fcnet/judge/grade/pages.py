"""The page of the class and a page for each student: single files that need nothing else."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from fcnet.extras import jinja
from fcnet.files import write_atomically
from fcnet.judge.grade.graded import Graded
from fcnet.judge.grade.summary import frequencies, grades_csv, number

HERE = Path(__file__).parent

BANDS = 10
"""Parts into which the range of points is divided for the distribution."""


def write_pages(graded: Sequence[Graded], out: Path) -> list[Path]:
    """Write grades.csv, class.html and students/NAME.html into a folder; returns the first two.

    Raises
    ------
    RunError : they cannot be written
    """
    write_atomically(out / "grades.csv", grades_csv(graded))
    write_atomically(out / "class.html", class_page(graded))
    for one in graded:
        write_atomically(out / "students" / f"{one.name}.html", student_page(one))
    return [out / "grades.csv", out / "class.html"]


def class_page(graded: Sequence[Graded]) -> str:
    """The page of the class: points, mistakes by frequency, everybody."""
    mistakes = frequencies(graded)
    reached = [one.points for one in graded]
    return _rendered(
        "class.html",
        rubric=graded[0].rubric,
        graded=graded,
        verdicts=Counter(one.verdict for one in graded).most_common(),
        mean=sum(reached) / len(reached),
        bands=bands(reached, graded[0].rubric.total),
        stages=[
            (stage, full, sum(one.by_stage[stage] for one in graded) / len(graded))
            for stage, full in graded[0].rubric.points.items()
        ],
        errors=[kind for kind in mistakes if kind.severity == "error"],
        remarks=[kind for kind in mistakes if kind.severity != "error"],
    )


def student_page(one: Graded) -> str:
    """A student's page: the points above the page of the check, or alone where there was no check."""
    points = _rendered("student.html", one=one)
    if not one.page:
        return points
    (section,) = re.findall(r"<section.*</section>", points, flags=re.DOTALL)
    return re.sub(r"<body[^>]*>", lambda body: body[0] + section, one.page, count=1)


def bands(points: Sequence[float], total: float) -> list[tuple[str, int]]:
    """How many reach how many points: from, to, and the number, for `BANDS` equal parts of the range."""
    edges = [total * part / BANDS for part in range(BANDS + 1)]
    counts = Counter(min(int(BANDS * value / total), BANDS - 1) for value in points)
    return [
        (f"{number(round(low, 2))} to {number(round(high, 2))}", counts[part])
        for part, (low, high) in enumerate(pairwise(edges))
    ]


def _rendered(template: str, **told: Any) -> str:
    environment = jinja(HERE)
    environment.filters["number"] = number
    return environment.get_template(template).render(css=(HERE / "grade.css").read_text(), **told)
