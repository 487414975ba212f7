"""The cache and the data sets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from fcnet.doctor.finding import Finding
from fcnet.wording import megabytes

if TYPE_CHECKING:
    from fcnet.data.find import Found
    from fcnet.data.published import Published


def cache() -> Iterator[Finding]:
    """The cache, its size, and how much of it is no longer of use."""
    from fcnet.data.cache_folder import inventory
    from fcnet.data.find import cache_root

    root = cache_root()
    entries = inventory(root)
    found = f"{root}: {megabytes(sum(entry.size for entry in entries))}" if entries else f"{root}: empty"
    stale = sum(entry.size for entry in entries if entry.removable and entry.stale)
    if stale:
        advice = f"{megabytes(stale)} are no longer of use, remove them with: fcnet cache prune"
        yield Finding("cache", "note", found, advice)
    else:
        yield Finding("cache", "ok", found)


def data_sets(verify: bool = False) -> Iterator[Finding]:
    """Every data set that has files: which copy is used, and whether it is the published one.

    Parameters
    ----------
    verify : hash every file; otherwise report what the last reading of the copy found
    """
    from fcnet.data.datasets import DATASETS, DEFAULT

    for name, about in DATASETS.items():
        if not about.files:
            continue
        found = _copy(about)
        if found is None:
            fetch = "fcnet data fetch" + (f" --name {name}" if name != DEFAULT else "")
            yield Finding(about.title, "note", "not here", f"fetch it with: {fetch}")
        elif found.packed:
            yield _archive(found, verify)
        else:
            yield _hashed(found.path, about) if verify else _remembered(found.path, about)


def _copy(about: Published) -> Found | None:
    """The copy in the places where fcnet looks, the cache too."""
    from fcnet.data.find import cache_root, look, places

    looked = [*(place.path for place in places()), cache_root()]
    return next(filter(None, (look(path, [about]) for path in looked)), None)


def _remembered(folder: Path, about: Published) -> Finding:
    from fcnet.data.load import kept_of

    dataset = kept_of(folder, about)
    if dataset is None:
        return Finding(about.title, "ok", f"{folder}, complete; its hashes are read with --verify")
    if dataset.origin.official:
        return Finding(about.title, "ok", f"{folder}, the published files when they were read")
    advice = f"numbers may differ from published ones; see: fcnet data info --data {quote(str(folder))}"
    return Finding(about.title, "note", f"{folder}, {dataset.origin.note}", advice)


def _hashed(folder: Path, about: Published) -> Finding:
    from fcnet.data.published import hash_like
    from fcnet.files import open_plain

    other = []
    for name, published in about.files.items():
        with open_plain(folder / name) as file:
            if hash_like(published, file) != published:
                other.append(name)
    if not other:
        return Finding(about.title, "ok", f"{folder}, all {len(about.files)} hashes are the published ones")
    found = (
        f"{folder}, {len(other)} of {len(about.files)} files are not the published ones: {', '.join(other)}"
    )
    advice = f"is it damaged? See: fcnet data verify --data {quote(str(folder))}"
    return Finding(about.title, "note", found, advice)


def _archive(found: Found, verify: bool) -> Finding:
    from fcnet.data.archive import remote_problem
    from fcnet.files import open_plain

    archive, published = found.path, found.about.archive
    assert published is not None
    if verify:
        with open_plain(archive) as file:
            problem = remote_problem(file, published)
    else:
        size = archive.stat().st_size
        problem = "" if size == published.size else f"it has {size} bytes instead of {published.size}"
    if problem:
        advice = "replace it by the published one, or remove it and run: fcnet data fetch"
        return Finding(found.about.title, "problem", f"{archive}: {problem}", advice)
    told = "its hash is the published one" if verify else "of the published size"
    return Finding(found.about.title, "ok", f"{archive}, an archive, {told}")
