"""`fcnet grade`: all submissions of a course."""

from __future__ import annotations

import itertools
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from fcnet.cli import tell
from fcnet.cli.options import Positional
from fcnet.errors import FcnetError
from fcnet.wording import shown

if TYPE_CHECKING:
    from fcnet.judge.grade import Course, Entry, Graded, Rubric


@dataclass(frozen=True)
class Grade:
    """Grade a course: points, a table, a page for the class and one for each student.

    Each folder, .py file, notebook or zip in FOLDER is one submission. A submission that has not
    changed since it was graded is not checked again. Without a rubric the points are the exercise's own.

    Example: fcnet grade submissions --out graded
    """

    folder: Annotated[Path, Positional("FOLDER")]
    """Folder or zip with the submissions, or one submission with --one and the options that imply it."""
    out: Path | None = None
    """Folder for the results; `graded` beside FOLDER if not given."""
    rubric: Path | None = None
    """TOML file with the points of each stage."""
    workers: int = 2
    """Submissions that are checked at the same time."""
    hints: Literal[0, 1, 2, 3] = 3
    """How much the students' pages say, as in fcnet check."""
    again: bool = False
    """Check unchanged submissions again."""
    isolation: Literal["auto", "require", "none"] = "auto"
    """auto isolates submissions as far as the system can, require refuses to run without full isolation, none
    does not isolate them."""
    one: bool = False
    """Treat FOLDER as one submission, and exit with status 1 unless it has all points."""
    gradescope: Path | None = None
    """Write Gradescope's results.json here; implies --one."""
    prairielearn: Path | None = None
    """Write PrairieLearn's results.json here; implies --one."""
    annotations: bool = False
    """Print annotations for GitHub Actions; implies --one."""

    def run(self) -> int:
        from fcnet.cli.outputs import check_output
        from fcnet.judge.grade import read_rubric
        from fcnet.judge.grade.entries import one_entry
        from fcnet.judge.isolation import warning, what_is_held
        from fcnet.validation import check_positive

        check_positive(workers=self.workers)
        inputs = [self.folder] if self.rubric is None else [self.folder, self.rubric]
        check_output(self.gradescope, "--gradescope", inputs, (".json",))
        check_output(self.prairielearn, "--prairielearn", inputs, (".json",))
        rubric = read_rubric(self.rubric)
        with tempfile.TemporaryDirectory() as folder:
            scratch = Path(folder)
            entries = [one_entry(self.folder)] if self.single else self._found(self._unpacked(scratch))
            if not_all := warning(what_is_held(self.isolation)):
                print(shown(not_all), file=sys.stderr)
            if not self.single:
                return self._grade_all(entries, rubric)
            (graded,) = self._graded(entries, self.out or scratch, rubric).graded
            return self._tell(graded)

    @property
    def single(self) -> bool:
        """Whether FOLDER is one submission."""
        return self.one or self.annotations or self.gradescope is not None or self.prairielearn is not None

    def _unpacked(self, scratch: Path) -> Path:
        """The folder with the submissions; that of a learning platform's zip lies in `scratch`."""
        from fcnet.judge.grade.archive import COURSE_BYTES, COURSE_FILES, unpack
        from fcnet.judge.grade.entries import moodle

        if self.folder.suffix.lower() != ".zip" or not self.folder.is_file():
            return self.folder
        course = scratch / "course"
        course.mkdir()
        unpack(self.folder, course, COURSE_FILES, COURSE_BYTES)
        inside = list(course.iterdir())
        wrapped = len(inside) == 1 and inside[0].is_dir() and moodle(inside[0].name) == inside[0].name
        return inside[0] if wrapped else course

    def _found(self, folder: Path) -> list[Entry]:
        """The submissions in a folder; what is passed over is told."""
        from fcnet.judge.grade.entries import find_entries, passed_over

        entries = find_entries(folder)
        if told := passed_over(folder, entries):
            tell(f"not graded: {told}")
        return entries

    def _graded(self, entries: list[Entry], out: Path, rubric: Rubric) -> Course:
        from fcnet.judge.check import Options
        from fcnet.judge.grade import grade_course

        count = itertools.count(1)

        def told(graded: Graded) -> None:
            """Print a line of a course for a submission that is done."""
            if not self.single:
                points = f"{graded.points:g} of {graded.rubric.total:g}"
                line = (
                    f"{next(count):4d} of {len(entries)}  {graded.shown}: {points} points, {graded.verdict}"
                )
                tell(f"{line}, {graded.problem}" if graded.problem else line, sys.stdout)

        options = Options(isolation=self.isolation)
        return grade_course(entries, out, options, rubric, self.workers, self.again, told, hints=self.hints)

    def _grade_all(self, entries: list[Entry], rubric: Rubric) -> int:
        """Grade a course, and write its table and its pages."""
        from fcnet.judge.grade.pages import write_pages

        folder = self.folder.resolve()
        out = self.out or folder.with_name("graded")
        if out.resolve().is_relative_to(folder):  # they would be submissions the next time
            raise FcnetError(f"{out} lies in the folder with the submissions, choose another with --out")
        for name in ("submissions", "students"):  # the folders of the results
            if (out / name).resolve().is_relative_to(folder):
                raise FcnetError(
                    f"{out} would get its results into {self.folder}, choose another folder with --out"
                )
        if (out / "grades.csv").exists() and not (out / "submissions").is_dir():
            raise FcnetError(
                f"{out / 'grades.csv'} is not of an earlier grading, move it or choose another folder "
                f"with --out"
            )
        course = self._graded(entries, out, rubric)
        table, page = write_pages(course.graded, out)
        if course.reused:
            tell(f"{course.reused} of {len(entries)} unchanged since they were graded", sys.stdout)
        tell(f"marks in {table}, the class in {page}", sys.stdout)
        return 0

    def _tell(self, graded: Graded) -> int:
        """Write and print what platforms read; the exit status says whether all points are reached."""
        from fcnet.judge.grade import platforms
        from fcnet.records import write_json

        if self.gradescope is not None:
            write_json(self.gradescope, platforms.gradescope(graded))
        if self.prairielearn is not None:
            write_json(self.prairielearn, platforms.prairielearn(graded))
        lines = platforms.github(graded) if self.annotations else platforms.plain(graded)
        print(*map(shown, lines), sep="\n")
        return 0 if graded.full else 1
