"""What training on rows in a file costs, from the record of `benchmarks/streaming.py`."""

from __future__ import annotations

import statistics
from pathlib import Path

from fcnet.records import read_json
from pages import wrapped


def streaming(path: Path) -> str:
    """Memory and speed in a few sentences."""
    record = read_json(path)
    large, beside, machine = record["beyond_memory"], record["beside_memory"], record["machine"]
    seconds = beside["seconds_per_epoch"]
    steps = [1000 * statistics.median(seconds[name]) / beside["steps_per_epoch"] for name in seconds]
    busy = (
        f", of which other programs kept {machine['cores_used_by_others']:.1f} busy"
        if machine["shared"]
        else ""
    )
    size, peak = large["bytes"] / 1e9, large["peak_resident_megabytes"]
    speed, busy_speed = 100 * beside["speed_ratio"], 100 * beside["processor_ratio"]
    said = (
        f"{size:.0f} GB, {large['rows']:,} rows of {large['features']:,} float32, were trained on with a "
        f"limit of {large['limit_megabytes']:,} MB on the data of the process (RLIMIT_DATA). The process "
        f"took {peak:.0f} MB at most, and {large['seconds']:.0f} s with the hash and the final evaluation. "
        f"On {beside['rows']:,} rows that fit, a step took {steps[1]:.1f} ms from the file and "
        f"{steps[0]:.1f} ms from memory: a speed of {speed:.0f} %, or of {busy_speed:.0f} % by the "
        f"processor's time (medians of {beside['rounds']} epochs each, in turns), and the weights were the "
        f"same bits. The network has 256 hidden units, a minibatch 200 "
        f"rows, and the machine {machine['cores']} cores of {machine['processor']}{busy}. The files were in "
        f"the kernel's cache, as far as that reached. The record is "
        f"[results/streaming.json](../results/streaming.json)."
    )
    return "\n".join(wrapped(said))
