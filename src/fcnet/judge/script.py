"""Training and evaluation of the PyTorch half: the script runs on random pictures, and its calls are read."""

import ast
import re
from collections.abc import Sequence
from itertools import pairwise

from fcnet.judge.case import Case
from fcnet.judge.isolation import Submission
from fcnet.judge.isolation.reply import Event
from fcnet.judge.script_evaluation import judge_evaluation
from fcnet.judge.script_events import Events, add, epochs, events_of, seen

GIVEN_RATE = 1e-3
"""The exercise's learning rate: a smaller one may make up for a summed loss."""

FEW = 8
"""A factor of fewer examples than these may be anything. Smoothed labels and weights of classes change it."""

CLEAR = 0.05
"""The cosine between movement and gradient from which a direction is told."""


def judge_script(case: Case, submission: Submission) -> None:
    """Run the script twice, once with `train = True` and once without, and read what it does."""
    text = case.source.text
    if not re.search(r"DataLoader\(|optim\.\w+\(|\.backward\(", text):
        case.notes.append("the file has no training: only the class was looked at")
        return
    first = events_of(submission, text, True)
    second = events_of(submission, text, False) if re.search(r"^\s*train\s*=", text, re.M) else []
    failed = next((event for event in (*first, *second) if event.kind == "failed"), None)
    if failed is not None and not seen(first, "batch"):
        told_early_failure(case, failed)
        return
    case.reached += ["pytorch training", "evaluation"]
    judge_training(case, first, failed)
    judge_evaluation(case, first, second, failed)


def told_early_failure(case: Case, failed: Event) -> None:
    """The script ended before its first batch."""
    if "NotImplementedError" in failed.text:
        case.reached.append("pytorch training")
        case.add(
            "PT_TRAINING_UNIMPLEMENTED", "the script", "a training", failed.text, line=failed.number or None
        )
    else:
        case.notes.append(
            f"the script was not run to its training ({failed.text}): only the class was looked at"
        )


