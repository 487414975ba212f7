"""How numbers are written wherever people read them: the terminal, the report, the documents."""

from __future__ import annotations

from collections.abc import Iterable


def percent(fraction: float, digits: int = 1) -> str:
    """A fraction in percent: 0.5432 is `54.3 %`."""
    return f"{100 * fraction:.{digits}f} %"


def points(fraction: float, sign: bool = True) -> str:
    """A difference of two fractions in points: 0.01 is `+1.0 points`, or `1.0 points` without its sign."""
    return f"{100 * fraction:{'+' if sign else ''}.1f} points"


def mean_percent(mean: float, deviation: float, count: int) -> str:
    """The mean of `count` fractions, with their standard deviation where there is more than one."""
    return f"{100 * mean:.1f} ± {100 * deviation:.1f} %" if count > 1 else percent(mean)


def times(count: int) -> str:
    """How often: `once`, `2 times`."""
    return "once" if count == 1 else f"{count} times"


def by(sizes: Iterable[object]) -> str:
    """Sizes side by side: `512 x 256`."""
    return " x ".join(map(str, sizes))
