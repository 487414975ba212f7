"""Question 4: accuracy against depth, and the signal in each layer before the first step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fcnet.report import style
from fcnet.report.reading import Records, initialisation_name
from fcnet.stages import Depth, Signal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS = {"he": style.GREEN, "pytorch": style.PURPLE}
"""Colours of the initialisations; others are grey."""


def depth(records: Records) -> style.Drawing | None:
    """Three panels: which nets start at all, a closer view of those, and the same at equal parameters."""
    study = records.study
    if study is None:
        return None
    width, equal = study.of("width"), study.of("parameters")
    figure = style.new_figure(12.4 if equal else 8.6, 4.3)
    panels = figure.subplots(1, 3 if equal else 2)
    _by_initialisation(panels[0], width)
    panels[0].set_title("Validation accuracy (%)")
    _training_and_validation(panels[1], study.of("width", "he"))
    panels[1].set_title(f"He, {width[0].width} units a layer (%)")
    if equal:
        _training_and_validation(panels[2], equal)
        panels[2].set_title("He, equal parameters (%)")
        panels[2].set_xlabel("layers (units each)")
        panels[2].set_xticks([net.layers for net in equal], [f"{net.layers}\n({net.width})" for net in equal])
        limits = [panel.get_ylim() for panel in panels[1:]]
        for panel in panels[1:]:
            panel.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))
    one = study.networks[0]
    seeds = f"{one.seeds} seeds, bars: standard deviation" if one.seeds > 1 else "one seed"
    style.credit(figure, f"{records.label}, {one.epochs} epochs, {seeds}", where="below")
    more = "; on the right at equal parameters" if equal else ""
    return style.Drawing(
        figure,
        f"Accuracy of networks of {width[0].layers} to {width[-1].layers} layers after {one.epochs} epochs: "
        f"on validation images from each initialisation; training and validation from He's{more}.",
    )


def signal(records: Records) -> style.Drawing | None:
    """Activations and gradients, layer by layer, of the deepest net from each initialisation."""
    study = records.study
    if study is None or not study.signals:
        return None
    shown = [one for one in study.signals if one.layers == study.deepest]
    figure = style.new_figure(9.6, 4.2)
    forward, backward = figure.subplots(1, 2)
    _layer_by_layer(forward, shown, [one.activations for one in shown])
    forward.set_title("What leaves each layer (rms)")
    _layer_by_layer(backward, shown, [one.gradients for one in shown])
    backward.set_title("Gradient of each layer's weights (rms)")
    style.credit(figure, f"{records.label}, {study.deepest} layers, before the first step", where="below")
    return style.Drawing(
        figure,
        "Root mean square of what leaves each layer, and of the gradient of its weights, before the first "
        "step. From N(0, 1e-3) a deep net passes on neither.",
    )


def _by_initialisation(axes: Axes, networks: Sequence[Depth]) -> None:
    ends = []
    for how in dict.fromkeys(net.initialisation for net in networks):
        line = [net for net in networks if net.initialisation == how]
        layers, means = [net.layers for net in line], [100 * net.validation.mean for net in line]
        color, name = COLORS.get(how, style.GREY), initialisation_name(how)
        _points(axes, layers, means, [100 * net.validation.std for net in line], color, name)
        ends.append((layers[-1], means[-1], name, color))
    axes.set_ylim(0, 1.12 * max(100 * net.validation.mean for net in networks))
    axes.axhline(10, color=style.FAINT, linewidth=1.2, zorder=0)
    _layers_axis(axes, networks)
    style.end_labels(axes, ends, gap=0.08)


def _training_and_validation(axes: Axes, networks: Sequence[Depth]) -> None:
    ends = []
    layers = [net.layers for net in networks]
    for name, color, values in (
        ("training", style.TRAIN, [net.training for net in networks]),
        ("validation", style.VALIDATION, [net.validation for net in networks]),
    ):
        means = [100 * accuracy.mean for accuracy in values]
        _points(axes, layers, means, [100 * accuracy.std for accuracy in values], color, name)
        ends.append((layers[-1], means[-1], f"{name}\n{means[-1]:.1f} %", color))
    _layers_axis(axes, networks)
    axes.margins(y=0.15)
    axes.locator_params(axis="y", nbins=6, steps=[1, 2, 5, 10])
    style.end_labels(axes, ends, gap=0.14)


def _layer_by_layer(axes: Axes, shown: Sequence[Signal], lines: Sequence[Sequence[float]]) -> None:
    axes.set_yscale("log")
    ends = []
    for one, values in zip(shown, lines, strict=True):
        color = COLORS.get(one.initialisation, style.GREY)
        numbers = range(1, len(values) + 1)
        axes.plot(numbers, values, "o-", color=color, label=initialisation_name(one.initialisation))
        ends.append((numbers[-1], values[-1], initialisation_name(one.initialisation), color))
    axes.set_xticks(range(1, len(lines[0]) + 1))
    axes.set_xlabel("layer")
    style.grid(axes)
    style.end_labels(axes, ends, gap=0.08)


def _points(
    axes: Axes, x: Sequence[int], means: Sequence[float], deviations: Sequence[float], color: str, name: str
) -> None:
    axes.errorbar(x, means, yerr=np.asarray(deviations), fmt="none", ecolor=color, capsize=3)
    axes.plot(x, means, "o-", color=color, markersize=5, label=name)


def _layers_axis(axes: Axes, networks: Sequence[Depth]) -> None:
    axes.set_xticks(sorted({net.layers for net in networks}))
    axes.set_xlabel("layers")
    style.grid(axes)