# Training ---------------------------------------------------------------------------------------------------
def judge_training(case: Case, events: Events, failed: Event | None) -> None:
    """Read the training's events."""
    steps = seen(events, "step")
    where = {event.source for event in seen(events, "step") + seen(events, "backward")}
    if {"validation", "test"} & where:
        add(case, "PT_TRAINED_ON_VALIDATION", "steps on the training set alone", f"steps on {sorted(where)}")
    sources = ("train",) if "train" in where or not where else tuple(where)
    if failed is not None and failed.source in ("train", *sources):
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
    closures = bool(steps) and all("closure" in event.text for event in steps)
    added_up = accumulates(case)
    if len(steps) < max(backwards // 2, 1) and not by_hand and not closures and not added_up:
        add(case, "PT_STEP_MISSING", "a step of the optimiser for each batch", f"{len(steps)} steps")
        return
    before = len(case.findings)
    if added_up:
        case.notes.append("the optimiser steps once for several minibatches: their order was not judged")
    else:
        judge_order(case, events, sources, by_hand)
    judge_descent(case, events, sources)
    if len(steps) > 2 and not moved and len(case.findings) == before:
        add(
            case, "PT_STEP_MISSING", "weights that move", f"{len(steps)} steps, and the weights stay the same"
        )
    if any("zero" in event.words for event in seen(events, "forward", sources)[:1]):
        add(case, "PT_WEIGHTS_ZERO", "random weights before the first step", "all weights are 0")
    per_epoch = [len(seen(part, "batch", sources)) for part in epochs(events, sources)]
    if per_epoch and max(per_epoch) == 1 and "train" in sources:
        add(case, "PT_ONE_BATCH", "all batches of the training set", "one batch in each epoch")


def judge_failure(case: Case, events: Events, failed: Event) -> None:
    """An exception in the training loop."""
    line = failed.number or None
    order = [event.kind for event in events if event.kind in ("backward", "step")]
    if swapped(case, line):
        add(case, "PT_LOSS_ARGUMENTS", "criterion(outputs, labels)", failed.text, line)
    elif "NotImplementedError" in failed.text and "not implemented for" not in failed.text:
        add(case, "PT_TRAINING_UNIMPLEMENTED", "a training", "not written yet", line)
    elif "is invalid for input of size" in failed.text:
        add(case, "PT_BATCH_VIEW", "batches of any length", failed.text, line)
    elif first_step_without_backward(order):
        add(case, "PT_STEP_BEFORE_BACKWARD", "backward, then step", failed.text, line)
    elif "does not require grad" in failed.text:
        add(case, "PT_LOSS_DETACHED", "a loss with a gradient", failed.text, line)
    else:
        add(case, "PT_SCRIPT_FAILS", "a training", failed.text, line)


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
    losses = trained_losses(events, sources)
    names = [event.words or [""] for event in losses]
    plain = [words for words in names if words[0] == "cross_entropy"]
    kinds = {kind for kind, _, _ in slopes(events, sources)}  # of the loss, whatever computes it
    if losses and not plain:
        logged = re.search(r"log_?softmax", case.source.text, re.I) or kinds == {"cross_entropy"}
        if not (names[0][0] in ("nll_loss", "kl_div") and logged):
            add(case, "PT_OTHER_LOSS", "the cross-entropy", names[0][0])
    elif kinds == {"squared"}:
        add(case, "PT_OTHER_LOSS", "the cross-entropy", "the squared error")
    elif not losses and "other" in kinds:
        case.notes.append("the loss is neither one of PyTorch's nor the cross-entropy: it was not judged")
    if plain and all("probabilities" in words for words in plain) and not case.has("PT_SOFTMAX_IN_FORWARD"):
        add(case, "PT_SOFTMAX_BEFORE_LOSS", "logits in CrossEntropyLoss", "probabilities")


def trained_losses(events: Events, sources: Sequence[str]) -> Events:
    """The losses of minibatches with a backward pass, for an evaluation may ask for others; else all."""
    found: Events = []
    since: Events = []  # the last batch or backward pass
    for event in events:
        if event.kind == "loss" and event.source in sources:
            since.append(event)
        elif event.kind == "backward":
            found += since
        if event.kind in ("batch", "backward"):
            since = []
    return found or seen(events, "loss", sources)


def moves(events: Events, sources: Sequence[str]) -> int:
    """How often the weights were others than at the forward pass before."""
    return sum("moved" in event.words for event in seen(events, "forward", sources))


def judge_order(case: Case, events: Events, sources: Sequence[str], by_hand: bool) -> None:
    """The order of zero_grad, backward and step.

    by_hand : the script moves the weights without an optimiser
    """
    order = in_order(events, sources)
    pairs = list(pairwise(order))
    backwards = [event for event in seen(events, "backward") if event.source in (*sources, "")]
    steps = len(backwards) if by_hand else order.count("step")
    cleared = sum("clear" in event.text for event in backwards)  # by zero_grad, or in another way
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
    empty = [event for event in events if event.kind == "step" and "empty" in event.words]
    if len(empty) > steps // 2 and not case.has("PT_ZERO_GRAD_TOO_LATE"):
        add(
            case,
            "PT_OTHER_MODEL_TRAINED",
            "an optimiser of the network's own parameters",
            "its parameters have no gradient",
        )


def accumulates(case: Case) -> bool:
    """Whether steps and zero_grad come only after every so many minibatches: gradients add up on purpose."""
    nodes = ast.walk(case.source.tree) if case.source.tree is not None else ()
    for node in nodes:
        if isinstance(node, ast.If) and any(isinstance(part, ast.Mod) for part in ast.walk(node.test)):
            called = {
                part.attr for one in node.body for part in ast.walk(one) if isinstance(part, ast.Attribute)
            }
            if {"step", "zero_grad"} <= called:
                return True
    return False


def in_order(events: Events, sources: Sequence[str]) -> list[str]:
    """zero_grad, backward and step as they follow each other; several optimisers step together."""
    order: list[str] = []
    stepping: set[int] = set()  # numbers of the optimisers that have stepped since another call
    for event in events:
        if event.kind not in ("zero_grad", "backward", "step") or event.source not in (*sources, ""):
            continue
        together = event.kind == "step" and bool(stepping) and event.number not in stepping
        stepping = (
            stepping | {event.number} if together else {event.number} if event.kind == "step" else set()
        )
        if not together:
            order.append(event.kind)
    return order


def first_step_without_backward(order: Sequence[str]) -> bool:
    """Whether a step comes before there was a gradient."""
    return "step" in order and ("backward" not in order or order.index("step") < order.index("backward"))


# Whether the training goes down the cross-entropy and moves all parameters: child/following.py -------------
def slopes(events: Events, sources: Sequence[str]) -> list[tuple[str, float, int]]:
    """Of each loss that was looked at: its kind, its factor, and the number of examples."""
    found = seen(events, "slope", (*sources, ""))
    return [(event.text, event.measures.get("factor", 0.0), event.number) for event in found]


def judge_descent(case: Case, events: Events, sources: Sequence[str]) -> None:
    """Name a summed loss, steps uphill, and parameters that training leaves alone."""
    known = slopes(events, sources)
    plain = [(factor, count) for kind, factor, count in known if kind != "other"]
    if plain and all(count >= FEW and 0.5 < factor / count < 2 for factor, count in plain):
        told_sum(case, events, plain[0][1])
    direction(case, events, sources)
    for event in events:
        if event.kind == "frozen":
            add(case, "PT_FROZEN", "a training of all parameters", f"no gradients for {event.text}")
        elif event.kind == "left out":
            add(case, "PT_PARAMETERS_LEFT_OUT", "an optimiser of all parameters", f"without {event.text}")


def told_sum(case: Case, events: Events, count: int) -> None:
    """A loss that is a sum: a mistake, unless the learning rate may make up for it."""
    rate = max((event.measures.get("rate", 0.0) for event in seen(events, "step")), default=0.0)
    if rate >= GIVEN_RATE * (1 - 1e-6):
        got = f"the sum over {count} examples, learning rate {rate:g}"
        add(case, "PT_LOSS_SUM", "the mean over the minibatch", got)
    else:
        case.notes.append("the loss is a sum over the minibatch; a small learning rate may make up for that")


def direction(case: Case, events: Events, sources: Sequence[str]) -> None:
    """Whether the first movement of the parameters is uphill, of a loss whose sign is known."""
    signs = [factor for _, factor, _ in slopes(events, sources) if factor]
    moves = [event.measures.get("cosine", 0.0) for event in seen(events, "move")]
    if signs and moves and moves[0] * (1 if signs[0] > 0 else -1) > CLEAR:
        add(case, "PT_UPHILL", "steps down the cross-entropy", "the first step goes up")
