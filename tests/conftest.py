"""What holds for all tests: one thread each, what is slow, what may be skipped; and a data set.

`make test` runs two or more processes of pytest, each with the tests of a file (pytest-xdist, loadfile), and
leaves the files in RELEASE to `make test ALL=1`. `make check` leaves out what is slow: the files in SLOW and
the tests that are marked `slow`.
"""

from __future__ import annotations

import gc
import os
import shutil
import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

# before NumPy is imported: the threads of several tests at the same time would fight for the cores
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
# the library that everybody has; tests of another choose it themselves
os.environ.setdefault("FCNET_BLAS", "numpy")

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

from fcnet.data.dataset import Dataset  # noqa: E402
from fcnet.data.digits import load_digits  # noqa: E402
from tab import Tab  # noqa: E402

# a busy machine is no reason for a test to fail
settings.register_profile("fcnet", deadline=None)
settings.load_profile("fcnet")

ROOT = Path(__file__).parent

SLOW = (
    # whole reproductions, searches and trainings, each in processes of its own
    "cli/test_reproduce.py", "test_exercise.py", "test_guide.py", "test_readme.py", "test_tune.py",
    "test_tune_postgresql.py", "test_tune_survival.py", "runs/test_stops.py", "runs/test_survival.py",
    "torch_net/test_workers.py",
    "test_install.py", "cli/test_own_augmentation.py", "torch_net/test_engine.py",
    "torch_net/test_augmentation.py", "train/test_averaging.py", "runs/test_bfloat16.py",
    "protocol/test_measure.py", "own/test_streamed_tables.py", "own/test_tables.py",
    "test_tune_safety.py", "test_extras.py",
    # hostile and spoiled input, hundreds of each, and surroundings that are broken
    "test_hostile.py", "fuzz/test_fuzz.py", "data/test_unpickle.py", "own/test_hostile.py",
    "cli/test_damage.py", "cli/test_escapes.py", "cli/test_surroundings.py", "cli/test_doctor.py",
    # every figure and page, drawn again for many records
    "test_docs.py", "report/test_browser.py", "report/test_figures.py", "report/test_page.py",
    "test_tune_figures.py", "test_question4.py",
    # every number and button of the explorer in a browser
    "explore/test_numbers.py", "explore/test_page.py", "explore/test_pictures.py",
    # the live page in a browser, and commands with it in processes of their own
    "live/test_page.py", "live/test_commands.py",
    # submissions in processes of their own: mistakes, right solutions, attacks, courses
    "judge/test_right.py", "judge/test_right_pytorch.py", "judge/test_check.py",
    "judge/test_wrong.py", "judge/test_wrong_pytorch.py", "judge/test_imported.py", "judge/test_start.py",
    "judge/test_first_evening.py", "judge/test_cifar10.py",
    "isolation/test_attacks.py", "isolation/test_isolation.py", "grade/test_course.py",
    "test_extending.py", "test_wrong_extensions.py", "test_own_names.py",
    "test_audit_of_own_code.py",
    # the derivation in symbols; scikit-learn's checks
    "test_derivation.py", "estimator/test_checks.py",
)  # fmt: skip
"""Files whose tests take long: `make check` leaves them out, and `make test` begins with them.

A single test that takes more than half a second on a quiet machine is marked `slow` where it stands.
"""

RELEASE = (
    # the programs behind the records, each in small; every mutant of a solution; figures and terminals
    # that are made anew; the commands of the pages that are not read first
    "test_benchmarks.py", "judge/test_mutants.py", "explore/test_figures.py", "test_terminal.py",
    "grade/test_documentation.py", "test_pages.py",
)  # fmt: skip
"""Files whose tests make anew what is committed, or follow what other tests follow too: before a release."""

LEFT_OUT = {"slow": (*SLOW, *RELEASE), "release": RELEASE}
"""By marker, the files that are not even imported where it is left out: PyTorch alone takes seconds."""

