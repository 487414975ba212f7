"""Loss (1b): one number, without and with the penalty."""

import numpy as np

from fcnet.judge.case import Case, told
from fcnet.judge.clipping import judge_clipping
from fcnet.judge.explaining import step
from fcnet.judge.forms import loss_of
from fcnet.judge.hypotheses import Channel, Guess, close
from fcnet.judge.sizes import failed, usable_sizes
from fcnet.two_layernet import log_softmax


def judge_loss(case: Case) -> bool:
    """Look at the loss; whether the gradients can be looked at."""
    case.reached.append("loss")
    student = case.student
    if not usable_sizes(case, "loss"):
        return False
    for place, probe in enumerate(case.probes):
        for reg in (0.0, probe.reg):
            seen = loss_of(student, probe.at(reg))
            if seen.failure is not None:
                failed(case, "loss", seen.failure)
                return False
            for form in seen.forms:
                case.add(form.code, told(probe.at(reg), ["loss"]), form.wanted, form.got)
            if seen.value is not None:
                case.observed[place, "loss", reg] = seen.value
    losses = [value for (_, what, _), value in case.observed.items() if what == "loss"]
    if not losses:
        return not case.has("LOSS_UNIMPLEMENTED")
    if all(value == 0 for value in losses):
        case.add("LOSS_UNIMPLEMENTED", told(case.probes[0], ["loss"]), "a loss", 0.0)
        case.observed = {channel: value for channel, value in case.observed.items() if channel[1] != "loss"}
        return True
    if not case.has("HARDCODED_C", "HARDCODED_N", "LOSS_4TUPLE"):
        judge_clipping(case)
    judge_loss_numbers(case)
    return True


def judge_loss_numbers(case: Case) -> None:
    """Explain the loss without and with the penalty."""
    places = range(len(case.probes))
    plain = [(place, "loss", 0.0) for place in places]
    if not case.guesses:  # the scores are not explained: the loss may be right all the same
        case.guesses = right_with(case, plain)
    chained = bool(case.guesses)
    full = [(place, "loss", case.probes[place].reg) for place in places]
    if chained:
        step(case, "loss", plain)
        if case.guesses:
            step(case, "loss", full)
    if not case.guesses and not case.has("LOG_CLIPPED") and not follows_from_scores(case):
        penalty = chained and bool(right_with(case, plain))
        lines = [r"loss.*\b(reg|lam)", r"\breg\b"] if penalty else []
        line = case.source.find(lines, case.spans("loss"))
        case.add("LOSS_UNKNOWN", *case.smallest(["loss"]), line=line,
                 detail="without the penalty it is right" if penalty else "")  # fmt: skip


def right_with(case: Case, channels: list[Channel]) -> list[Guess]:
    """The right solutions that give the submission's numbers of these channels."""
    look = case.look(channels)
    return [guess for guess in case.starts if look.agrees(guess.text)]


def follows_from_scores(case: Case) -> bool:
    """Whether the loss is what equations 12 and 13 make of the submission's own scores, right or wrong."""
    for place, probe in enumerate(case.probes):
        scores, N = case.observed.get((place, "scores", 0.0)), len(probe.X)
        if scores is None or scores.shape != (N, probe.sizes[2]):
            return False
        norms = sum((probe.params[name] ** 2).sum() for name in ("W1", "W2"))
        with np.errstate(all="ignore"):
            both = np.log(scores), log_softmax(scores)
            losses = [-logs[np.arange(N), probe.y].mean() for logs in both]
        plain, full = (case.observed.get((place, "loss", reg)) for reg in (0.0, probe.reg))
        if plain is None or full is None or not (np.isfinite(plain).all() and np.isfinite(full).all()):
            return False
        fits = [
            close(plain, np.asarray(loss), 1e-8)
            and close(full, np.asarray(loss + share * probe.reg * norms), 1e-8)
            for loss in losses
            for share in (1.0, 0.5)
        ]
        if not any(fits):
            return False
    return True
