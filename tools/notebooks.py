"""The notebooks of docs/notebooks: run them, and show them as Markdown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

SECONDS = 600
"""The longest that a cell may take."""


def executed(path: Path, **environment: str) -> Any:
    """The notebook with the outputs of its cells, run in an empty process in its folder.

    Raises
    ------
    nbclient.exceptions.CellExecutionError : a cell fails
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    client = NotebookClient(
        notebook, timeout=SECONDS, startup_timeout=SECONDS, kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
    )  # fmt: skip
    client.execute(env=os.environ | environment)
    return notebook


def as_markdown(path: Path, run: bool) -> str:
    """The notebook as a page, with the outputs of its cells if it is run."""
    import nbformat

    notebook = executed(path, FCNET_QUICK="1") if run else nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    parts = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
        elif cell.cell_type == "code":
            parts.append(f"```python\n{cell.source}\n```")
            parts += [shown for output in cell.outputs if (shown := _output(output))]
    return "\n\n".join(parts) + "\n"


def _output(output: Any) -> str:
    if output.output_type == "stream":
        return f"```text\n{output.text.rstrip()}\n```"
    data = output.get("data", {})
    if "text/html" in data:
        return f'<div class="output" markdown="0">\n{data["text/html"].strip()}\n</div>'
    if "image/png" in data:
        return f'<img alt="figure" src="data:image/png;base64,{data["image/png"].strip()}">'
    return f"```text\n{data['text/plain']}\n```" if "text/plain" in data else ""
