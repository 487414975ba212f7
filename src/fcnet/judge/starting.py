"""What a student begins with: three files with gaps, as scripts or as notebooks."""

import json
import re
from importlib.resources import files
from pathlib import Path

from fcnet.errors import DataError
from fcnet.files import write_atomically

SCRIPTS = ("two_layernet.py", "ex2_FCnet.py", "ex2_pytorch.py")
MARK = re.compile(r"^# %% (?P<title>.*)\n", re.M)
"""Where a notebook's next cell begins, in the templates."""


def write_start(folder: Path, notebook: bool = False) -> list[Path]:
    """Write the files into a folder, which is made if need be.

    Parameters
    ----------
    folder : where to
    notebook : notebooks instead of scripts

    Returns
    -------
    paths : of the files

    Raises
    ------
    DataError : one of the files is there already, or the folder is a file
    RunError : they cannot be written
    """
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file, give a folder")
    content = notebooks() if notebook else {name: script(name) for name in SCRIPTS}
    content["README.md"] = readme(notebook)
    there = [name for name in content if (folder / name).exists()]
    if there:
        raise DataError(f"{folder} has {', '.join(there)} already, give another folder: nothing was written")
    for name, text in content.items():
        write_atomically(folder / name, text, "choose another folder")
    return [folder / name for name in content]


def template(name: str) -> str:
    """The text of a template."""
    return (files("fcnet.judge") / "templates" / f"{name}.txt").read_text(encoding="utf-8")


def script(name: str) -> str:
    """A script, without the marks for cells."""
    return MARK.sub("", template(name))


def readme(notebook: bool) -> str:
    """The README, with the names of the files that are there."""
    text = template("README.md")
    if not notebook:
        return text
    return (
        text.replace("    python ex2_FCnet.py\n", "")
        .replace("two_layernet.py", "two_layernet.ipynb")
        .replace("| `ex2_FCnet.py` | nothing at first; better hyper-parameters at the end | 3b |\n", "")
        .replace("ex2_pytorch.py", "ex2_pytorch.ipynb")
        .replace(
            "The first asks your network the exercise's own questions. The second looks closer: it uses",
            "The notebook's last cells ask the exercise's own questions. `fcnet check` looks closer: it uses",
        )
    )


def notebooks() -> dict[str, str]:
    """The same as two notebooks: the network with its driver, and PyTorch."""
    return {
        "two_layernet.ipynb": notebook_of([*network_cells(), *driver_cells()]),
        "ex2_pytorch.ipynb": notebook_of(pytorch_cells()),
    }


def network_cells() -> list[tuple[str, str]]:
    """The docstring as text and the class as one cell."""
    _, docstring, code = script("two_layernet.py").split('"""', 2)
    text = docstring.strip().replace("two_layernet.py", "two_layernet.ipynb")
    return [("markdown", text), ("code", code.strip())]


def driver_cells() -> list[tuple[str, str]]:
    """The driver's questions, each in a cell that can be run at once."""
    parts = MARK.split(template("ex2_FCnet.py"))
    titled = {title: body.strip() for title, body in zip(parts[1::2], parts[2::2], strict=True)}
    order = list(titled)
    tools = titled[order[-1]].split("def main(", 1)[0].strip()
    cells = [
        ("markdown", "## Your network, asked by the exercise"),
        ("code", titled[order[0]]),
        ("code", tools),
    ]
    for title in order[1:-1]:
        number = title.split()[1].rstrip(":")
        call = f'ask("{number}", question_{number})'
        if number == "3b":
            call = f"# {call}  # remove the first # when the toy problem is right"
        cells += [("markdown", f"### {title}"), ("code", f"{titled[title]}\n\n{call}")]
    return cells


def pytorch_cells() -> list[tuple[str, str]]:
    """PyTorch's parts, each in a cell."""
    parts = MARK.split(template("ex2_pytorch.py"))
    head = parts[0].split('"""', 2)
    text = (
        head[1]
        .strip()
        .replace("ex2_pytorch.py", "ex2_pytorch.ipynb")
        .replace("    python ex2_pytorch.ipynb [--epochs 2]\n\n", "")
    )
    cells = [("markdown", text), ("code", head[2].replace("import argparse\n\n", "").strip())]
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        code = body.split('if __name__ == "__main__":')[0].strip()
        if "def main(" in code:
            code += "\n\n\ntry:\n    main(epochs=2)\nexcept NotImplementedError as gap:\n"
            code += '    print(f"not written yet: {gap}")'
        cells += [("markdown", f"### {title}"), ("code", code)]
    return cells


def notebook_of(cells: list[tuple[str, str]]) -> str:
    """Cells as the text of an .ipynb file."""
    told: list[dict[str, object]] = []
    for place, (kind, text) in enumerate(cells):
        cell: dict[str, object] = {
            "cell_type": kind,
            "id": f"cell-{place}",
            "metadata": {},
            "source": text.splitlines(keepends=True),
        }
        told.append(cell | ({"outputs": [], "execution_count": None} if kind == "code" else {}))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    content = {"cells": told, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
