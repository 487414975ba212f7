"""What the kernel offers to isolate foreign code."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator

from fcnet.doctor import kernel
from fcnet.doctor.finding import Finding
from fcnet.judge.child import landlock


def sandbox() -> Iterator[Finding]:
    """Landlock, seccomp and namespaces, or bubblewrap in their place."""
    if not sys.platform.startswith("linux"):
        advice = "foreign code is isolated fully on Linux alone"
        yield Finding("sandbox", "note", f"{sys.platform} has no Landlock and no seccomp", advice)
        return
    done = subprocess.run(
        [sys.executable, "-I", "-S", kernel.__file__], capture_output=True, text=True, timeout=20, check=True
    )
    facts, version = json.loads(done.stdout), landlock.abi()
    guards = f"Landlock {version}" if version else "no Landlock"
    seccomp = "seccomp" if facts["seccomp"] else "no seccomp"
    namespaces = "user namespaces" if facts["namespaces"] else "no user namespaces"
    bubblewrap = shutil.which("bwrap")
    found = ", ".join([guards, seccomp, namespaces, *(["bubblewrap"] if bubblewrap else [])])
    if (version >= landlock.LEAST or (bubblewrap and facts["namespaces"])) and facts["seccomp"]:
        yield Finding("sandbox", "ok", found)
    else:
        advice = "foreign code is isolated in part only: use Linux 6.2 or newer, or install bubblewrap"
        yield Finding("sandbox", "note", found, advice)
