"""What a plan and a log come to: means, intervals, and whether the record is beaten."""

from collections.abc import Mapping, Sequence
from statistics import mean, stdev

from fcnet.protocol.contents import Ended, Plan, Result, Summary
from fcnet.protocol.statistics import interval, lead


def result_of(plan: Plan, seeds: Mapping[int, Ended]) -> Result:
    """The result of a plan all of whose seeds have ended.

    A failure stays in: it counts with the accuracy of guessing, one over the number of classes.

    Raises
    ------
    KeyError : a seed has not ended
    """
    guess = 1 / plan.data.classes
    outcomes = [seeds[seed] for seed in plan.seeds]
    plain = [guess if one.failed or one.plain is None else one.plain.accuracy for one in outcomes]
    chosen = plain
    if plan.recipe.fold is not None:
        chosen = [guess if one.failed or one.folded is None else one.folded.accuracy for one in outcomes]
    beaten = None if plan.beat is None else lead(chosen, plan.beat.accuracies, plan.data.test_images)
    return Result(
        failures=sum(one.failed for one in outcomes),
        accuracies=chosen,
        plain_accuracies=plain,
        summary=summary(chosen),
        plain_summary=summary(plain),
        mean_seconds=mean(one.seconds for one in outcomes),
        p=None if beaten is None else beaten.p,
        test="" if beaten is None else beaten.test,
    )


def summary(accuracies: Sequence[float]) -> Summary:
    """Mean, deviation and interval of accuracies."""
    low, high = interval(accuracies) or (None, None)
    return Summary(mean(accuracies), stdev(accuracies) if len(accuracies) > 1 else None, low, high)
