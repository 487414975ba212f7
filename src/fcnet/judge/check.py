"""From a submission to its report: the stages in their order, and the verdict."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from fcnet.judge.case import Case
from fcnet.judge.catalogue import kinds
from fcnet.judge.cifar10 import Images, judge_images
from fcnet.judge.explaining import settle
from fcnet.judge.gradients import judge_gradients
from fcnet.judge.hypotheses import bases
from fcnet.judge.isolation import Isolation, Limits, Submission, warning
from fcnet.judge.loops import judge_loops
from fcnet.judge.losses import judge_loss
from fcnet.judge.opening import judge_interface, load
from fcnet.judge.prediction import judge_prediction
from fcnet.judge.probes import main_probes
from fcnet.judge.report import (
    NUMPY_STAGES,
    POINTS,
    PYTORCH_STAGES,
    UNFINISHED,
    Finding,
    Report,
    Stage,
    StageVerdict,
    Verdict,
)
from fcnet.judge.robustness import judge_robustness, state_is_kept
from fcnet.judge.scores import judge_scores
from fcnet.judge.source import Source, sources
from fcnet.judge.training import judge_training

CIFAR10_SECONDS = 240.0
"""Of the training on CIFAR-10, by the clock."""

SCRIPT_SECONDS = 45.0
"""Of one call of the PyTorch half, by the clock: importing torch may take long on a busy machine."""


@dataclass(frozen=True)
class Options:
    """How a submission is checked.

    Attributes
    ----------
    scores, penalty : the handout, where the user names it; "" where it is to be recognised
    isolation, limits : of the submission's process
    seed : draws the questions; None draws others each time
    images : CIFAR-10, where the submission is to be trained on it too
    """

    scores: str = ""
    penalty: str = ""
    isolation: Isolation = "auto"
    limits: Limits = field(default_factory=Limits)
    seed: int | None = None
    images: Images | None = None


def check_submission(path: Path, options: Options = Options()) -> Report:
    """Check a file, a notebook or a folder.

    Parameters
    ----------
    path : of the submission; it is read and never imported here
    options : how

    Returns
    -------
    report : the verdict with its reasons

    Raises
    ------
    DataError : there is nothing to check at the path
    """
    return merged(str(path), [report for _, report in check_parts(path, options)])


def check_parts(path: Path, options: Options = Options()) -> list[tuple[Source, Report]]:
    """The files of a submission, each with its own report: `two_layernet.py` and `ex2_pytorch.py`.

    Raises
    ------
    DataError : there is nothing to check at the path
    """
    parts = []
    for half, source in sources(path).items():
        start = time.monotonic()
        report = check_numpy(source, options) if half == "numpy" else check_pytorch(source, options)
        notes = (source.note, *report.notes) if source.note else report.notes
        parts.append((source, replace(report, notes=notes, seconds=time.monotonic() - start)))
    return parts


def check_numpy(source: Source, options: Options) -> Report:
    """Check `two_layernet.py`."""
    case = Case(source, "numpy", np.random.default_rng(options.seed))
    case.starts = case.guesses = bases(options.scores, options.penalty)
    case.probes = list(main_probes(case.rng))
    limits = options.limits
    if options.images is not None:
        limits = replace(limits, call_seconds=CIFAR10_SECONDS, total_seconds=2 * CIFAR10_SECONDS)
    with Submission(source.path, limits, options.isolation) as submission:
        look(case, submission)
        if options.images is not None and not case.wrong():
            judge_images(case, options.images)
        held(case, submission)
    return finished(case, (*NUMPY_STAGES, "cifar10") if options.images is not None else NUMPY_STAGES)


def look(case: Case, submission: Submission) -> None:
    """All stages of the NumPy half, as far as they can be reached."""
    classes = load(case, submission)
    if classes is None or not judge_interface(case, submission, classes):
        return
    gradients = False
    if not judge_scores(case):
        settle(case)
        judge_prediction(case)
        return
    state_is_kept(case)
    if judge_loss(case):
        judge_loops(case)
        gradients = judge_gradients(case)
    judge_prediction(case)
    judge_robustness(case)
    settle(case)
    judge_training(case, gradients and not any(finding.code in unsound() for finding in case.findings))
    if case.settled is not None and case.settled.handout == ("raw", "reg"):
        case.add("RAW_SCORES", *case.shown_raw())


def unsound() -> set[str]:
    """Kinds after which a training may fail or go astray without a mistake of its own."""
    forms = {
        kind.code
        for kind in kinds().values()
        if kind.stage in ("loss", "gradients", "prediction")
        and kind.fingerprint in ("form", "exception", "repeat")
    }
    return forms | {
        "SCORES_TRANSPOSED",
        "FORWARD_TUPLE",
        "PARAMS_CHANGED",
        "PARAMS_POLLUTED",
        "C_FROM_BATCH",
        "STATE_KEPT",
        "INPUT_CHANGED",
        "PREDICT_AXIS",
    }


def check_pytorch(source: Source, options: Options) -> Report:
    """Check `ex2_pytorch.py`."""
    from fcnet.judge.pytorch import look_at_pytorch

    case = Case(source, "pytorch", np.random.default_rng(options.seed))
    limits = replace(options.limits, call_seconds=max(options.limits.call_seconds, SCRIPT_SECONDS))
    with Submission(source.path, limits, options.isolation) as submission:
        look_at_pytorch(case, submission)
        held(case, submission)
    return finished(case, PYTORCH_STAGES)


def held(case: Case, submission: Submission) -> None:
    """Note what the system could not hold."""
    if text := warning(submission.held):
        case.notes.append(text.removeprefix("warning: "))


def finished(case: Case, stages: Sequence[str]) -> Report:
    """The report of a case."""
    order = {stage: place for place, stage in enumerate(stages)}
    findings = tuple(sorted(case.findings, key=lambda finding: order.get(finding.stage, len(order))))
    told = tuple(Stage(stage, *verdict_of(stage, case, findings)) for stage in stages)
    scores, penalty = handout(case)
    return Report(
        str(case.source.path), overall(findings), scores, penalty, told, findings, 0.0, tuple(case.notes)
    )


def verdict_of(stage: str, case: Case, findings: Sequence[Finding]) -> tuple[StageVerdict, float, float]:
    """Verdict and points of a stage."""
    of = POINTS.get(stage, 0.0)
    here = [finding for finding in findings if finding.stage == stage]
    errors = [finding for finding in here if finding.severity == "error"]
    if errors:
        unwritten = all(finding.code in UNFINISHED for finding in errors)
        return "unfinished" if unwritten else "wrong", 0.0, of
    if stage not in case.reached:
        return "not reached", 0.0, of
    looped = stage == "loops" and any(finding.code.startswith("LOOP") for finding in here)
    return "right", 0.0 if looped else of, of


def overall(findings: Sequence[Finding]) -> Verdict:
    """The verdict of the whole."""
    errors = [finding for finding in findings if finding.severity == "error"]
    if any(finding.stage == "loads" for finding in errors):
        return "does not run"
    if any(finding.code not in UNFINISHED for finding in errors):
        return "wrong"
    return "unfinished" if errors else "right"


def handout(case: Case) -> tuple[str, str]:
    """Which handout the numbers follow; "" where the numbers do not say."""
    if case.half != "numpy" or not any(what == "scores" for _, what, _ in case.observed):
        return "", ""
    if not any(what == "loss" for _, what, _ in case.observed):
        return (case.guesses[0].handout[0] if case.guesses else ""), ""
    return case.settled.handout if case.settled is not None else ("", "")


def merged(file: str, parts: Sequence[Report]) -> Report:
    """The reports of both halves as one."""
    if len(parts) == 1:
        return replace(parts[0], file=file)
    worst = ("right", "unfinished", "wrong", "does not run")
    verdict = max((part.verdict for part in parts), key=worst.index)
    stages = tuple(stage for part in parts for stage in part.stages)
    findings = tuple(finding for part in parts for finding in part.findings)
    notes = tuple(note for part in parts for note in part.notes)
    first, seconds = parts[0], sum(part.seconds for part in parts)
    return Report(file, verdict, first.scores, first.penalty, stages, findings, seconds, notes)
