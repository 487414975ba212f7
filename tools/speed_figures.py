"""The figures of docs/speed.md, in the style of all others, from the records that are there."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fcnet.report.style import (
    BLUE,
    FAINT,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    SMALL,
    VERMILLION,
    credit,
    grid,
    house_style,
    new_figure,
    save,
)  # fmt: skip
from speed_sizes import growing
from speed_tables import size_of
from speed_words import OURS, found, kinds, rows_by_case

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = {
    "fcnet": BLUE, "fcnet, MKL": BLUE, "fcnet, bfloat16": BLUE,
    "fcnet, PyTorch": SKY, "fcnet, PyTorch bfloat16": SKY,
    "plain NumPy": GREY, "PyTorch": VERMILLION, "PyTorch compiled": VERMILLION, "PyTorch bfloat16": ORANGE,
    "JAX jit": GREEN, "Keras on JAX": GREEN, "scikit-learn": PURPLE,
}  # fmt: skip
"""A program has one colour in all figures."""

WITHOUT_BLAS = {"tinygrad": ORANGE, "MLX": INK}
"""Programs whose products are tens of times slower where nets are wide: in the figure of small nets alone."""

OWN = ("fcnet",)
"""What every panel of the trainings shows."""

KINDS = {
    "With NumPy": ("plain NumPy", "scikit-learn", "fcnet, MKL"),
    "With JAX and PyTorch": ("JAX jit", "PyTorch", "PyTorch compiled", "fcnet, PyTorch"),
    "With bfloat16": ("PyTorch bfloat16", "fcnet, PyTorch bfloat16", "fcnet, bfloat16"),
}
"""The other programs, a panel a kind: nine curves in one could not be told apart."""


def draw_all(records: Path, folder: Path) -> Iterator[Path]:
    """Write every figure whose record is there, one for each kind of machine."""
    drawn = {"step": step, "small": small, "accuracy": accuracy, "work": work}
    for kind, (name, draw) in product(kinds(records), drawn.items()):
        content = found(records / kind, name)
        if content is not None:
            path = folder / f"speed_{name}_{kind}.svg"
            with house_style():
                save(draw(content), path)
            yield path


def machine(record: dict[str, Any]) -> str:
    """What a figure says of where it was measured."""
    cores, processor = record["machine"]["cores"], record["machine"]["processor"]
    counted = "1 core" if cores == 1 else f"{cores} cores"
    return f"medians of {record['rounds']} rounds, {counted} of {processor}"


def step(record: dict[str, Any]) -> Figure:
    """A dot a program and width, as a multiple of the products alone; a panel a rule."""
    figure = new_figure(10.5, 4.9)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, momentum in zip(panels, (0.0, 0.9), strict=True):
        ratios(axes, record, momentum)
        axes.set_title("Plain SGD" if not momentum else f"Momentum {momentum}")
    panels[0].set_ylabel("time of a step / its matrix products")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False, fontsize=SMALL)
    credit(figure, machine(record), where="below")
    return figure


def ratios(axes: Axes, record: dict[str, Any], momentum: float) -> None:
    """One panel: a line a program."""
    cases = sorted(rows_by_case(record, momentum=momentum), key=lambda case: case[0]["hidden"])
    widths = [case["hidden"] for case, _ in cases]
    for name, color in COLORS.items():
        if not all(name in rows for _, rows in cases):
            continue
        values = [rows[name]["ratio"] for _, rows in cases]
        axes.plot(
            range(len(widths)), values, color=color, marker="o", markersize=4, label=name,
            linestyle=line_of(name), linewidth=3 if name == "fcnet" else 1.6, zorder=3 if name in OURS else 2,
        )  # fmt: skip
    axes.axhline(1, color=INK, linewidth=1)
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_formatter(lambda value, _: f"x {value:g}")
    axes.set_xticks(range(len(widths)), [f"{width:,}" for width in widths])
    axes.set_xlabel("hidden units")
    grid(axes)


def line_of(name: str) -> str:
    """Dashed: compiled, or what stands on another program of the same colour. Dotted: another library."""
    if "MKL" in name:
        return ":"
    return "--" if any(word in name for word in ("compiled", "bfloat16", "Keras")) else "-"


def small(record: dict[str, Any]) -> Figure:
    """The time of a step against the number of parameters, a line a program, on tables of 30 columns."""
    nets = growing(record)
    figure = new_figure(9.5, 5.4)
    axes = figure.subplots()
    counts, last = [count for count, _, _ in nets], nets[-1][2]
    shown = {name: color for name, color in (COLORS | WITHOUT_BLAS).items() if name in last}
    for name in sorted(shown, key=lambda name: -last[name]["median"]):  # the legend has the lines' order
        axes.plot(
            counts, [1e6 * rows[name]["median"] for _, _, rows in nets], color=shown[name], marker="o",
            markersize=4, label=name, linestyle=line_of(name), linewidth=3 if name == "fcnet" else 1.6,
            zorder=3 if name in OURS else 2,
        )  # fmt: skip
    floor = [1e6 * rows[record["baseline"]]["median"] for _, _, rows in nets]
    axes.plot(counts, floor, color=GREY, linestyle=":", label="products alone")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axes.set_xticks(counts, [f"{count:,}\n{sizes}" for count, sizes, _ in nets])
    axes.minorticks_off()
    axes.set_xlabel("parameters, and the net")
    axes.set_ylabel("microseconds a step, batch 32")
    grid(axes)
    figure.legend(loc="outside right center", frameon=False, fontsize=SMALL)
    credit(figure, machine(record), where="below")
    return figure


def accuracy(record: dict[str, Any]) -> Figure:
    """A row a net, a column a kind of program, fcnet in each; the recipes of this project beneath."""
    runs = record["curves"]
    nets = list(dict.fromkeys(run["job"]["net"] for run in runs if not is_recipe(run)))
    figure = new_figure(11.0, 3.0 * (len(nets) + 1) + 1.2)
    grid_of_panels = [[f"{net}{kind}" for kind in KINDS] for net in nets]
    layout: Any = [*grid_of_panels, ["recipes"] * len(KINDS)]
    rows = figure.subplot_mosaic(layout)
    for net in nets:
        shown = [run for run in runs if run["job"]["net"] == net and not is_recipe(run)]
        units = shown[0]["job"]["settings"]["hidden"][0]
        for kind, programs in KINDS.items():
            axes = rows[f"{net}{kind}"]
            for run in shown:
                name = run["job"]["program"]
                if name in (*OWN, *programs):
                    curve(axes, run, COLORS[name], line_of(name), name)
            axes.set_title(f"{kind}, {units:,} units")
            axes.sharey(rows[grid_of_panels[nets.index(net)][0]])
            axes.sharex(rows[grid_of_panels[nets.index(net)][0]])
            if net == nets[-1]:  # once a column, below it
                axes.legend(loc="upper left", bbox_to_anchor=(-0.05, -0.28), frameon=False, fontsize=SMALL)
    recipes(rows["recipes"], [run for run in runs if is_recipe(run)], record["levels"])
    for axes in rows.values():
        against_seconds(axes)
    for first in (*(row[0] for row in grid_of_panels), "recipes"):
        rows[first].set_ylabel("validation (%)")
    return figure


def recipes(axes: Axes, runs: list[dict[str, Any]], levels: list[float]) -> None:
    """The recipes of this project, and the levels of the table."""
    colors = (BLUE, VERMILLION, GREEN)
    for run, color in zip(runs, colors, strict=False):
        curve(axes, run, color, "-", run["job"]["program"])
        end = run["points"][-1]
        axes.annotate(
            run["job"]["net"], (end["seconds"], 100 * end["val_accuracy"]), xytext=(7, 0),
            textcoords="offset points", va="center", color=color, fontweight="bold", fontsize=SMALL,
        )  # fmt: skip
    for level in levels:
        axes.axhline(100 * level, color=FAINT, linewidth=1)
    axes.set_title("Recipes of this project")


def against_seconds(axes: Axes) -> None:
    """A logarithmic axis of seconds."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.set_xlabel("seconds")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.locator_params(axis="y", nbins=6, steps=[1, 2, 5, 10])
    grid(axes)