MAY_BE_SKIPPED = {
    "root may write everywhere": "continuous integration may run as root",
    **dict.fromkeys(
        ("only root can mount a file system", "only root may change its user id"), "or not as root"
    ),
    "this machine has CUDA": "the test is about machines without",
    "no GPU that PyTorch reaches by CUDA": "tests/torch_net/test_cuda.py is run by hand where there is one",
    "this processor has no bfloat16": "products in NumPy take oneDNN's place there",
    "SCIPY_ARRAY_API is not set": "scikit-learn's own check of arrays other than NumPy's",
    "no TypeScript on this machine": "the types of the explorer's modules; nothing else needs Node",
    **dict.fromkeys(
        ("needs keras", "needs mlx", "needs tinygrad", "needs clang"),
        "a program that benchmarks compare with",
    ),
    "MKL is not installed": "an extra that is used where it is asked for, 1 GB on disk",
    "needs mkl": "the same in the benchmarks",
    "only Linux has": "the system",
    "Windows has no": "the system",
}
"""Reasons, or how they begin, that are good ones in continuous integration too, and why.

Any other skipped test fails there (FCNET_CI or CI is set): a package or program is missing that it needs.
"""


TOOK, BEGIN = "fcnet/seconds", pytest.StashKey[float]()
"""Where pytest's cache keeps how long all tests took here, and when they began."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=20, help="trainings killed by tests/runs/test_survival.py")


def whole_suite(config: pytest.Config) -> bool:
    """Whether this is `make test`, in the process that shows it."""
    everything = config.args_source == pytest.Config.ArgsSource.TESTPATHS and not config.option.keyword
    left_out = "not cifar10 and not release"
    return everything and config.option.markexpr == left_out and not hasattr(config, "workerinput")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One process more than cores: many tests wait for their own processes, in `make check` hardly any."""
    return (os.cpu_count() or 1) + ("not slow" not in config.option.markexpr)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Say how long all of it takes: what it took here the last time, or else what it takes elsewhere."""
    config = session.config
    if not whole_suite(config):
        return
    from fcnet.experiments.duration import about, expected

    config.stash[BEGIN] = time.monotonic()
    last = config.cache.get(TOOK, None) if config.cache else None
    said = (
        f"{about(last)}, as the last time"
        if isinstance(last, int | float)
        else expected("tests", os.cpu_count() or 1)
    )
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    reporter.write_line(f"all tests take {said}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    config = session.config
    finished = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    if BEGIN in config.stash and finished and config.cache:
        config.cache.set(TOOK, round(time.monotonic() - config.stash[BEGIN]))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if not collection_path.is_file():
        return None
    name, left_out = collection_path.relative_to(ROOT).as_posix(), config.option.markexpr
    return any(f"not {marker}" in left_out and name in files for marker, files in LEFT_OUT.items()) or None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what stands in these files, and put the slow ones first, so that no process waits at the end."""
    for item in items:
        for marker, files in LEFT_OUT.items():
            if item.path.relative_to(ROOT).as_posix() in files:
                item.add_marker(marker)
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """Spare the garbage collector what was imported: PyTorch and scikit-learn alone take 0.2 s each time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    report = yield
    return refused_if_skipped(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    report = yield
    return refused_if_skipped(report)


def refused_if_skipped(report: Any, environment: Any = os.environ) -> Any:
    """The report, which fails in continuous integration where a test is skipped for no good reason."""
    strict = environment.get("FCNET_CI") or environment.get("CI")
    if strict and report.skipped and not hasattr(report, "wasxfail"):
        reason = skip_reason(report.longrepr)
        if not reason.startswith(tuple(MAY_BE_SKIPPED)):
            report.outcome = "failed"
            report.longrepr = f"skipped, although nothing is to be skipped here: {reason}"
    return report


def skip_reason(explanation: str | Sequence[Any]) -> str:
    """The reason in what pytest says of a skipped test: text, or file, line and text."""
    text = explanation if isinstance(explanation, str) else str(explanation[-1])
    return text.removeprefix("Skipped: ")


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return load_digits()


CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""Programs of Chromium, the first of which starts fastest."""

BROWSER = next(filter(None, map(shutil.which, CHROMIUM)), None)

OPTIONS = [
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The one browser of this process: Playwright starts once in it."""
    if BROWSER is None:
        pytest.skip("no Chromium on this machine (Debian: apt install chromium)")
    from playwright.sync_api import sync_playwright

    as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=[*OPTIONS, *as_root])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def tab(browser: Any) -> Tab:
    return Tab(browser)
