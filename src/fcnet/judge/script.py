"""Training and evaluation of the PyTorch half: the script runs on random pictures, and its calls are read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from fcnet.judge.asked import Asked
from fcnet.judge.case import Case

SECONDS = 6.0
"""Of the processor's time, for each of the two runs, training and test."""

Events = list[list[Any]]


def judge_script(case: Case, submission: Asked) -> None:
    """Run the script twice, once with `train = True` and once without, and read what it does."""
    text = case.source.text
    if not re.search(r"DataLoader\(|optim\.\w+\(|\.backward\(", text):
        case.notes.append("the file has no training: only the class was looked at")
        return
    first = events_of(submission, text, True)
    second = events_of(submission, text, False) if re.search(r"^\s*train\s*=", text, re.M) else []
    failed = next((event for event in (*first, *second) if event[0] == "failed"), None)
    if failed is not None and not seen(first, "batch"):
        told_early_failure(case, failed)
        return
    case.reached += ["pytorch training", "evaluation"]
    judge_training(case, first, failed)
    judge_evaluation(case, first, second, failed)


def events_of(submission: Asked, text: str, train: bool) -> Events:
    """The events of a run; none where its process ended."""
    reply = submission.call("script", source=text, seconds=SECONDS, train=train)
    if reply.failure is not None:
        return [["failed", "", reply.failure.line or 0, reply.failure.text]]
    return [
        event
        for event in reply.value["events"]
        if isinstance(event, list)
        and len(event) == 4
        and isinstance(event[0], str)
        and isinstance(event[1], str)
        and isinstance(event[2], int)
        and isinstance(event[3], str)
    ]


def seen(
    events: Events, kind: str, sources: Sequence[str] = ("train", "validation", "test", "")
) -> list[list[Any]]:
    """The events of a kind, while a part of the data was being read."""
    return [event for event in events if event[0] == kind and event[1] in sources]


def told_early_failure(case: Case, failed: list[Any]) -> None:
    """The script ended before its first batch."""
    if "NotImplementedError" in failed[3]:
        case.reached.append("pytorch training")
        case.add("PT_TRAINING_UNIMPLEMENTED", "the script", "a training", failed[3], line=failed[2] or None)
    else:
        case.notes.append(
            f"the script was not run to its training ({failed[3]}): only the class was looked at"
        )


def add(case: Case, code: str, expected: Any, got: Any, line: int | None = None) -> None:
    case.add(
        code, "the script on random pictures", expected, got, line=line, spans=[(1, len(case.source.lines))]
    )


