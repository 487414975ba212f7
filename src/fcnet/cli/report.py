"""`fcnet report`: one page that tells a run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fcnet.cli.options import Positional
from fcnet.wording import shown


@dataclass(frozen=True)
class Report:
    """Write the report of a reproduction or a run: one HTML file that opens from disk without a network.

    It holds the derivation, figures, tables, and the machine of the run. It says which parts the run lacks.

    Example: fcnet report runs/quick
    """

    folder: Annotated[Path, Positional("RUN")]
    """Folder of a reproduction, or of a finished run."""
    out: Path | None = None
    """The file to write; report.html in RUN if not given."""
    data: Path | None = None
    """Folder with CIFAR-10, for the pictures; the usual places if not given. Without it, no pictures."""

    def run(self) -> int:
        from fcnet.cli.loading import load_if_there
        from fcnet.cli.outputs import PAGE, check_output
        from fcnet.report.page.html import write_report
        from fcnet.report.reading import Records

        check_output(self.out, "--out", endings=PAGE)
        records = Records(self.folder)
        record = records.record or records.default_record
        dataset = load_if_there(record, self.data) if record is not None else None
        print(f"wrote {shown(write_report(self.folder, dataset, self.out))}")
        return 0
