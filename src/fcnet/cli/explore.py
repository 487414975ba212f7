"""`fcnet explore`: see the toy network, and a trained one, at work."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Explore:
    """Write a page in which backpropagation can be followed number by number.

    It is one HTML file that opens from disk without a network: the exercise's toy network, step by step, each
    equation with its numbers, every weight to be moved, trained, and broken in typical ways.

    Example: fcnet explore
    """

    out: Path = Path("explore.html")
    """The file to write."""

    def run(self) -> int:
        from fcnet.explore.write import write_explorer

        print(f"wrote {write_explorer(self.out)}, open it in a browser")
        return 0
