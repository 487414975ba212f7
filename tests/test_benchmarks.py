"""The benchmarks compute what they say, run at all, and refuse a contestant that is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import fcnet
from fcnet.net.blas import library_used
from in_bfloat16 import use
from in_library import using

pytest.importorskip("psutil")

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    source = str(Path(fcnet.__file__).parents[1])
    return subprocess.run(
        [sys.executable, str(FOLDER / "run.py"), *arguments],
        env=os.environ | {"PYTHONPATH": source},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "case",
    [
        {"N": 1, "D": 1, "H": 1, "K": 2},
        {"N": 4, "D": 9, "H": 6, "K": 3},
        {"N": 20, "D": 48, "H": 50, "K": 10},
    ],
)
def test_with_and_without_loops_loss_and_gradients_are_the_same(case):
    from harness import compare
    from loops import BENCHMARK

    results = {name: entry.prepare(case)() for name, entry in BENCHMARK.contestants.items()}
    assert len(results) == 3
    for name, result in results.items():
        assert compare(name, result, results[BENCHMARK.baseline], 1e-10) <= 1e-10


def test_a_second_repetition_computes_the_same_again():
    from loops import BENCHMARK

    for entry in BENCHMARK.contestants.values():
        timed = entry.prepare(BENCHMARK.quick_cases[0])
        first, second = timed(), timed()
        for name in first:
            np.testing.assert_array_equal(first[name], second[name])


@pytest.mark.parametrize("wrong", [1e-9, np.nan])
def test_a_result_that_differs_is_refused(wrong):
    from harness import BenchmarkError, compare

    with pytest.raises(BenchmarkError, match="loopy: W1 differs from the baseline's by"):
        compare("loopy", {"W1": np.array([1.0, 2.0 + wrong])}, {"W1": np.array([1.0, 2.0])}, 1e-10)


@pytest.mark.parametrize("result", [{}, {"W1": [1.0]}, {"W1": 1.0}])
def test_a_result_that_is_incomplete_is_refused(result):
    from harness import BenchmarkError, compare

    with pytest.raises(BenchmarkError, match=r"W1 is missing or not of the baseline's shape \(2,\)"):
        compare("short", result, {"W1": np.ones(2)}, 1e-10)


def test_every_library_multiplies_as_numpy_does():
    """As they lie, and with each of the factors transposed."""
    from libraries import NUMPY, PRODUCTS, lacking

    rng = np.random.default_rng(0)
    X, W, delta = (rng.standard_normal(shape, dtype=np.float32) for shape in ((20, 7), (7, 5), (20, 5)))
    present = [name for name in PRODUCTS if not lacking(name)]
    assert NUMPY in present
    for name in present:
        for A, B in ((X, W), (X.T, delta), (delta, W.T)):
            C = np.full((len(A), B.shape[1]), np.nan, np.float32)
            PRODUCTS[name](A, B, C)
            np.testing.assert_allclose(C, A.astype(float) @ B, rtol=1e-4, atol=1e-5)


def test_the_operations_of_a_step_are_those_of_its_products():
    from floor import flops, sizes_of

    batch, sizes = 7, sizes_of({"inputs": 30, "hidden": (32, 16), "classes": 3})
    assert sizes == (30, 32, 16, 3)
    ahead = weights = 30 * 32 + 32 * 16 + 16 * 3
    back = 32 * 16 + 16 * 3  # none to the inputs
    assert flops(sizes, batch) == 2 * batch * (ahead + weights + back)


@pytest.mark.parametrize(
    ("flags", "cores", "kind"),
    [
        (["avx", "avx2", "fma"], 2, "avx2-2-cores"),
        (["avx", "avx2", "avx512f", "avx512_bf16"], 2, "avx512-bf16-2-cores"),
        (["avx", "avx2", "avx512f", "avx512_bf16", "amx_bf16"], 1, "avx512-amx-1-core"),
        (["asimd"], 8, "neon-8-cores"),
    ],
)
def test_machines_of_a_kind_share_a_folder_and_others_do_not(flags, cores, kind, monkeypatch):
    import machine

    monkeypatch.setattr(machine, "simd", lambda: flags)
    monkeypatch.setattr(machine, "cores", lambda: cores)
    assert machine.kind() == kind


def test_the_time_to_a_score_is_that_of_the_first_length_that_reaches_it(monkeypatch):
    import tables

    accuracies = {"FCNetClassifier": (0.5, 0.91, 0.97), "MLPClassifier": (0.4, 0.893, 0.90)}

    def climb(program, X, y, ladder, seeds):
        for epochs, accuracy in zip(ladder, accuracies[program], strict=True):
            yield {"epochs": epochs, "accuracy": accuracy, "seconds": epochs / 10}

    monkeypatch.setattr(tables, "climb", climb)
    row = tables.compared("iris", (5, 10, 20), range(1))
    assert row["score"] == pytest.approx(0.90 - tables.SLACK)
    assert [row["reached"][name]["epochs"] for name in tables.PROGRAMS] == [10, 20]
    assert row["ratio"] == 0.5


def test_every_step_lowers_the_loss_of_one_small_minibatch():
    from peers import entries
    from problem import make_problem

    problem = make_problem({"hidden": 8, "batch": 10, "images": 10, "pixels": "random"})
    rows = np.arange(10)
    for name in ("fcnet", "plain NumPy"):
        peer = entries()[name].setup(problem)
        losses = [peer.step(rows, 1e-3) for _ in range(100)]
        assert losses[-1] < losses[0] < 3 * np.log(10)


CASE = {"hidden": (8, 5), "momentum": 0.9, "batch": 10, "images": 1000, "pixels": "random"}


def states(setup, case=CASE, count=10):
    """What so many steps of a peer come to, and of plain NumPy."""
    from peers.numpy_plain import Plain
    from problem import make_problem
    from steps import Steps

    result = []
    for one in (setup, Plain):
        problem = make_problem(case)
        steps = Steps(one(problem), problem, "float32")
        for _ in range(count):
            steps()
        result.append(steps.state())
    return result


TABLE = {"inputs": 30, "hidden": 16, "classes": 3, "momentum": 0.9, "batch": 10, "images": 100}


@pytest.mark.parametrize("case", [CASE, TABLE], ids=["images", "table"])
@pytest.mark.parametrize("name", ["fcnet", "scikit-learn"])
def test_peers_go_where_plain_numpy_goes(name, case):
    from peers import entries
    from steps import judge

    state, reference = states(entries()[name].setup, case)
    # float32 keeps the last weights, of 0.6, to 3e-8, and the ten steps move them by 7e-4: 5e-5 a rounding
    assert judge(name, state, reference, "first") < 3e-4


WITH_TORCH = ("fcnet_torch", "fcnet_torch_bfloat16", "torch_bfloat16", "torch_eager")
"""Programs whose processes are forks of one that has loaded PyTorch and what its optimisers need."""

CASES = (CASE, TABLE)


@pytest.fixture(scope="module")
def states_with_torch():
    """What each of these programs comes to in each of the cases."""
    from peer_in_turn import serve_in_forks
    from peers import entry

    present = [one for one in map(entry, WITH_TORCH) if not one.lacking]
    more = {"programs": [one.name for one in present], "loaded": "torch._dynamo"}
    with running("PyTorch", serve_in_forks, more) as received:
        return {one.module: [received() for _ in CASES] for one in present}


@contextmanager
def running(name, serve, more):
    """A program's process on one core, as the benchmarks start it; yields what waits for the next state."""
    import runner

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "serve", serve)
        process = runner.Runner("step", name, {"threads": 1, "cases": CASES, **more})

    def received():
        state = process.receive()
        process.connection.send(None)
        return state

    try:
        yield received
    finally:
        process.stop()


