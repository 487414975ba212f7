"""The style of every figure: one palette, one set of sizes, one way to save it.

An SVG has no background and rules for dark pages, so that it fits light and dark ones. Letters are outlines,
so that no reader needs the font. A figure drawn twice is the same file: identifiers are salted with a
constant and no date is written.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fcnet.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
)
"""Okabe and Ito's colours, which colour-blind readers tell apart."""

INK, GREY, FAINT = "#222222", "#6A6A6A", "#D5D5D5"
"""Colours of text, of secondary parts, and of guides for the eye."""

DARK = {
    "#222222": "#e8e6e3", "#6a6a6a": "#b0b3b8", "#d5d5d5": "#41454d", "#0072b2": "#4aa8e0",
    "#d55e00": "#ff8a3d", "#009e73": "#2fcf9f", "#cc79a7": "#e29cc4",
}  # fmt: skip
"""These colours on a dark page; white becomes the page's own."""

TRAIN, VALIDATION = VERMILLION, BLUE
"""A quantity has one colour in all figures."""

SMALL = 10
"""Points; the size of notes inside a figure. Text in general is one larger."""

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": SMALL + 1,
    "axes.titlesize": SMALL + 1.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 9,
    "axes.labelsize": SMALL + 1,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.10,
    "figure.constrained_layout.h_pad": 0.12,
    "svg.fonttype": "path",
    "svg.hashsalt": "fcnet",
    "svg.image_inline": True,
}


OTHER_SCRIPTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei",
    "Droid Sans Fallback", "PingFang SC", "Hiragino Sans", "Microsoft YaHei", "SimHei", "Yu Gothic",
    "Malgun Gothic", "Nanum Gothic", "Arial Unicode MS", "Noto Sans Devanagari", "Noto Sans Thai",
)  # fmt: skip
"""Fonts that draw the names of classes and files in scripts that the first one lacks."""


@dataclass(frozen=True)
class Drawing:
    """A figure, and what it shows in a sentence or two."""

    figure: Figure
    caption: str


@contextmanager
def quiet_start() -> Iterator[None]:
    """Within it, Matplotlib may be imported where HOME cannot be written, and does not warn of that."""
    logger = logging.getLogger("matplotlib")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextmanager
def house_style() -> Iterator[None]:
    """Within it, Matplotlib draws in our style; afterwards the user's settings apply again."""
    with quiet_start():
        import matplotlib
        import matplotlib.font_manager

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        for name, value in STYLE.items():
            matplotlib.rcParams[name] = value  # type: ignore[index]
        matplotlib.rcParams["font.family"] = families()
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches that belongs to no window and no global list."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height))


def save(figure: Figure, path: Path) -> None:
    """Write an SVG that depends on nothing but the figure and Matplotlib's version, which it states.

    Raises
    ------
    RunError : the file cannot be written
    """
    write_atomically(path, svg(figure))


def svg(figure: Figure) -> str:
    """The figure as SVG; its layout is settled from then on."""
    import matplotlib

    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a class name in a script DejaVu lacks
        _settle(figure)
        figure.savefig(
            buffer,
            format="svg",
            transparent=True,
            metadata={"Date": None, "Creator": f"fcnet, Matplotlib {matplotlib.__version__}"},
        )
    text = buffer.getvalue().decode().replace("</style>", f"{dark_rules()}</style>", 1)
    lines = text.splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"


def dark_rules(selector: str = "", paper: str = "#0d1117") -> str:
    """CSS that gives figures the colours of a dark page.

    selector : what is around them, such as `.plot svg `
    paper : the page's colour, which notes inside a figure have behind them
    """
    rules = "".join(
        f'{selector}[style*="{what}: {light}"]{{{what}:{dark}!important}}'
        for light, dark in {**DARK, "#ffffff": paper}.items()
        for what in ("fill", "stroke")
    )
    return f"@media screen and (prefers-color-scheme: dark){{{rules}}}"


def _settle(figure: Figure) -> None:
    """Lay out and round where axes stand: the layout's solver is not the same twice in its last bits."""
    import matplotlib

    figure.draw_without_rendering()
    with matplotlib.rc_context({"figure.constrained_layout.use": False}):
        figure.set_layout_engine(None)  # by name, "none", it would stay one for which savefig draws once more
    for axes in figure.axes:
        left, bottom, width, height = axes.get_position(original=True).bounds
        axes.set_position((round(left, 5), round(bottom, 5), round(width, 5), round(height, 5)))


def families() -> list[str]:
    """The fonts of the figures: one for all, and those on this machine that have other scripts."""
    from matplotlib.font_manager import fontManager

    there = {font.name for font in fontManager.ttflist}
    return [STYLE["font.family"], *(name for name in OTHER_SCRIPTS if name in there)]