# Training ---------------------------------------------------------------------------------------------------
def judge_training(case: Case, events: Events, failed: list[Any] | None) -> None:
    """Read the training's events."""
    steps = seen(events, "step")
    where = {event[1] for event in seen(events, "step") + seen(events, "backward")}
    if {"validation", "test"} & where:
        add(case, "PT_TRAINED_ON_VALIDATION", "steps on the training set alone", f"steps on {sorted(where)}")
    sources = ("train",) if "train" in where or not where else tuple(where)
    if failed is not None and failed[1] in ("train", *sources):
        judge_failure(case, events, failed)
        return
    if not seen(events, "forward", sources) and not seen(events, "loss", sources):
        add(case, "PT_TRAINING_UNIMPLEMENTED", "a forward pass for each batch", "none")
        return
    judge_loss(case, events, sources)
    if not seen(events, "backward"):
        add(case, "PT_BACKWARD_MISSING", "loss.backward() for each batch", "no backward pass")
        return
    backwards, moved = len(seen(events, "backward")), moves(events, sources)
    by_hand = len(steps) < max(backwards // 2, 1) and moved > backwards // 2
    closures = bool(steps) and all("closure" in event[3] for event in steps)
    if len(steps) < max(backwards // 2, 1) and not by_hand and not closures:
        add(case, "PT_STEP_MISSING", "a step of the optimiser for each batch", f"{len(steps)} steps")
        return
    before = len(case.findings)
    judge_order(case, events, sources, by_hand)
    if len(steps) > 2 and not moved and len(case.findings) == before:
        add(
            case, "PT_STEP_MISSING", "weights that move", f"{len(steps)} steps, and the weights stay the same"
        )
    if any("zero" in event[3].split() for event in seen(events, "forward", sources)[:1]):
        add(case, "PT_WEIGHTS_ZERO", "random weights before the first step", "all weights are 0")
    per_epoch = [len(seen(part, "batch", sources)) for part in epochs(events, sources)]
    if per_epoch and max(per_epoch) == 1 and "train" in sources:
        add(case, "PT_ONE_BATCH", "all batches of the training set", "one batch in each epoch")


def judge_failure(case: Case, events: Events, failed: list[Any]) -> None:
    """An exception in the training loop."""
    line = failed[2] or None
    order = [event[0] for event in events if event[0] in ("backward", "step")]
    if swapped(case, line):
        add(case, "PT_LOSS_ARGUMENTS", "criterion(outputs, labels)", failed[3], line)
    elif "NotImplementedError" in failed[3] and "not implemented for" not in failed[3]:
        add(case, "PT_TRAINING_UNIMPLEMENTED", "a training", "not written yet", line)
    elif "is invalid for input of size" in failed[3]:
        add(case, "PT_BATCH_VIEW", "batches of any length", failed[3], line)
    elif first_step_without_backward(order):
        add(case, "PT_STEP_BEFORE_BACKWARD", "backward, then step", failed[3], line)
    elif "does not require grad" in failed[3]:
        add(case, "PT_LOSS_DETACHED", "a loss with a gradient", failed[3], line)
    else:
        add(case, "PT_SCRIPT_FAILS", "a training", failed[3], line)


def swapped(case: Case, line: int | None) -> bool:
    """Whether a loss failed because its two arguments are in the wrong order."""
    call = re.search(r"(criterion|loss\w*|cross_entropy)\(\s*(\w+)\s*,\s*(\w+)\s*\)", case.line_text(line))
    return (
        call is not None
        and bool(re.match(r"(label|target|y\b|y_)", call.group(2)))
        and "label" not in call.group(3)
    )


def judge_loss(case: Case, events: Events, sources: Sequence[str]) -> None:
    """Which loss is taken, of what."""
    losses = seen(events, "loss", sources)
    names = [event[3].split() for event in losses]
    plain = [words for words in names if words[0] == "cross_entropy"]
    if losses and not plain:
        logged = names[0][0] == "nll_loss" and re.search(r"log_?softmax", case.source.text, re.I)
        if not logged:
            add(case, "PT_OTHER_LOSS", "the cross-entropy", names[0][0])
    if plain and all("probabilities" in words for words in plain) and not case.has("PT_SOFTMAX_IN_FORWARD"):
        add(case, "PT_SOFTMAX_BEFORE_LOSS", "logits in CrossEntropyLoss", "probabilities")


def moves(events: Events, sources: Sequence[str]) -> int:
    """How often the weights were others than at the forward pass before."""
    return sum("moved" in event[3].split() for event in seen(events, "forward", sources))


def judge_order(case: Case, events: Events, sources: Sequence[str], by_hand: bool) -> None:
    """The order of zero_grad, backward and step.

    by_hand : the script moves the weights without an optimiser
    """
    order = [
        event[0]
        for event in events
        if event[0] in ("zero_grad", "backward", "step") and event[1] in (*sources, "")
    ]
    pairs = list(pairwise(order))
    backwards = [event for event in seen(events, "backward") if event[1] in (*sources, "")]
    steps = len(backwards) if by_hand else order.count("step")
    cleared = sum("clear" in event[3] for event in backwards)  # by zero_grad, or in another way
    zeros = max(order.count("zero_grad"), cleared)
    late = sum(pair == ("zero_grad", "step") for pair in pairs)
    if pairs.count(("step", "step")) > steps // 3:
        add(case, "PT_STEP_TWICE", "a step of the optimiser for each backward pass", "several")
    elif late > steps // 2:
        add(
            case,
            "PT_ZERO_GRAD_TOO_LATE",
            "gradients when the optimiser steps",
            "zero_grad between backward and step",
        )
    elif zeros < 0.6 * steps:
        add(case, "PT_ZERO_GRAD_MISSING", f"zero_grad before each of {steps} steps", f"{zeros} times")
    elif order and first_step_without_backward(order):
        add(case, "PT_STEP_BEFORE_BACKWARD", "backward, then step", "step before the first backward")
    empty = [event for event in events if event[0] == "step" and "empty" in event[3].split()]
    if len(empty) > steps // 2 and not case.has("PT_ZERO_GRAD_TOO_LATE"):
        add(
            case,
            "PT_OTHER_MODEL_TRAINED",
            "an optimiser of the network's own parameters",
            "its parameters have no gradient",
        )


def first_step_without_backward(order: Sequence[str]) -> bool:
    """Whether a step comes before there was a gradient."""
    return "step" in order and ("backward" not in order or order.index("step") < order.index("backward"))


def epochs(events: Events, sources: Sequence[str]) -> list[Events]:
    """The events between two passes over the training set."""
    parts: list[Events] = [[]]
    for event in events:
        parts[-1].append(event)
        if (event[0] == "end" and event[1] in sources) or (event[0] == "batch" and event[1] not in sources):
            parts.append([])
    return [part for part in parts if seen(part, "batch", sources)]


# Evaluation -------------------------------------------------------------------------------------------------
def judge_evaluation(case: Case, first: Events, second: Events, failed: list[Any] | None) -> None:
    """Read the events of validation and test."""
    if case.has("PT_TRAINED_ON_VALIDATION"):
        case.reached.remove("evaluation")
        return
    evaluated = [e for e in (*first, *second) if e[0] == "forward" and e[1] in ("validation", "test")]
    if not evaluated:
        if case.has("PT_TRAINING_UNIMPLEMENTED") or case.wrong("pytorch training"):
            case.reached.remove("evaluation")
        elif on_training_set(first):
            add(case, "PT_EVAL_ON_TRAINING_SET", "an accuracy on validation pictures", "on training pictures")
        elif failed is not None:
            add(case, "PT_SCRIPT_FAILS", "an evaluation", failed[3], failed[2] or None)
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
    flags = [set(event[3].split()) for event in evaluated]
    if any({"training", "random"} <= words for words in flags):
        add(case, "PT_EVAL_RANDOM", "evaluation mode", "dropout or batch norm in training mode")
    elif any("training" in words for words in flags):
        add(case, "PT_EVAL_MODE", "evaluation mode", "training mode")
    if any("grad" in words for words in flags):
        add(case, "PT_EVAL_GRADIENTS", "no gradients", "gradients are kept")
    judge_choices(case, first, second)
    judge_parts(case, (*first, *second))


def judge_parts(case: Case, events: Sequence[list[Any]]) -> None:
    """Whether all validation and test pictures are looked at."""
    if any(event[0] == "stopped" for event in events):
        return
    for source, count, name in (("test", "10,000", "test"), ("validation", "all", "validation")):
        told = [event for event in events if event[1] == source]
        asked = sum(event[2] for event in told if event[0] == "batch")
        if asked and not any(event[0] == "end" for event in told):
            add(case, "PT_EVAL_PART", f"{count} {name} pictures", f"{asked:,}")


def on_training_set(events: Events) -> bool:
    """Whether predictions were made for training pictures after the steps of an epoch."""
    last = max((place for place, event in enumerate(events) if event[0] == "step"), default=len(events))
    after = events[last + 1 :]
    return bool(seen(after, "forward", ("train",)))


def steps_after_test(events: Events) -> Events:
    """Steps that were taken after the test set had been used."""
    first = next(
        (place for place, event in enumerate(events) if event[0] == "forward" and event[1] == "test"),
        len(events),
    )
    return seen(events[first:], "step")


def judge_choices(case: Case, first: Events, second: Events) -> None:
    """Along which axis the class is chosen, and from what."""
    outside = [e for e in (*first, *second) if e[1] not in ("", "train")]
    axes = {event[2] for event in outside if event[0] == "choice"}
    if axes and axes <= {0, -2}:
        add(case, "PT_ARGMAX_AXIS", "the largest score of each picture, axis 1", "of each class, axis 0")
    elif 0 in axes or -2 in axes:
        add(case, "PT_ARGMAX_AXIS", "the largest score of each picture, axis 1", "axis 0 in one place")
    names = {event[3] for event in outside if event[0] == "outside"}
    in_training = {event[3] for event in seen(first, "outside", ("train",))}
    if names - in_training:
        add(
            case,
            "PT_EVAL_SIGMOID",
            "the same function in training and evaluation",
            f"{', '.join(names)} in evaluation only",
        )
