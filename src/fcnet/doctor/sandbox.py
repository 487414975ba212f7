"""What the kernel offers to isolate foreign code."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator

from fcnet.doctor import kernel
from fcnet.doctor.finding import Finding

LEAST = 3
"""The first version of Landlock that guards the length of files, of Linux 6.2."""


def sandbox() -> Iterator[Finding]:
    """Landlock, seccomp and namespaces, or bubblewrap in their place."""
    if not sys.platform.startswith("linux"):
        advice = "foreign code is isolated fully on Linux alone"
        yield Finding("sandbox", "note", f"{sys.platform} has no Landlock and no seccomp", advice)
        return
    done = subprocess.run(
        [sys.executable, "-I", "-S", kernel.__file__], capture_output=True, text=True, timeout=20, check=True
    )
    facts = json.loads(done.stdout)
    landlock = f"Landlock {facts['landlock']}" if facts["landlock"] else "no Landlock"
    seccomp = "seccomp" if facts["seccomp"] else "no seccomp"
    namespaces = "user namespaces" if facts["namespaces"] else "no user namespaces"
    bubblewrap = shutil.which("bwrap")
    found = ", ".join([landlock, seccomp, namespaces, *(["bubblewrap"] if bubblewrap else [])])
    if (facts["landlock"] >= LEAST or (bubblewrap and facts["namespaces"])) and facts["seccomp"]:
        yield Finding("sandbox", "ok", found)
    else:
        advice = "foreign code is isolated in part only: use Linux 6.2 or newer, or install bubblewrap"
        yield Finding("sandbox", "note", found, advice)
