"""Evaluation of the PyTorch half: which pictures are looked at, in which mode, and what is counted."""

from collections.abc import Sequence

from fcnet.judge.accuracy import judge_accuracy
from fcnet.judge.case import Case
from fcnet.judge.isolation.reply import Event
from fcnet.judge.script_events import Events, add, seen


def judge_evaluation(case: Case, first: Events, second: Events, failed: Event | None) -> None:
    """Read the events of validation and test."""
    if case.has("PT_TRAINED_ON_VALIDATION"):
        case.reached.remove("evaluation")
        return
    evaluated = [e for e in (*first, *second) if e.kind == "forward" and e.source in ("validation", "test")]
    if not evaluated:
        if case.has("PT_TRAINING_UNIMPLEMENTED") or case.wrong("pytorch training"):
            case.reached.remove("evaluation")
        elif on_training_set(first):
            add(case, "PT_EVAL_ON_TRAINING_SET", "an accuracy on validation pictures", "on training pictures")
        elif failed is not None:
            add(case, "PT_SCRIPT_FAILS", "an evaluation", failed.text, failed.number or None)
        else:
            add(case, "PT_EVALUATION_UNIMPLEMENTED", "predictions for the validation set", "none")
        return
    validated = [event for event in evaluated if event in first]
    if not validated and seen(first, "step"):
        if on_training_set(first):
            add(case, "PT_EVAL_ON_TRAINING_SET", "an accuracy on validation pictures", "on training pictures")
        else:
            add(case, "PT_EVALUATION_UNIMPLEMENTED", "predictions for the validation set", "none")
    if steps_after_test(first):
        add(case, "PT_TEST_SET_IN_TRAINING", "the test set once, at the end", "the test set in every epoch")
    flags = [set(event.words) for event in evaluated]
    if any({"training", "random"} <= words for words in flags):
        add(case, "PT_EVAL_RANDOM", "evaluation mode", "dropout or batch norm in training mode")
    elif any("training" in words for words in flags):
        add(case, "PT_EVAL_MODE", "evaluation mode", "training mode")
    if any("grad" in words for words in flags):
        add(case, "PT_EVAL_GRADIENTS", "no gradients", "gradients are kept")
    judge_choices(case, first, second)
    for events in (first, second):
        judge_accuracy(case, events)
    judge_parts(case, (*first, *second))


def judge_parts(case: Case, events: Sequence[Event]) -> None:
    """Whether all validation and test pictures are looked at."""
    if any(event.kind == "stopped" for event in events):
        return
    for source, count, name in (("test", "10,000", "test"), ("validation", "all", "validation")):
        told = [event for event in events if event.source == source]
        asked = sum(event.number for event in told if event.kind == "batch")
        if asked and not any(event.kind == "end" for event in told):
            add(case, "PT_EVAL_PART", f"{count} {name} pictures", f"{asked:,}")


def on_training_set(events: Events) -> bool:
    """Whether predictions were made for training pictures after the steps of an epoch."""
    last = max((place for place, event in enumerate(events) if event.kind == "step"), default=len(events))
    after = events[last + 1 :]
    return bool(seen(after, "forward", ("train",)))


def steps_after_test(events: Events) -> Events:
    """Steps that were taken after the test set had been used."""
    first = next(
        (place for place, event in enumerate(events) if event.kind == "forward" and event.source == "test"),
        len(events),
    )
    return seen(events[first:], "step")


def judge_choices(case: Case, first: Events, second: Events) -> None:
    """Along which axis the class is chosen, and from what."""
    outside = [e for e in (*first, *second) if e.source not in ("", "train")]
    axes = {event.number for event in outside if event.kind == "choice"}
    if axes and axes <= {0, -2}:
        add(case, "PT_ARGMAX_AXIS", "the largest score of each picture, axis 1", "of each class, axis 0")
    elif 0 in axes or -2 in axes:
        add(case, "PT_ARGMAX_AXIS", "the largest score of each picture, axis 1", "axis 0 in one place")
    if any(event.kind == "choice" and event.text == "least" for event in outside):
        add(case, "PT_ARGMIN", "the class with the largest score", "that with the smallest")
    names = {event.text for event in outside if event.kind == "outside"}
    in_training = {event.text for event in seen(first, "outside", ("train",))}
    if names - in_training:
        add(
            case,
            "PT_EVAL_SIGMOID",
            "the same function in training and evaluation",
            f"{', '.join(names)} in evaluation only",
        )
