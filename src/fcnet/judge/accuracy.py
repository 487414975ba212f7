"""The accuracies that a PyTorch script prints, held against its network's predictions.

The child counts the right predictions of each whole pass over validation or test pictures, and what wrong
ways of counting make of them. An accuracy is called wrong only where the numbers that the script prints after
a pass hold that of a wrong way, with enough digits, and not the right one.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence

from fcnet.judge.case import Case
from fcnet.judge.script_events import Events, add

WAYS = {
    "least": ("PT_ARGMIN", "that of the classes with the smallest scores"),
    "minibatches": ("PT_ACCURACY", "the right predictions divided by the number of minibatches"),
    "size": ("PT_ACCURACY", "the right predictions divided by the size of one minibatch"),
    "last": ("PT_ACCURACY", "that of the last minibatch alone"),
    "last over all": ("PT_ACCURACY", "the last minibatch's right predictions divided by all pictures"),
    "mean": ("PT_ACCURACY_UNEVEN", "the mean over minibatches, of which the last is smaller"),
    "full": ("PT_ACCURACY_UNEVEN", "with all minibatches counted as full, of which the last is smaller"),
}
"""Wrong ways of counting by the child's names, each with its kind of mistake and its words."""

UNTOLD = dict.fromkeys(("right", *WAYS), math.nan)
"""Shares that a child does not tell are none."""

NUMBER = re.compile(r"(?<![\w.])\d+(?:\.(\d+))?(?:e([-+]\d\d)(?!\d))?")
WORDS = re.compile(r"acc|%|right|correct", re.I)
"""Of a line that tells an accuracy."""

DIGITS = 3
"""Of all numbers together that show a wrong way of counting: fewer may agree by chance."""

Printed = tuple[float, float, float]
"""A number, half a unit of its last digit, and its digits: half of them where its line does not speak of an
accuracy, and none for a whole number."""

Shares = Mapping[str, float]


def judge_accuracy(case: Case, events: Events) -> None:
    """Name an accuracy that is not the share of right predictions."""
    for source in ("validation", "test"):
        wrong = [
            (shares, numbers)
            for shares, numbers in told_of(events, source)
            if not any(is_share(number, shares["right"]) for number in numbers)
        ]
        for way, (code, words) in WAYS.items():
            digits = [matched(numbers, shares[way]) for shares, numbers in wrong]
            if digits and all(digits) and sum(digits) >= DIGITS:
                add(case, code, f"{source} accuracy {100 * wrong[0][0]['right']:.2f} %", words)
                break


def told_of(events: Events, source: str) -> list[tuple[Shares, list[Printed]]]:
    """Shares of each pass over a part of the data, with the numbers that are printed until the next one.

    Accuracies of other passes are left out, and passes after which nothing is told.
    """
    passes = [(place, event) for place, event in enumerate(events) if event.kind == "pass"]
    found: list[tuple[Shares, list[Printed]]] = []
    for place, event in passes:
        if event.source != source:
            continue
        end = next(
            (later for later, other in passes if later > place and other.source == source), len(events)
        )
        lines = [one.text for one in events[place:end] if one.kind == "print"]
        others = [(UNTOLD | other.measures)["right"] for _, other in passes if other.source != source]
        numbers = [
            number
            for line in lines
            for number in numbers_in(line)
            if not any(is_share(number, share) for share in others)
        ]
        if numbers:
            found.append((UNTOLD | event.measures, numbers))
    return found


def matched(numbers: Sequence[Printed], share: float) -> float:
    """The most digits with which one of the numbers is a share."""
    return max((number[2] for number in numbers if is_share(number, share)), default=0.0)


def numbers_in(line: str) -> Iterator[Printed]:
    """The numbers in a line."""
    for match in NUMBER.finditer(line):
        decimals, exponent = match.groups()
        digits = len(re.sub(r"e.*|\.", "", match.group()).lstrip("0"))
        half = 0.5 * 10.0 ** (int(exponent or 0) - len(decimals or ""))
        yield float(match.group()), half, (digits if WORDS.search(line) else digits / 2) if decimals else 0


def is_share(number: Printed, share: float) -> bool:
    """Whether a number is a share, or its percentage, to its last digit; a whole number may be cut off."""
    value, half, _ = number
    room = 1.0001 * (half if half < 0.5 else 1.0) + 1e-6 * value
    return abs(value - 100 * share) <= room or (half < 0.5 and abs(value - share) <= room)