@pytest.mark.parametrize(
    "module",
    # the compiled one needs a minute
    sorted(path.stem for path in (FOLDER / "peers").glob("[!_]*.py") if path.stem != "torch_compiled"),
)
def test_every_program_that_is_installed_goes_where_plain_numpy_goes(module, monkeypatch, tmp_path, request):
    """In its own process and on one core, as the benchmarks start it; one process for both cases."""
    from peer_in_turn import serve_in_turn
    from peers import entry
    from peers.numpy_plain import Plain
    from steps import judge

    one = entry(module)
    if one.lacking:
        pytest.skip(one.lacking)
    monkeypatch.setenv("CACHEDB", str(tmp_path / "tinygrad.db"))
    if module in WITH_TORCH:
        states_of_it = request.getfixturevalue("states_with_torch")[module]
    else:
        with running(one.name, serve_in_turn, {}) as received:
            states_of_it = [received() for _ in CASES]
    for case, state in zip(CASES, states_of_it, strict=True):
        reference, _ = states(Plain, case)
        assert judge(one.name, state, reference, "first") < (0.15 if one.precision == "bfloat16" else 3e-4)


def test_a_program_without_its_compiler_says_so(monkeypatch):
    from importlib import import_module

    monkeypatch.setenv("PATH", "")
    for module, compiler in (("tinygrad_jit", "clang"), ("mlx_compiled", "g++")):
        assert import_module(f"peers.{module}").lacks() == f"needs {compiler}"


