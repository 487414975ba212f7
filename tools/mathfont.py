"""Make the mathematical font of the pages: the part of STIX Two Math that their formulas need.

    python tools/mathfont.py stix-two-math-latin-400-normal.woff

The file is that of the npm package @fontsource/stix-two-math; any build of STIX Two Math does. The result is
embedded in every page with formulas, so that sums, braces and fractions look the same on machines without a
mathematical font. STIX Two Math is under the SIL Open Font License, which stands beside the result. A changed
version has another name.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import string
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

from fcnet.explore.equations import steps, symbols
from fcnet.report.derivation import derivation
from fcnet.report.page.render import MATH_FONT, to_html

NAME = "fcnet math"

BEYOND = string.ascii_letters + string.digits + "+-=<>()[]{}|,.;:!/*'" + "∑∏∫√∂∇∞≤≥≠≈∈·×±−→←⇒⊙⊤⏞⏟‖…⋯′"
"""Characters that a formula of a later version is likely to need."""


ITALIC = "".join(map(chr, [0x210E, *range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C)])).replace(
    "\U0001d455", ""
)
"""The mathematical italics of Latin and Greek; that of h is the Planck constant."""


def characters() -> set[str]:
    """What the formulas of all pages show, and the italics that a browser puts in the place of letters."""
    page = to_html(derivation()) + json.dumps([steps(), symbols()], ensure_ascii=False)
    formulas = re.findall(r"<math.*?</math>", page, flags=re.DOTALL)
    shown = {c for formula in formulas for c in html.unescape(re.sub(r"<[^>]*>", "", formula))}
    return {c for c in shown | set(BEYOND) | set(ITALIC) if not c.isspace()}


def make(source: Path, target: Path) -> None:
    """Write the subset of the font in `source` to `target`, as WOFF."""
    font = TTFont(source)
    options = subset.Options()
    options.layout_features = ["ssty", "dtls", "flac", "kern"]
    options.hinting, options.name_IDs = False, [0, 1, 2, 4, 6, 13, 14]
    options.notdef_outline = True
    subsetter = subset.Subsetter(options)
    subsetter.populate(text="".join(sorted(characters())))
    subsetter.subset(font)
    for record in font["name"].names:
        if record.nameID in (1, 4):
            record.string = NAME
        elif record.nameID == 6:
            record.string = NAME.replace(" ", "-")
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    font.flavor = "woff"
    font.save(target)


def main() -> None:
    """Make the font from the file that the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path)
    make(parser.parse_args().source, MATH_FONT)
    print(f"wrote {MATH_FONT} ({MATH_FONT.stat().st_size / 1000:.0f} kB)")


if __name__ == "__main__":
    main()
