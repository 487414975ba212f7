"""How numbers and foreign words are written wherever people read them: terminal, report, documents."""

from collections.abc import Iterable, Mapping
from typing import Any


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


def setting(value: object, between: str = " ") -> str:
    """A setting as it is typed: `512 256`, `yes`, `0.1`; `between` stands between several values."""
    if isinstance(value, list | tuple):
        return between.join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def shown(text: object, most: int = 5_000) -> str:
    """Words that somebody else chose, as one line for the terminal: file names, classes, labels, messages.

    Control characters, line breaks, marks that turn the direction of writing, and undecodable bytes are
    escaped, so that they cannot move the cursor, hide something, or begin a line of their own.

    Parameters
    ----------
    text : the words
    most : characters, after which they are cut
    """
    words = str(text)
    safe = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in words[:most])
    return f"{safe} ..." if len(words) > most else safe


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def megabytes(size: int) -> str:
    """A number of bytes: `184 MB`, `12 kB`."""
    if size >= 10_000_000_000:
        return f"{size / 1e9:.0f} GB"
    return f"{size / 1e6:.0f} MB" if size >= 1_000_000 else f"{-(-size // 1000)} kB"


def seconds(value: float) -> str:
    """A time in seconds without its unit: `12.3`, and `0.04` rather than `0.0`."""
    return f"{value:.1f}" if value >= 0.1 or value == 0 else f"{value:.1g}"


def validated(record: Mapping[str, Any]) -> str:
    """The validation accuracy of a record: `66.1 %`, or `66.1 % (65.0 % before averaging)`."""
    reached, last = percent(float(record["metrics"]["val_accuracy"])), record.get("unaveraged")
    return f"{reached} ({percent(float(last['val_accuracy']))} before averaging)" if last else reached