def test_mkl_goes_there_too():
    from peers import entries
    from steps import judge

    entry = entries()["fcnet, MKL"]
    with using("MKL"):
        assert not entry.lacking
        state, reference = states(entry.setup)
        assert judge(entry.name, state, reference, "first") < 3e-4
        assert library_used() == "Intel's MKL, called directly"
    with using("NumPy's"):
        library_used()
        with pytest.raises(RuntimeError, match="another library was chosen before"):
            entry.setup(None)
    assert library_used() != "Intel's MKL, called directly"


def test_bfloat16_goes_there_less_exactly(monkeypatch):
    from peers import entries
    from steps import judge

    use("oneDNN", monkeypatch)
    entry = entries()["fcnet, bfloat16"]
    assert not entry.lacking
    state, reference = states(entry.setup)
    state.precision = entry.precision
    assert judge(entry.name, state, reference, "first") > 1e-3


@pytest.mark.parametrize(
    "wrong",
    ["no L2", "no momentum", "L2 halved", "an update skipped", "other images", "twice the rate", "no biases"],
)
def test_a_peer_that_does_other_work_is_refused(wrong):
    from dataclasses import replace

    from peers.numpy_plain import Plain
    from runner import BenchmarkError
    from steps import judge

    class Wrong(Plain):
        calls = 0

        def step(self, rows, learning_rate):
            self.calls += 1
            if wrong == "an update skipped" and self.calls == 5:
                return 0.0
            if wrong == "other images" and self.calls == 5:
                rows = rows - 1
            before = {name: value.copy() for name, value in self.params.items()}
            loss = super().step(rows, 2 * learning_rate if wrong == "twice the rate" else learning_rate)
            if wrong == "no biases":
                self.params |= {name: value for name, value in before.items() if name[0] == "b"}
            return loss

    changes = {"no L2": {"reg": 0.0}, "no momentum": {"momentum": 0.0}, "L2 halved": {"reg": 0.015}}
    state, reference = states(lambda problem: Wrong(replace(problem, **changes.get(wrong, {}))))
    with pytest.raises(BenchmarkError, match="wrong: "):
        judge("wrong", state, reference, "first")


