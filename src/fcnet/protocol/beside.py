"""What lies beside a record: the plan that was published, the recipe's file, the folders of its runs."""

from collections.abc import Iterator
from pathlib import Path

from fcnet.errors import FcnetError
from fcnet.files import exists
from fcnet.protocol.contents import Ended, Plan, Recipe, Record, Use, digest
from fcnet.protocol.folder import RecordFolder
from fcnet.protocol.log import ended
from fcnet.protocol.recipe import config_of, deformation
from fcnet.protocol.seed import sums_hash, use_of
from fcnet.records import SEALED, RunFolder
from fcnet.runs.testing import read_test
from fcnet.runs.training import read_config


def against_plan(record: Record, published: Plan) -> Iterator[str]:
    """How the record's plan differs from the one that was published before the trainings."""
    if digest(record.plan) == digest(published):
        return
    yield "the plan is not the one that was published"
    for name in ("recipe", "settings", "source_sha256", "data", "beat", "nonce", "seeds", "machine", "when"):
        if getattr(record.plan, name) != getattr(published, name):
            yield f"{name.replace('_sha256', '')} differs from the published plan"


def against_recipe(record: Record, recipe: Recipe) -> Iterator[str]:
    """Whether the record is of a recipe that lies in a file."""
    if digest(record.plan.recipe) != digest(recipe):
        yield "the recipe differs from the plan's"


def against_runs(record: Record, out: Path) -> Iterator[str]:
    """How the folders of the runs differ from what the record says of them."""
    for one in ended(record.log).values():
        try:
            yield from _against_runs(record.plan, one, RecordFolder(out))
        except FcnetError as error:
            yield f"seed {one.seed}: {error}"


def _against_runs(plan: Plan, one: Ended, record: RecordFolder) -> Iterator[str]:
    runs = record.runs(one.seed, plan.recipe.nets)
    for net, run in enumerate(runs):
        if one.failed and net and not exists(run):
            continue  # it failed before this one began
        if read_config(RunFolder(run).config) != config_of(plan.recipe, one.seed, net=net):
            yield f"seed {one.seed}: the settings in its folder are not those of the plan"
    if one.failed:
        return
    for run in runs:
        RunFolder(run).check(*SEALED)
    if sums_hash(*runs) != one.run_sha256:
        yield f"seed {one.seed}: its folder holds another training than the record"
    seconds = max(RunFolder(run).read_record()["seconds"] for run in runs)
    if seconds != one.seconds:
        yield f"seed {one.seed}: its folder says {seconds:.1f} s, and the record {one.seconds:.1f} s"
    first, others = runs[0], runs[1:]
    wanted = [(read_test(first), one.plain)]
    if plan.recipe.fold is not None:
        wanted.append((read_test(first, deformation(plan.recipe), others), one.folded))
    for found, use in wanted:
        yield from _against_use(one.seed, None if found is None else use_of(found), use)


def _against_use(seed: int, found: Use | None, use: Use | None) -> Iterator[str]:
    if found is None or use is None:
        yield f"seed {seed}: its folder does not say that the test images were used"
    elif found.count != use.count:
        yield f"seed {seed}: its folder counts {found.count} uses of the test images, the record {use.count}"
    elif found != use:
        yield (
            f"seed {seed}: its folder has the test accuracy {found.accuracy:.4f}, the record "
            f"{use.accuracy:.4f}"
        )
