"""How a run that is to be resumed differs from the one in its folder: in its settings, or in its data."""

from dataclasses import asdict
from typing import Any

from fcnet.data.dataset import Dataset, TableOptions
from fcnet.errors import RunError
from fcnet.train.config import TrainConfig

NAMED = 5
"""Settings that are named at most where a run has others."""


def data_record(dataset: Dataset) -> dict[str, Any]:
    """What a record says of the data."""
    origin = asdict(dataset.origin) | {"skipped": list(dataset.origin.skipped)}
    return {"name": dataset.name, "label": dataset.label, **origin}


def other_settings(before: TrainConfig, config: TrainConfig) -> str:
    """Which settings differ: those that are not the defaults, which nobody gave, if there are some."""
    there, given, meant = before.to_dict(), config.changed(before), config.changed(TrainConfig())
    chosen = [name for name in given if name in meant] or list(given)
    more = f"; and {len(chosen) - NAMED} more" if len(chosen) > NAMED else ""
    return "; ".join(f"{name} is {there.get(name)}, not {given[name]}" for name in chosen[:NAMED]) + more


def other_data(begun: str, before: dict[str, Any], dataset: Dataset) -> RunError:
    """The error about data that are not those of a run, or that are read in another way.

    Parameters
    ----------
    begun : `RUN was started` or `RUN was trained`
    before : what the run's record says of its data; empty if it is not there
    dataset : that it was to be resumed with
    """
    differing = other_options(before, dataset)
    if not differing:
        return RunError(
            f"{begun} on other data than {dataset.origin.path}, leave out --data or choose another folder"
        )
    return RunError(
        f"{begun} with other options for its data ({'; '.join(differing.values())}), "
        f"leave out {' and '.join(differing)} or choose another folder"
    )


def other_options(before: dict[str, Any], dataset: Dataset) -> dict[str, str]:
    """The options by which the same data were read in another way, each with how it differs, in words.

    Empty where they are other data. The parameters are those of `other_data`.
    """
    if before.get("path") != dataset.origin.path:
        return {}
    there, given = _reading(before), _reading(data_record(dataset))
    return {
        name: f"{name} is {there[name]}, not {value}" for name, value in given.items() if there[name] != value
    }


def _reading(data: dict[str, Any]) -> dict[str, str]:
    """How a record says that data were read, by the options that ask for it."""
    table = data.get("table") or asdict(TableOptions())
    return {
        "--target": str(table.get("target")),
        "--missing": str(table.get("missing")),
        "--drop-columns": " ".join(table.get("drop", ())) or "none",
        "--categorical": " ".join(table.get("categorical", ())) or "none",
        "--image-size": str(data.get("image_size") or "none"),
        "--stream": "on" if data.get("streamed") else "off",
    }