def test_the_peer_in_the_readme_is_a_peer():
    pytest.importorskip("jax")
    code = (FOLDER / "README.md").read_text().split("```python\n")[1].split("```")[0]
    check = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from test_benchmarks import states\nfrom steps import judge\n"
        "case = {'hidden': 8, 'momentum': 0.9, 'batch': 10, 'images': 1000, 'pixels': 'random'}\n"
        "assert judge(NAME, *states(setup, case, 3), 'first') < 1e-4\n"
    )
    source = str(Path(fcnet.__file__).parents[1])
    done = subprocess.run(  # JAX stays out of this process: it warns of every fork from then on
        [sys.executable, "-c", f"{code}\n{check}", str(FOLDER), str(Path(__file__).parent), source],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_peer_that_is_not_installed_is_named(tmp_path, monkeypatch):
    import peers
    from harness import Benchmark, Contestant, Plan
    from machine import Watch
    from measured import record_of
    from show import surroundings

    (tmp_path / "abacus.py").write_text(
        'NAME, NEEDS, PRECISION = "Abacus", ("no_such_package",), "float32"\ndef setup(problem): ...\n'
    )
    monkeypatch.setattr(peers, "__path__", [*peers.__path__, str(tmp_path)])
    found = peers.entries()["Abacus"]
    assert found.lacking == "needs no_such_package"
    benchmark = Benchmark("step", "?", (CASE,), (CASE,), baseline="products")
    benchmark.contestants = {"Abacus": Contestant("Abacus", found.setup, found.lacking)}
    assert benchmark.present(CASE) == []
    record = record_of("step", "?", Watch.now(), Plan(), left_out=benchmark.left_out())
    assert "left out: Abacus (needs no_such_package)" in surroundings(record)


def test_contestants_in_their_processes_are_judged():
    """The floor and two programs, as `make bench` runs them."""
    from dataclasses import replace

    from harness import Plan, measure
    from step import BENCHMARK

    names = [BENCHMARK.baseline, "plain NumPy", "fcnet"]
    present = {name: BENCHMARK.contestants[name] for name in names}
    tiny = replace(BENCHMARK, quick_cases=BENCHMARK.quick_cases[:1], contestants=present)
    (case,) = measure(tiny, Plan(rounds=2, seconds=1e-4, settle=0, quick=True))
    rows = {row["contestant"]: row for row in case["results"]}
    floor = rows.pop(BENCHMARK.baseline)
    assert floor["ratio"] == floor["ratio_max"] == 1
    assert floor["n"] == 4  # right before each measurement of the two others
    for row in rows.values():
        assert row["ratio"] == pytest.approx(np.median(np.divide(row["seconds"], row["beside"])))
        assert set(row["beside"]) < set(floor["seconds"])
    assert floor["difference"] is floor["difference_at_end"] is None
    for row in rows.values():
        assert row["q1"] <= row["median"] <= row["q3"]
        assert row["difference"] is not None
        assert row["difference_at_end"] < 1e-3


def test_a_program_that_goes_wrong_later_on_is_refused(tmp_path, monkeypatch):
    """It does fewer steps than the reference, which is then compared after as many."""
    from importlib import import_module

    from harness import Plan, measure
    from runner import FIRST, BenchmarkError

    (tmp_path / "late.py").write_text(
        "import time\n"
        "from harness import Benchmark, Contestant\n"
        "from peers.numpy_plain import Plain\n"
        "from problem import make_problem\n"
        "from steps import Steps, judge\n"
        f"CASE = {CASE}\n"
        "class Late(Plain):\n"
        "    calls = 0\n"
        "    def step(self, rows, learning_rate):\n"
        "        time.sleep(0.02)\n"
        "        self.calls += 1\n"
        f"        return super().step(rows, learning_rate * (1 if self.calls <= {FIRST} else FACTOR))\n"
        "def prepare(peer):\n"
        "    def prepared(case):\n"
        "        problem = make_problem(case)\n"
        "        return Steps(peer(problem), problem, 'float32')\n"
        "    return prepared\n"
        "BENCHMARK = Benchmark('late', '?', (CASE,), (CASE,), 'right', judge=judge, reference='right')\n"
        "for name, peer in (('right', Plain), ('late', Late)):\n"
        "    BENCHMARK.contestants[name] = Contestant(name, prepare(peer))\n"
        "import os; FACTOR = float(os.environ['FACTOR'])\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("FACTOR", "1")
    benchmark, plan = import_module("late").BENCHMARK, Plan(rounds=2, seconds=0.01, settle=0, quick=True)
    (case,) = measure(benchmark, plan)
    right, late = case["results"]
    assert late["repeats"] == 1
    assert late["difference_at_end"] == right["difference_at_end"] == 0
    monkeypatch.setenv("FACTOR", "2")
    with pytest.raises(BenchmarkError, match="late: after 13 steps"):
        measure(benchmark, plan)


def test_a_program_gets_the_cores_that_it_is_told_of(monkeypatch):
    from processes import Program, run
    from runner import BenchmarkError, on_cores

    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    code = "import json, os; print(json.dumps({'at': 1e9, 'threads': os.environ['OMP_NUM_THREADS']}))"
    with on_cores(1):
        assert os.environ["OMP_NUM_THREADS"] == "1"
    assert os.environ["OMP_NUM_THREADS"] == "7"
    outcome = run(Program("one", (sys.executable, "-c", code)))
    assert int(outcome.said["threads"]) >= 1
    assert 1e6 < outcome.peak < 4e9  # of a fork of this process, which may have grown
    with pytest.raises(BenchmarkError, match="two: ended with status 3:\nwhy"):
        run(Program("two", (sys.executable, "-c", "import sys; sys.stderr.write('why'); sys.exit(3)")))


def test_the_formula_of_memory_counts_parameters_as_the_network_does():
    from fcnet.net.network import Network
    from memory import Setting, predicted

    for hidden in ((3,), (4, 2)):
        setting = Setting("small", hidden)
        assert setting.parameters == sum(
            value.size for value in Network.plain(setting.sizes, np.random.default_rng(0)).params.values()
        )
    few, many = (predicted(Setting("", (1000,), optimiser=one), 0) for one in ("sgd", "momentum"))
    assert many - few == pytest.approx(8 * Setting("", (1000,)).parameters, rel=0.1)


def test_a_run_leaves_a_record(tmp_path):
    done = run("loops", "--quick", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "loops.json").read_text())
    assert record["machine"]["cores"] >= 1
    assert set(record["machine"]) >= {
        "processor",
        "versions",
        "load_average_before",
        "cores_used_by_others",
        "shared",
    }
    (case,) = record["cases"]
    assert case["results"][0]["contestant"] == record["baseline"]
    for row in case["results"]:
        assert row["min"] <= row["median"] <= row["max"]
        assert len(row["seconds"]) == row["n"] >= 2
        assert row["difference"] <= 1e-10
        assert row["contestant"].split()[0] in done.stdout
    assert case["results"][0]["ratio"] == 1


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit is Linux's")
def test_streaming_leaves_a_record_and_an_error_where_memory_is_too_small(tmp_path):
    options = ["--gigabytes", "0.04", "--rounds", "1"]
    options += ["--folder", str(tmp_path), "--out", str(tmp_path / "record.json")]
    source = str(Path(fcnet.__file__).parents[1])

    def streaming(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words, *options], env=os.environ | {"PYTHONPATH": f"{source}:{FOLDER}"},
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    done = streaming(str(FOLDER / "streaming.py"))
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "record.json").read_text())
    assert record["beyond_memory"]["bytes"] == pytest.approx(4e7, rel=1e-3)
    assert 0 < record["beyond_memory"]["peak_resident_megabytes"] < 1024
    assert record["beside_memory"]["same_weights"]
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]
    # the speed beside memory is in that record, and is not measured again
    alone = "import sys, streaming; streaming.compared = lambda *given: {}; sys.exit(streaming.main())"
    refused = streaming("-c", alone, "--megabytes", "60")
    assert refused.returncode == 2
    assert "the training in 60 MB failed with status" in refused.stderr