@cache
def _characters() -> list[frozenset[int]]:
    """The characters of each of the fonts."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    paths = [findfont(FontProperties(family=[name])) for name in families()]
    return [frozenset(get_font(path).get_charmap()) for path in paths]


def plain(text: str, longest: int = 200) -> str:
    """Text of others as it is: Matplotlib would set what stands between two $ as mathematics.

    A character that no font of the figures has, or that controls a terminal, is drawn as its escape.
    """
    text = "".join(c if _drawn(c) else ascii(c)[1:-1] for c in " ".join(text.split()))
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    return text.replace("$", r"\$")


def _drawn(character: str) -> bool:
    """Whether a font of the figures has a character."""
    known = character.isascii() or any(ord(character) in font for font in _characters())
    return known and character.isprintable()


def credit(figure: Figure, text: str, where: str = "left") -> None:
    """The source of the figure, small, in its lower left or right corner, or "below" all else."""
    text = plain(text)
    if where == "below":
        figure.supxlabel(text, x=0.99, ha="right", fontsize=SMALL - 1.5, color=GREY)
    else:
        x = 0.008 if where == "left" else 0.992
        figure.text(x, 0.02, text, ha=where, va="bottom", fontsize=SMALL - 1.5, color=GREY)


def grid(axes: Axes, axis: str = "y") -> None:
    """Faint grid lines."""
    axes.grid(True, axis=axis, color=FAINT, linewidth=0.6)  # type: ignore[arg-type]


def curve(axes: Axes, x: Sequence[float], y: Sequence[float], **how: Any) -> None:
    """A line through all points; a single point is a dot."""
    axes.plot(x, y, "-o" if len(x) == 1 else "-", **how)


def threshold(axes: Axes, value: float, text: str, below: bool = False) -> None:
    """A dashed line across the axes at y = value, its name at the right above or below it."""
    color = GREY
    axes.axhline(value, color=color, linewidth=1.2, linestyle=(0, (5, 3)))
    axes.annotate(
        text, (1, value), xycoords=("axes fraction", "data"), xytext=(0, -4 if below else 4),
        textcoords="offset points", ha="right", va="top" if below else "bottom", fontsize=SMALL, color=color,
    )  # fmt: skip


def end_labels(axes: Axes, ends: Sequence[tuple[float, float, str, str]], gap: float = 0.07) -> None:
    """Write names at the right ends of curves, in their colours, pushed apart where they would overlap.

    Parameters
    ----------
    ends : (x, y, text, color) of each curve's last point, x and y in data coordinates
    gap : least distance of two labels, as a fraction of the axes' height
    """
    axes.get_ylim()  # settles the limits, which follow the curves
    to_axes = axes.transData + axes.transAxes.inverted()
    heights = [float(to_axes.transform((x, y))[1]) for x, y, _, _ in ends]
    for height, (_, _, text, color) in zip(spread(heights, gap), ends, strict=True):
        axes.annotate(
            text, (1, height), xycoords="axes fraction", xytext=(6, 0), textcoords="offset points",
            va="center", color=color, fontweight="bold", fontsize=SMALL, annotation_clip=False,
        )  # fmt: skip


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """The heights, moved as little as needed so that each two are `gap` apart, in their order."""
    order = sorted(range(len(heights)), key=lambda place: heights[place])
    groups: list[list[int]] = []
    middles: list[float] = []
    for place in order:
        groups.append([place])
        middles.append(heights[place])
        while (
            len(groups) > 1
            and middles[-1] - middles[-2] < gap * (len(groups[-1]) + len(groups[-2])) / 2 - 1e-12
        ):
            merged = groups[-2] + groups[-1]
            groups[-2:], middles[-2:] = [merged], [sum(heights[one] for one in merged) / len(merged)]
    result = list(heights)
    for group, middle in zip(groups, middles, strict=True):
        for rank, place in enumerate(group):
            result[place] = middle + gap * (rank - (len(group) - 1) / 2)
    return result


def note(axes: Axes, x: float, y: float, text: str, **how: Any) -> None:
    """A secondary remark at (x, y), on white so that the grid does not cross it out."""
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    style: dict[str, Any] = {"fontsize": SMALL, "color": GREY, "bbox": box}
    axes.text(x, y, text, **style | how)


def mosaic_height(mosaic: Any, width: float, most: float) -> float:
    """Inches, `most` at most, of a figure in which the mosaic is so wide, with its title and credit."""
    rows, columns = mosaic.shape[:2]
    return min(most, float(width * rows / columns) + 0.95)


def show_mosaic(axes: Axes, mosaic: Any) -> None:
    """Pictures in their own pixels, without axes around them."""
    axes.imshow(mosaic, interpolation="none")
    axes.set_anchor("N")
    axes.set_axis_off()
