"""What lies beside a record: the plan that was published, the recipe's file, the folders of its runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fcnet.errors import FcnetError
from fcnet.protocol.contents import Ended, Plan, Recipe, Record, Use, digest
from fcnet.protocol.folder import RecordFolder
from fcnet.protocol.log import ended
from fcnet.protocol.plan import settings_of
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
            yield from _against_run(record.plan, one, RecordFolder(out).run(one.seed))
        except FcnetError as error:
            yield f"seed {one.seed}: {error}"


def _against_run(plan: Plan, one: Ended, run: Path) -> Iterator[str]:
    config = read_config(RunFolder(run).config)
    if config.seed != one.seed or settings_of(config) != settings_of(config_of(plan.recipe, 0)):
        yield f"seed {one.seed}: the settings in its folder are not those of the plan"
    if one.failed:
        return
    folder = RunFolder(run)
    folder.check(*SEALED)
    if sums_hash(run) != one.run_sha256:
        yield f"seed {one.seed}: its folder holds another training than the record"
    seconds = folder.read_record()["seconds"]
    if seconds != one.seconds:
        yield f"seed {one.seed}: its folder says {seconds:.1f} s, and the record {one.seconds:.1f} s"
    wanted = [(read_test(run), one.plain)]
    if plan.recipe.fold is not None:
        wanted.append((read_test(run, deformation(plan.recipe)), one.folded))
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
