"""A report on the terminal, readable at 80 columns."""

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fcnet.judge.catalogue import phrases
from fcnet.judge.output.words import by_stage, handout_text, rows_of, severity_word, something
from fcnet.judge.report import Finding, Report, Stage
from fcnet.judge.source import Source
from fcnet.wording import shown

MARKS = {
    "right": ("✓", "green"),
    "wrong": ("✗", "red"),
    "unfinished": ("…", "yellow"),
    "not reached": ("·", "dim"),
}
AROUND = 1
"""Lines of the student's code that are shown above and below."""


def tell(console: Console, source: Source, report: Report, hints: int) -> None:
    """Print the report of one file.

    Parameters
    ----------
    console : where to
    source, report : the student's text, and what was found in it
    hints : 0 what fails, 1 where it shows, 2 which mistake and equation, 3 what to think about
    """
    words = phrases()
    console.print(Text(f"{shown(report.file)}: {words[report.verdict]}", style="bold"))
    console.print(Text(words[f"verdict {report.verdict}"]))
    if handout := handout_text(report):
        console.print(Text(handout))
    console.print()
    console.print(stage_table(report.stages))
    for stage, findings in by_stage(report.findings).items():
        console.print()
        console.print(Text(words.get(stage, stage), style="bold underline"))
        if hints == 0:
            console.print(inset(Text(something(findings)), 2))
            continue
        for finding in findings:
            tell_finding(console, source, finding, hints)
    for note in report.notes:
        console.print()
        console.print(Text(f"Note: {shown(note)}", style="dim"))


def stage_table(stages: Sequence[Stage]) -> Table:
    """The stages with their verdicts and points."""
    words = phrases()
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column()
    table.add_column()
    table.add_column(justify="right")
    for stage in stages:
        mark, style = MARKS[stage.verdict]
        points = f"{stage.points:g} of {stage.of:g}" if stage.of else ""
        table.add_row(
            Text(mark, style=style),
            words.get(stage.stage, stage.stage),
            Text(words[stage.verdict], style=style),
            points,
        )
    return table


def tell_finding(console: Console, source: Source, finding: Finding, hints: int) -> None:
    """Print one finding."""
    words = phrases()
    error = finding.severity == "error"
    if hints >= 2:
        head = Text(finding.code, style="bold red" if error else "bold yellow")
        head.append(f"  {severity_word(finding)}", style="dim")
    else:
        head = Text(something([finding]), style="red" if error else "yellow")
    if finding.line is not None:
        head.append(f"  {source.where(finding.line)}", style="cyan")
    console.print(inset(head, 2))
    if hints >= 2:
        told = finding.message + (f" ({shown(finding.detail)})" if finding.detail else "")
        console.print(inset(Text(told)))
    if finding.line is not None:
        console.print(inset(code(source, finding.line)))
    rows = rows_of(finding.shown)
    if rows:
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in rows:
            table.add_row(name, Text(value))
        console.print(inset(table))
    if hints >= 2 and finding.equation:
        label = (
            finding.equation if finding.equation[0].isalpha() else f"{words['equation']} {finding.equation}"
        )
        console.print(inset(Text(label[0].upper() + label[1:], style="dim")))
    if hints >= 3 and finding.think:
        console.print(inset(Text.assemble((f"{words['think']} ", "italic"), finding.think)))


def inset(content: Text | Table, by: int = 4) -> Padding:
    """What is printed, moved to the right."""
    return Padding(content, (0, 0, 0, by), expand=False)


def code(source: Source, line: int) -> Text:
    """A line of the student's with its neighbours."""
    text = Text(no_wrap=True, overflow="ellipsis")
    for number in range(max(1, line - AROUND), min(len(source.lines), line + AROUND) + 1):
        here = number == line
        style = "bold" if here else "dim"
        row = f"{source.place(number)[1]:4} | {shown(source.lines[number - 1].expandtabs(4))}"
        text.append(f"{'>' if here else ' '} {row}\n", style=style)
    text.rstrip()
    return text
