"""`fcnet check`: what is right and what is wrong in a student's own solution."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from fcnet.cli.options import Positional
from fcnet.wording import shown

if TYPE_CHECKING:
    from fcnet.judge import Report
    from fcnet.judge.cifar10 import Images
    from fcnet.judge.source import Source


@dataclass(frozen=True)
class Check:
    """Check your own two_layernet.py or ex2_pytorch.py: what is right, what is wrong, and where.

    The file runs in a separate process that cannot read or write your other files. The exit status is 0 if
    everything is right, and 1 if something is wrong or not written yet.

    Example: fcnet check two_layernet.py --hints 1
    """

    file: Annotated[Path, Positional("FILE")]
    """A .py file, a notebook whose cells hold the class, or a folder with both files."""
    hints: Literal[0, 1, 2, 3] = 3
    """How much to tell: 0 what fails, 1 also where it shows, 2 also which mistake and equation, 3 also
    what to think about."""
    json: bool = False
    """Print the whole report as one JSON object."""
    html: Path | None = None
    """Write an HTML page with your lines beside the findings."""
    scores: Literal["auto", "probabilities", "raw"] = "auto"
    """What your handout calls scores; auto recognises it."""
    penalty: Literal["auto", "reg", "half"] = "auto"
    """Your handout's penalty, reg or one-half reg times the squared norms; auto recognises it."""
    cifar10: bool = False
    """Also train on CIFAR-10 with the exercise's settings and compare the curve (about a minute)."""
    data: Path | None = None
    """Folder with CIFAR-10, for --cifar10; the usual places if not given."""
    isolation: Literal["auto", "require", "none"] = "auto"
    """auto isolates the file as far as the system can, require refuses to run without full isolation, none
    does not isolate it."""

    def run(self) -> int:
        from fcnet.cli.outputs import PAGE, check_output
        from fcnet.judge import Options, check_parts, merged

        check_output(self.html, "--html", [self.file], PAGE)
        options = Options(
            scores="" if self.scores == "auto" else self.scores,
            penalty="" if self.penalty == "auto" else self.penalty,
            isolation=self.isolation,
            images=self.images() if self.cifar10 else None,
        )
        parts = check_parts(self.file, options)
        whole = merged(str(self.file), [report for _, report in parts])
        if self.html is not None:
            from fcnet.judge.output.page import write_page

            write_page(self.html, parts, self.hints)
        if self.json:
            for note in whole.notes:
                if note.startswith("the submission is not fully isolated"):
                    print(f"warning: {shown(note)}", file=sys.stderr)
            print(whole.to_json(), end="")
        else:
            self.tell(parts)
        return 0 if whole.verdict == "right" else 1

    def images(self) -> Images:
        """CIFAR-10's pictures.

        Raises
        ------
        DataError : there is no CIFAR-10
        """
        from fcnet.cli.loading import load
        from fcnet.judge.cifar10 import images_of

        return images_of(load(self.data, require_cifar10=True))

    def tell(self, parts: list[tuple[Source, Report]]) -> None:
        """Print the report of each file."""
        from rich.console import Console

        from fcnet.judge.output.terminal import tell

        console = Console(highlight=False)
        for number, (source, report) in enumerate(parts):
            if number:
                console.print()
            tell(console, source, report, self.hints)
        if self.html is not None:
            console.print(f"\npage: {shown(self.html)}", markup=False, soft_wrap=True)
