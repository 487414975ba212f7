"""What is promised of a submission's process, apart from attacks."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import time
from pathlib import Path

import numpy as np
import pytest

from fcnet.errors import FcnetError
from fcnet.judge.child import seccomp
from fcnet.judge.isolation import PROTECTIONS, Limits, Submission, not_held, warning
from fcnet.judge.isolation.protections import checked
from fcnet.judge.isolation.scratch import MOST_BYTES, remove, scratch_copy, usage
from fcnet.judge.isolation.surroundings import SECRET, allowed_paths, without

GOOD = """
import numpy as np
import helper
class Net:
    def __init__(self, size): self.size = size
    def double(self, X): return helper.twice(X)
    def fails(self, X):
        print("about to fail")
        return np.linalg.inv(X)
    def count(self): self.size += 1; return self.size
    def draws(self): return np.random.choice(3, 5, replace=False)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "submission"
    folder.mkdir()
    (folder / "helper.py").write_text("def twice(X):\n    return 2 * X\n")
    (folder / "two_layernet.py").write_text(GOOD)
    return folder / "two_layernet.py"


def test_arrays_go_in_and_come_back_and_the_process_remembers(path: Path) -> None:
    X = np.arange(6.0).reshape(2, 3)
    with Submission(path, isolation="require") as submission:
        assert submission.call("load", source=path.read_text()).ok
        assert submission.call("construct", target="net", cls="Net", args=[1]).ok
        reply = submission.call("call", target="net", method="double", args=[X])
        np.testing.assert_array_equal(reply.value.value, 2 * X)
        counts = [submission.call("call", target="net", method="count", args=[]).value.value for _ in "ab"]
        assert counts == [2, 3]
        assert not not_held(submission.held)
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["helper.py", "two_layernet.py"]


def test_an_exception_says_where_in_the_submission(path: Path) -> None:
    with Submission(path) as submission:
        submission.call("load", source=path.read_text())
        submission.call("construct", target="net", cls="Net", args=[1])
        reply = submission.call("call", target="net", method="fails", args=[np.zeros((2, 2))])
    assert reply.failure is not None
    assert (reply.failure.kind, reply.failure.type) == ("exception", "LinAlgError")
    assert reply.failure.line == GOOD.splitlines().index("        return np.linalg.inv(X)") + 1
    assert reply.output == "about to fail\n"


@pytest.mark.parametrize(
    ("method", "args", "kind", "line"), [("double", [None], "TypeError", 6), ("draws", [], "ValueError", 11)]
)
def test_an_exception_of_another_file_has_the_line_that_led_there(
    method: str, args: list[None], kind: str, line: int, path: Path
) -> None:
    """The submission's other files, and NumPy's compiled ones, whose names look like files beside it."""
    with Submission(path) as submission:
        submission.call("load", source=path.read_text())
        submission.call("construct", target="net", cls="Net", args=[1])
        reply = submission.call("call", target="net", method=method, args=args)
    assert reply.failure is not None
    assert (reply.failure.type, reply.failure.line) == (kind, line)


def test_a_syntax_error_has_a_line(path: Path) -> None:
    path.write_text("x = 1\nprint 'Python 2'\n")
    with Submission(path) as submission:
        reply = submission.call("load", source=path.read_text())
    assert reply.failure is not None
    assert (reply.failure.type, reply.failure.line) == ("SyntaxError", 2)


def test_after_a_death_the_next_call_has_a_new_process_and_a_clean_folder(path: Path) -> None:
    with Submission(path, Limits(restarts=1)) as submission:
        source = "import os\nopen('left', 'w').close()\nos._exit(3)\n"
        assert submission.call("load", source=source).failure.message == "its process ended with status 3"
        reply = submission.call("load", source="import os\nprint(sorted(os.listdir()))")
        assert reply.output == "['helper.py', 'two_layernet.py']\n"
        submission.call("load", source=source)
        assert submission.call("load", source="").failure.message == "its process ended too often"