def is_recipe(run: dict[str, Any]) -> bool:
    """Whether a run is one of this project's recipes, and not a net that all train."""
    return str(run["job"]["program"]).startswith("recipe")


def curve(axes: Axes, run: dict[str, Any], color: str, line: str, name: str) -> None:
    """Accuracy against seconds."""
    seconds = [point["seconds"] for point in run["points"]]
    accuracies = [100 * point["val_accuracy"] for point in run["points"]]
    axes.plot(
        seconds, accuracies, color=color, linestyle=line, marker="o", markersize=3.5, label=name,
        linewidth=3 if name == "fcnet" else 1.6, zorder=3 if name in OURS else 2,
    )  # fmt: skip


def work(record: dict[str, Any]) -> Figure:
    """Milliseconds a step against what is swept, with the products' beside it, on one core and two."""
    from matplotlib.ticker import LogLocator, NullFormatter

    figure = new_figure(11.5, 4.4)
    panels = figure.subplots(1, 3)
    titles = {"width": "hidden units", "batch": "examples a step", "depth": "layers"}
    for axes, (swept, title) in zip(panels, titles.items(), strict=True):
        for threads, color in ((1, VERMILLION), (2, BLUE)):
            cases = rows_by_case(record, swept=swept, threads=threads)
            sizes = [size_of(case) for case, _ in cases]
            cores = "1 core" if threads == 1 else f"{threads} cores"
            for name, line, what in (("fcnet", "-", "a step"), (record["baseline"], ":", "its products")):
                times = [1e3 * rows[name]["median"] for _, rows in cases]
                axes.plot(sizes, times, line, color=color, marker="o", markersize=3, label=f"{what}, {cores}")
            low, high = ([1e3 * rows[record["baseline"]][end] for _, rows in cases] for end in ("min", "max"))
            axes.fill_between(sizes, low, high, color=color, alpha=0.15, linewidth=0)
        axes.set_title(titles[swept].capitalize())
        axes.set_xlabel(title)
        if swept != "depth":
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
            axes.xaxis.set_minor_formatter(NullFormatter())
        else:
            axes.set_xticks(sizes)
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7) if swept == "depth" else (1, 2, 5)))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
        grid(axes)
    panels[0].set_ylabel("milliseconds a step")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False, fontsize=SMALL)
    bands = "bands: the products from the fastest round to the slowest"
    credit(figure, f"{machine(record)}; {bands}", where="below")
    return figure