@pytest.mark.slow
def test_a_gpus_benchmark_runs_on_a_cpu():
    """Every way of doing a step, seen to be the same step."""
    pytest.importorskip("torch")
    source = str(Path(fcnet.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, str(FOLDER / "gpu.py"), "--device", "cpu", "--quick"],
        env=os.environ | {"PYTHONPATH": source, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "fcnet, captured" in done.stdout
    assert "written" not in done.stdout


def test_what_is_lost_is_said():
    from speed_kinds import faster

    costs = {"fcnet": 1.2, "JAX jit": 1.1, "plain NumPy": 1.19, "products, NumPy's BLAS": 1.0}
    costs |= {"fcnet, PyTorch bfloat16": 0.7, "PyTorch bfloat16": 0.6, "fcnet, PyTorch": 0.5}
    said = faster("a step", costs, "x {:.2f}")
    assert said == "a step: JAX jit (x 1.10, fcnet x 1.20), PyTorch bfloat16 (x 0.60, fcnet x 0.70)"
    assert faster("a step", {"fcnet": 1.0, "JAX jit": 1.1}, "x {:.2f}") == ""


def sizes(**times):
    """A record of `small` with nets of 8 and 32 units, in seconds a step."""
    cases = []
    for place, hidden in enumerate((32, 8)):
        rows = [{"contestant": name, "median": times[name][place]} for name in times]
        case = {"inputs": 30, "hidden": hidden, "classes": 3, "batch": 32, "momentum": 0.0}
        cases.append({"case": case, "results": rows})
    return {"cases": cases}


@pytest.mark.parametrize(
    ("fcnet", "said"),
    [
        ([1e-5, 1e-5], "No program is faster than fcnet on any of these nets, from 275 parameters (30-8-3)"),
        ([1e-5, 4e-5], "From 1,091 parameters (30-32-3) on, no program is faster than fcnet. Ahead of it: "
         "JAX jit on 30-8-3 (20 µs, fcnet 40 µs)."),
        ([4e-5, 1e-5], "Up to 1,091 parameters (30-32-3), there is no size from which on fcnet is"),
        ([2.03e-5, 2.03e-5], "No program"),  # JAX is ahead by less than 2 %
    ],
)  # fmt: skip
def test_from_how_many_parameters_on_fcnet_is_the_fastest(fcnet, said):
    from speed_sizes import crossing

    times = {"fcnet": fcnet, "JAX jit": [2e-5, 2e-5], "plain NumPy": [3e-5, 3e-5], "products": [1e-6, 1e-6]}
    assert crossing(sizes(**times)).startswith(said)


def test_small_nets_have_a_figure_and_a_table_with_gaps():
    """scikit-learn takes part in one of two cases."""
    from fcnet.report.style import house_style
    from speed_figures import small as figure
    from speed_kinds import small as table

    record = sizes(**{name: [1e-5, 1e-5] for name in ("products", "fcnet", "MLX", "scikit-learn")})
    record |= {"baseline": "products", "rounds": 3}
    record["machine"] = {"cores": 2, "processor": "an abacus", "shared": False}
    with house_style():
        (axes,) = figure(record).axes
    assert [line.get_label() for line in axes.lines] == ["fcnet", "scikit-learn", "MLX", "products alone"]
    assert list(axes.lines[0].get_xdata()) == [275, 1091]
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [10, 10])
    record["cases"][0]["results"].pop()
    assert "| scikit-learn |  | 10 µs |" in table(record)


def test_an_unknown_benchmark_is_refused():
    done = run("nothing")
    assert done.returncode == 2
    assert "there is no benchmark nothing, choose from loops, floors, step" in done.stderr


def test_the_second_worker_ends_with_the_first():
    """A follower that outlived its benchmark would keep a core busy for ever after."""
    pytest.importorskip("torch")
    import psutil

    from runner import Runner
    from scaling import BENCHMARK

    runner = Runner(BENCHMARK.name, "two workers, one thread each", BENCHMARK.quick_cases[0])
    try:
        runner.receive()
        runner.measure()
        followers = [
            p for p in psutil.process_iter(["cmdline"])
            if any(str(word).endswith("scaling.py") for word in p.info["cmdline"] or ())
        ]  # fmt: skip
        assert followers
    finally:
        runner.stop()
    _, alive = psutil.wait_procs(followers, timeout=120)
    assert not alive