def test_the_time_for_all_calls_has_an_end(path: Path) -> None:
    limits = Limits(call_seconds=5.0, total_seconds=1.0)
    start = time.monotonic()
    with Submission(path, limits) as submission:
        for _ in range(4):
            reply = submission.call("load", source="import time\ntime.sleep(0.4)")
        assert reply.failure.kind == "time"
        assert submission.call("load", source="").failure.message == "the time for all calls is used up"
    assert time.monotonic() - start < 5


def test_what_is_missing_is_refused_or_told() -> None:
    assert checked(PROTECTIONS, "require") == tuple(PROTECTIONS)
    with pytest.raises(FcnetError, match="cannot restrict files, network, processes"):
        checked(["memory"], "require")
    assert warning(PROTECTIONS) == ""
    assert "Hostile code could use the network." in warning(["memory", "files", "processes"])


def test_none_asks_for_limits_alone(path: Path) -> None:
    with Submission(path, isolation="none") as submission:
        assert submission.held == ("memory",)


def test_the_solution_is_cut_out_of_what_may_be_read(tmp_path: Path) -> None:
    secret = tmp_path / "lib" / "site-packages" / "fcnet"
    for place in (secret, secret.with_name("numpy"), tmp_path / "lib" / "json"):
        place.mkdir(parents=True)
    (tmp_path / "lib" / "site-packages" / "alias").symlink_to(secret)
    lib = tmp_path / "lib"
    assert dict(without(lib, secret)) == {
        lib: False,
        lib / "json": True,
        lib / "site-packages": False,
        lib / "site-packages" / "numpy": True,
    }
    paths = allowed_paths(tmp_path)
    assert all(not SECRET.is_relative_to(place) for place in (*paths["readable"], *paths["writable"]))


def test_the_copy_follows_no_link_and_has_a_size(tmp_path: Path) -> None:
    folder = tmp_path / "submission"
    folder.mkdir()
    (tmp_path / "secret.py").write_text("secret")
    (folder / "net.py").write_text("x = 1")
    (folder / "helper.py").write_text("y = 1")
    (folder / "link.py").symlink_to(tmp_path / "secret.py")
    (folder / "up").symlink_to(tmp_path)
    with (folder / "big.py").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    (folder / "a.py").write_text("z = 1")  # before the big one, and so within the size
    with scratch_copy(folder / "net.py") as (scratch, copy):
        assert copy == scratch / "code" / "net.py"
        assert sorted(entry.name for entry in copy.parent.iterdir()) == ["a.py", "net.py"]
        assert usage(scratch, 100)[1] == 4
    assert not scratch.exists()
    with pytest.raises(FcnetError, match=r"cannot read .*missing"), scratch_copy(tmp_path / "missing.py"):
        pass


def test_a_tree_deeper_than_a_path_is_removed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").touch()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    home = os.open(".", os.O_RDONLY)
    try:
        os.chdir(scratch)
        for _ in range(40):
            Path("d" * 200).mkdir()
            Path("link").symlink_to(outside)
            os.chdir("d" * 200)
    finally:
        os.fchdir(home)
        os.close(home)
    remove(scratch)
    assert not scratch.exists()
    assert (outside / "file").exists()


def test_system_calls_have_the_numbers_of_libseccomp() -> None:
    name = ctypes.util.find_library("seccomp")
    if name is None:
        pytest.skip("libseccomp is not installed")
    resolve = ctypes.CDLL(name).seccomp_syscall_resolve_name_arch
    resolve.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
    for call, numbers in (seccomp.REFUSED | seccomp.ASKED).items():
        for column, architecture in seccomp.ARCHITECTURES.values():
            known = resolve(architecture, call.encode())
            assert numbers[column] == (None if known < 0 else known), (call, architecture)


@pytest.mark.parametrize("machine", seccomp.ARCHITECTURES)
def test_jumps_stay_inside_the_filter(machine: str) -> None:
    program = seccomp.assemble(*seccomp.ARCHITECTURES[machine], os.getpid())
    assert program[-1] == (seccomp.RETURN, 0, 0, seccomp.ALLOW)
    for place, (code, yes, no, _) in enumerate(program):
        if code != seccomp.RETURN:
            assert place + 1 + max(yes, no) < len(program)
            assert max(yes, no) < 256
