"""The student's text: read from a file, a folder or a notebook, and searched for the line of a mistake."""

import ast
import contextlib
import io
import json
import re
import tokenize
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from fcnet.errors import DataError
from fcnet.wording import shown

MOST_BYTES = 20_000_000
NUMPY_NAMES = ("two_layernet.py", "two_layer_net.py", "twolayernet.py", "two_layer_network.py")
PYTORCH_NAMES = ("ex2_pytorch.py",)


@dataclass(frozen=True)
class Source:
    """A file of the student's.

    Attributes
    ----------
    path : of the file
    text : its text, or that of a notebook's code cells one after the other
    cells : for a notebook, the first line of each code cell in `text`
    note : what the reader should know of how it was chosen, "" for nothing
    """

    path: Path
    text: str
    cells: tuple[int, ...] = field(default=())
    note: str = ""

    @property
    def notebook(self) -> bool:
        return self.path.suffix == ".ipynb"

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module | None:
        """The parsed text; None where it is not Python."""
        try:
            return ast.parse(self.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """The classes that the text defines, by name."""
        nodes = ast.walk(self.tree) if self.tree is not None else ()
        return {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}

    @cached_property
    def code_lines(self) -> list[str]:
        """The lines without comments and without strings that stand alone."""
        lines = list(self.lines)
        try:
            tokens = list(tokenize.generate_tokens(io.StringIO(self.text).readline))
        except (tokenize.TokenError, SyntaxError):
            return lines
        for token in tokens:
            if token.type == tokenize.COMMENT:
                row, column = token.start
                lines[row - 1] = lines[row - 1][:column]
        for node in ast.walk(self.tree) if self.tree is not None else ():
            if (
                isinstance(node, ast.Expr)
                and isinstance(node.value, ast.Constant)
                and isinstance(node.value.value, str)
            ):
                for row in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                    lines[row - 1] = ""
        return lines

    def method(self, cls: str, name: str) -> ast.FunctionDef | None:
        """A method's definition, in the class or in those of the file that it is made from."""
        wanted, seen = [cls], set()
        while wanted:
            current = wanted.pop(0)
            if current in seen or current not in self.classes:
                continue
            seen.add(current)
            for node in self.classes[current].body:
                if isinstance(node, ast.FunctionDef) and node.name == name:
                    return node
            wanted += [base.id for base in self.classes[current].bases if isinstance(base, ast.Name)]
        return None

    def find(self, patterns: Iterable[str], spans: Sequence[tuple[int, int]]) -> int | None:
        """The first line inside the spans that matches the first pattern that matches any."""
        for pattern in patterns:
            for first, last in spans:
                for number in range(first, min(last, len(self.code_lines)) + 1):
                    if re.search(pattern, self.code_lines[number - 1]):
                        return number
        return None

    def where(self, line: int | None) -> str:
        """A line in words: for a notebook, that of its cell."""
        if line is None:
            return ""
        cell, number = self.place(line)
        return f"code cell {cell}, line {number}" if cell else f"line {number}"

    def place(self, line: int) -> tuple[int, int]:
        """The number of a line's code cell, 0 outside of notebooks, and the line's number in it."""
        cell = sum(first <= line for first in self.cells)
        return cell, line - self.cells[cell - 1] + 1 if cell else line


def span(node: ast.FunctionDef | None) -> list[tuple[int, int]]:
    """The lines of a function: its body, and then its head."""
    if node is None:
        return []
    first = node.body[0].lineno
    return [(first, node.end_lineno or first), (node.lineno, max(node.lineno, first - 1))]


def read(path: Path) -> Source:
    """Read a `.py` file or a notebook.

    Raises
    ------
    DataError : it cannot be read, is too large, or is not a notebook
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"cannot read {path}: {error.strerror or error}, give a .py file or a notebook"
        ) from error
    if len(content) > MOST_BYTES:
        raise DataError(f"{path} has {len(content):,} bytes, give the file that holds the class alone")
    text = content.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
    return _notebook(path, text) if path.suffix == ".ipynb" else Source(path, text)


def _notebook(path: Path, text: str) -> Source:
    try:
        cells = json.loads(text)["cells"]
        codes = ["".join(c["source"]) for c in cells if c.get("cell_type") == "code"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} cannot be read as a notebook, save it again as .ipynb") from error
    lines: list[str] = []
    starts = []
    for code in codes:
        starts.append(len(lines) + 1)
        own = [re.sub(r"^(\s*)[%!?].*", r"\1pass", line) for line in code.splitlines()]
        magic = bool(code.lstrip().startswith("%%"))
        lines += ([f"# {line}" for line in code.splitlines()] if magic else own) + [""]
    return Source(path, "\n".join(lines) + "\n", tuple(starts))


def sources(path: Path) -> dict[str, Source]:
    """The files of a submission by half, "numpy" and "pytorch".

    Of several files with the same half, those with the exercise's names come first, and then those that lie
    in the fewest folders.

    Raises
    ------
    DataError : there is no such file, or none in the folder that holds one of the classes
    """
    if not path.exists():
        raise DataError(f"there is no {path}, give the file with the class TwoLayerNet or its folder")
    if path.is_file():
        if path.suffix not in (".py", ".ipynb"):
            raise DataError(f"{path} is neither a .py file nor a notebook, give the file with the class")
        return of_file(read(path))
    found: dict[str, list[Source]] = {}
    for file in sorted(
        candidates(path),
        key=lambda f: (f.name not in (*NUMPY_NAMES, *PYTORCH_NAMES), len(f.parts), f.suffix, f),
    ):
        source = read(file)
        for half in halves(source, certain=True):
            found.setdefault(half, []).append(source)
    if not found:
        raise DataError(f"no file in {path} defines TwoLayerNet or a torch module, give the file itself")
    return {half: first_of(found[half], path) for half in ("numpy", "pytorch") if half in found}


def of_file(source: Source) -> dict[str, Source]:
    """The halves of one file. A file that defines no network stands for the one beside it that it imports.

    A script of the PyTorch half may import its network, and a network may be in a package, whose files do not
    run alone: then it is judged as the file has it.
    """
    if halves(source, certain=True):
        return dict.fromkeys(halves(source), source)
    found: dict[str, Source] = {}
    for file in imported(source):
        for half in halves(file, certain=True):
            found.setdefault(half, file)
    for half, file in found.items():
        if half == "pytorch" or file.path.parent != source.path.parent:
            found[half] = source
        else:
            here, there = (shown(one.path.name, 80) for one in (source, file))
            found[half] = replace(file, note=f"{here} imports the network: {there} is judged")
    return found or dict.fromkeys(halves(source), source)


def imports_network(source: Source) -> bool:
    """Whether a file defines no network and imports one from its folder."""
    others = imported(source) if not halves(source, certain=True) else []
    return any(halves(file, certain=True) for file in others)


def imported(source: Source, most: int = 20) -> list[Source]:
    """The files of a file's folder that it imports, and those that these import; links are not followed."""
    folder = source.path.parent.resolve()
    found: dict[Path, Source] = {}
    waiting = [source]
    while waiting and len(found) < most:
        for path in sorted(import_paths(waiting.pop(0)) - {source.path, *found}):
            if path.is_file() and path.resolve() == folder / path.relative_to(source.path.parent):
                with contextlib.suppress(DataError):  # one that cannot be read is not there
                    found[path] = read(path)
                    waiting.append(found[path])
    return list(found.values())


def import_paths(source: Source) -> set[Path]:
    """Where the modules that a file imports would be, in its folder."""
    names: set[str] = set()
    for node in ast.walk(source.tree) if source.tree is not None else ():
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names |= {module, *(f"{module}.{alias.name}".lstrip(".") for alias in node.names)} - {""}
    places = [source.path.parent.joinpath(*name.split(".")) for name in names if "*" not in name]
    return {file for place in places for file in (place.with_suffix(".py"), place / "__init__.py")}


def first_of(alike: list[Source], folder: Path) -> Source:
    """The first of some files with the same half; where there are several, it notes which it is."""
    first = alike[0]
    if len(alike) == 1:
        return first
    here = shown(first.path.relative_to(folder), 80)
    return replace(first, note=f"{len(alike)} files define the network: {here} is judged")


def candidates(folder: Path) -> list[Path]:
    """Python files and notebooks of a folder, two levels deep; links are not followed."""
    found = [p for pattern in ("*.py", "*.ipynb", "*/*.py", "*/*.ipynb") for p in folder.glob(pattern)]
    hidden = [p for p in found if any(part.startswith((".", "__")) for part in p.relative_to(folder).parts)]
    return [p for p in found if p not in hidden and p.is_file() and not p.is_symlink()][:200]


def halves(source: Source, certain: bool = False) -> list[str]:
    """Which halves of the exercise a text solves; one that cannot be read is taken for the first."""
    torch = re.search(r"^\s*class\s+\w+\s*\(.*Module\s*\)", source.text, re.M)
    named = r"^\s*class\s+\w*(TwoLayer|Two_Layer|twolayer)\w*(?!\s*\(.*Module)\b"
    numpy_class = re.search(named, source.text, re.M)
    methods = re.search(r"def\s+(loss|compute_loss|back_?prop\w*)\s*\(", source.text)
    found = []
    if numpy_class or (methods and not torch and re.search(r"^\s*class\s", source.text, re.M)):
        found.append("numpy")
    if torch:
        found.append("pytorch")
    if certain or found:
        return found
    return ["pytorch"] if "torch" in source.text else ["numpy"]
