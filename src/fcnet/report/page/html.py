"""The whole report in one HTML file that needs nothing else."""

from collections.abc import Iterable
from pathlib import Path

from fcnet.data.dataset import Dataset
from fcnet.files import write_atomically
from fcnet.report.figures import Drawn, draw
from fcnet.report.page.render import HERE, math_font, templates, to_html
from fcnet.report.reading import Records
from fcnet.report.story import Story, told
from fcnet.report.style import dark_rules


def write_report(
    folder: Path,
    dataset: Dataset | None = None,
    out: Path | None = None,
    drawn: Iterable[Drawn] | None = None,
) -> Path:
    """Write the report of a reproduction or a run.

    Parameters
    ----------
    folder : of the reproduction or the run
    dataset : that it was made from, for its pictures; None where it was not found
    out : the file to write; report.html in the folder if not given
    drawn : the figures, where they are drawn already

    Returns
    -------
    path : of the file

    Raises
    ------
    RunError : the folder is none of ours, a record is damaged, or the file cannot be written
    MissingExtraError : a package of the extra `report` is not installed
    """
    path = out or folder / "report.html"
    records = Records(folder, dataset)
    write_atomically(path, page(records, draw(records) if drawn is None else drawn))
    return path


def page(records: Records, drawn: Iterable[Drawn]) -> str:
    """The page's text."""
    records.check()
    single = records.single
    story = Story(records, {one.name: one for one in drawn}, page=True)
    sections = {place: (title, to_html(text, story)) for place, (title, text) in told(story).items()}
    return (
        templates()
        .get_template("page.html")
        .render(
            title="The run" if single else "Fully-connected networks from first principles",
            label=records.label or "unknown data",
            sections=sections,
            css=math_font()
            + (HERE / "page.css").read_text()
            + dark_rules(".plot svg ", paper="var(--paper)"),
            js=(HERE / "page.js").read_text(),
        )
    )
