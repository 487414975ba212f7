"""`fcnet check` as a user has it: the JSON object, hints, the page, other files, exit statuses.

Where a process of the submission's own decides nothing, `apart` and `told` judge without one, in a fifth of
the time.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcnet.cli import main
from fcnet.judge import Options, check_submission
from fcnet.judge.catalogue import kinds, mutated, specimen, texts
from fcnet.judge.grade.course import check_files
from judge.right_solutions import ONE_HOT, RIGHT, TWO_LEVEL, notebook


def made(*codes: str, half: Any = "numpy") -> str:
    """The specimen with the first mutants of some kinds."""
    text: str | None = specimen(half)
    for code in codes:
        assert text is not None
        text = mutated(text, kinds(half)[code].mutants[0])
    assert text is not None
    return text


def written(folder: Path, text: str, name: str = "two_layernet.py") -> Path:
    path = folder / name
    path.write_text(text)
    return path


Told = Callable[..., tuple[int, str, str]]


def checked(arguments: Sequence[str]) -> tuple[int, str, str]:
    """The exit status of `fcnet check`, and what it says on both streams."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main(["check", *arguments])
    return status, out.getvalue(), err.getvalue()


@pytest.fixture
def told(apart: ProcessPoolExecutor) -> Told:
    """`fcnet check` in the process that judges without isolation: `told(*arguments)`."""
    return lambda *arguments: apart.submit(checked, arguments).result()


def test_the_json_object(tmp_path):
    path = written(tmp_path, made("REG_GRAD_FACTOR", "SOFTMAX_OVERFLOW"))
    status, out, _ = checked([str(path), "--json"])
    report = json.loads(out)
    assert status == 1
    assert list(report) == ["file", "verdict", "handout", "stages", "findings", "seconds"]
    assert report["file"] == str(path)
    assert report["verdict"] == "wrong"
    assert report["handout"] == {"scores": "probabilities", "penalty": "reg"}
    assert [list(stage) for stage in report["stages"]] == [["stage", "verdict", "points", "of"]] * 10
    assert {stage["stage"]: (stage["points"], stage["of"]) for stage in report["stages"] if stage["of"]} == {
        "scores": (4, 4), "loss": (4, 4), "loops": (2, 2), "gradients": (0, 5), "training": (3, 3),
    }  # fmt: skip
    for finding in report["findings"]:
        assert list(finding) == ["code", "stage", "severity", "line", "message", "shown"]
        assert list(finding["shown"]) == ["input", "expected", "got"]
    first, second = report["findings"]
    assert (first["code"], first["severity"], first["stage"]) == ("REG_GRAD_FACTOR", "error", "gradients")
    assert "reg * W" in path.read_text().splitlines()[first["line"] - 1]
    assert first["message"] == texts()["REG_GRAD_FACTOR"].message
    assert first["shown"]["input"]["reg"] == 0.5
    assert (second["code"], second["severity"]) == ("SOFTMAX_OVERFLOW", "remark")
    assert 0 < report["seconds"] < 120


def test_each_hint_says_more_than_the_one_before(tmp_path, told):
    path = written(tmp_path, made("RELU_MASK_MISSING"))
    said = [told(str(path), "--hints", str(level))[1] for level in range(4)]
    text = texts()["RELU_MASK_MISSING"]
    assert "Gradients (question 2)" in said[0]
    assert "line" not in said[0].split("Gradients (question 2)")[2]
    assert "line 38" in said[1]
    assert "expected" in said[1]
    assert "RELU_MASK_MISSING" not in said[1]
    assert "RELU_MASK_MISSING" in said[2]
    assert "Question 2c" in said[2]
    assert text.think[:20] not in said[2]
    assert text.think[:20] in said[3]
    for out in said:
        assert max(map(len, out.splitlines())) <= 100


def test_a_right_solution_has_status_0_and_is_quick(tmp_path):
    path = written(tmp_path, ONE_HOT)
    status, out, err = checked([str(path)])
    assert (status, err) == (0, "")
    assert "Everything that was checked is right." in out


def test_the_page_has_the_lines_and_escapes_them(tmp_path, told):
    text = made("UPDATE_SIGN").replace(
        "import numpy as np", "import numpy as np  # <script>alert(1)</script>"
    )
    path, page = written(tmp_path, text), tmp_path / "report.html"
    told(str(path), "--html", str(page))
    html = page.read_text()
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "UPDATE_SIGN" in html
    assert "self.params[name] +=" in html


def test_terminal_controls_in_the_students_text_are_not_printed(tmp_path, told):
    text = made("UPDATE_SIGN").replace(
        "learning_rate * grads[name]", "learning_rate * grads[name]  # \x1b]0;owned\x07"
    )
    _, out, _ = told(str(written(tmp_path, text)))
    assert "\x1b" not in out
    assert "\x07" not in out


def test_a_notebook_tells_cell_and_line(tmp_path, told):
    wrong = ONE_HOT.replace("(p - Y) / len(X)", "p - Y")
    path = written(tmp_path, notebook(wrong), "solution.ipynb")
    status, out, _ = told(str(path))
    assert status == 1
    assert "GRAD_NOT_AVERAGED" in out
    assert "code cell 2, line" in out


def test_a_folder_has_both_halves(tmp_path):
    pytest.importorskip("torch")
    written(tmp_path, ONE_HOT)
    written(tmp_path, made("PT_EVAL_PART", half="pytorch"), "ex2_pytorch.py")
    written(tmp_path, "raise SystemExit", "ex2_FCnet.py")
    report = check_submission(tmp_path, Options())
    assert report.verdict == "right"
    assert [finding.code for finding in report.findings] == ["PT_EVAL_PART"]
    assert [stage.stage for stage in report.stages].count("loads") == 2


def test_the_file_at_the_top_is_judged_and_not_a_draft(tmp_path, apart):
    written(tmp_path, ONE_HOT)
    draft = tmp_path / "draft"
    draft.mkdir()
    written(draft, "class TwoLayerNet(:")
    written(draft, ONE_HOT, "two_layer_net.py")
    report = apart.submit(check_submission, tmp_path).result()
    assert report.verdict == "right"
    assert report.notes[0] == "3 files define the network: two_layernet.py is judged"
    record, _ = apart.submit(check_files, tmp_path, Options(), 3).result()
    assert record["file"] == str(tmp_path / "two_layernet.py")


def test_several_mistakes_are_each_named(tmp_path, apart):
    path = written(
        tmp_path,
        made("BIAS2_NOT_ADDED", "REG_MISSING", "BIAS_GRAD_DIV_N_TWICE", "UPDATE_SIGN", "PREDICT_ARGMIN"),
    )
    report = apart.submit(check_submission, path).result()
    assert {finding.code for finding in report.findings} == {
        "BIAS2_NOT_ADDED",
        "REG_MISSING",
        "REG_GRAD_BIASES",
        "BIAS_GRAD_DIV_N_TWICE",
        "UPDATE_SIGN",
        "PREDICT_ARGMIN",
    } - {"REG_GRAD_BIASES"}


@pytest.mark.parametrize(
    ("arguments", "verdict"),
    [({}, "wrong"), ({"penalty": "half"}, "right"), ({"scores": "raw"}, "wrong")],
)
def test_a_handout_that_is_named_decides(
    arguments: dict[str, str], verdict: str, tmp_path: Path, apart: ProcessPoolExecutor
) -> None:
    path = written(tmp_path, made("REG_HALF_BUG"))
    assert apart.submit(check_submission, path, Options(**arguments)).result().verdict == verdict


def test_raw_scores_are_wrong_where_the_handout_wants_probabilities(tmp_path, apart):
    raw = next(solution for solution in RIGHT if solution.name == "raw scores, reg")
    path = written(tmp_path, raw.text)
    for scores, verdict in (("", "right"), ("probabilities", "wrong")):
        assert apart.submit(check_submission, path, Options(scores=scores)).result().verdict == verdict


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("missing.py", None, "there is no"),
        ("notes.txt", "hello", "neither a .py file nor a notebook"),
        ("broken.ipynb", "{", "cannot be read as a notebook"),
    ],
)
def test_what_cannot_be_checked_is_one_line(name: str, text: str | None, words: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    status, _, err = checked([str(path)])
    assert status == 2
    assert err.startswith("error: ")
    assert words in err
    assert len(err.splitlines()) == 1


def test_an_empty_folder_is_one_line(tmp_path):
    status, _, err = checked([str(tmp_path)])
    assert status == 2
    assert "no file in" in err


def test_a_file_that_does_not_run_says_where(tmp_path, apart):
    report = apart.submit(check_submission, written(tmp_path, made("SYNTAX_ERROR"))).result()
    assert report.verdict == "does not run"
    assert report.findings[0].line is not None
    assert {stage.verdict for stage in report.stages[1:]} == {"not reached"}


def test_the_students_file_is_never_imported_here(tmp_path):
    mark = tmp_path / "mark"
    text = f"open({str(mark)!r}, 'w').write('x')\n{ONE_HOT}"
    check_submission(written(tmp_path, text), Options())
    assert not mark.exists()


def test_a_wrong_step_is_shown_of_the_parameter_that_takes_it(tmp_path, apart):
    step = "self.params[name] -= learning_rate * grads[name]"
    text = made().replace(step, step.replace("rate *", 'rate * (2 if name == "W1" else 1) *'))
    (finding,) = [
        one for one in apart.submit(check_submission, written(tmp_path, text)).result().findings
        if one.severity == "error"
    ]  # fmt: skip
    assert finding.code == "UPDATE_UNKNOWN"
    right, got = finding.shown.expected["step of W1"], finding.shown.got["step of W1"]
    np.testing.assert_allclose(got, 2 * right, rtol=1e-5)


CLIPS = ("np.clip(probs, 1e-3, 1)", "np.maximum(probs, 3e-5)", "np.where(probs < 0.02, 0.02, probs)")


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("seed", [0, 1, 2, 13, 18, 33])
def test_a_clipped_loss_is_named_whether_usual_batches_reach_the_clip_or_not(tmp_path, apart, seed, clip):
    """A batch without a class is not blamed for it: usual batches of the last three seeds miss 1e-3."""
    text = made().replace("chosen = log_probs", f"chosen = np.log({clip})")
    report = apart.submit(check_submission, written(tmp_path, text), Options(seed=seed)).result()
    (finding,) = [one for one in report.findings if one.severity == "error"]
    assert finding.code == "LOG_CLIPPED"
    assert clip in text.splitlines()[finding.line - 1]


@pytest.mark.parametrize("clip", ["np.maximum(probs, 1e-300)", "np.clip(probs, 1e-12, 1)", "probs + 1e-15"])
def test_a_tiny_limit_of_the_probabilities_is_none(tmp_path, apart, clip):
    text = made().replace("chosen = log_probs", f"chosen = np.log({clip})")
    report = apart.submit(check_submission, written(tmp_path, text)).result()
    assert [one.code for one in report.findings if one.severity == "error"] == []


def test_a_process_that_ended_shows_no_other_mistake(tmp_path):
    text = made().replace("N = X.shape[0]", 'N = X.shape[0]\n        print("x" * 1_000_000)', 1)
    path = written(tmp_path, text)
    for seed in range(2):
        codes = {finding.code for finding in check_submission(path, Options(seed=seed)).findings}
        assert codes == {"PROCESS_DIED", "OUTPUT"}


def test_methods_from_a_file_beside_it_are_the_classes_own(tmp_path):
    written(tmp_path, made("REG_GRAD_FACTOR").replace("class TwoLayerNet(object)", "class Base"), "helper.py")
    path = written(tmp_path, "from helper import Base\n\n\nclass TwoLayerNet(Base):\n    pass\n")
    report = check_submission(path)
    assert [finding.code for finding in report.findings if finding.severity == "error"] == ["REG_GRAD_FACTOR"]
    assert report.findings[0].line is None


def test_a_class_without_methods_is_said_to_have_none(tmp_path, apart):
    made_here = "n.W1, n.b1, n.W2, n.b2 = np.ones((D, H)), np.ones(H), np.ones((H, K)), np.ones(K)"
    text = f"""
import numpy as np


class Made(type):
    def __call__(cls, D, H, K, std=1e-4):
        n = object.__new__(cls)
        {made_here}
        return n


class TwoLayerNet(metaclass=Made):
    pass
"""
    report = apart.submit(check_submission, written(tmp_path, text)).result()
    assert [(finding.code, finding.shown.got) for finding in report.findings] == [
        ("LOSS_MISSING", "no methods")
    ]


ONE_DICT = """        grads = {
            "b1": np.sum(delta2, axis=0),
            "W2": a2.T @ delta3 + 2 * reg * W2,
            "b2": np.sum(delta3, axis=0),
            "W1": X.T @ delta2 + 2 * reg * W1,
        }
        return loss, grads
"""


@pytest.mark.parametrize("lacking", ["W1", "W2"])
def test_gradients_in_one_dict_have_their_own_lines(lacking, tmp_path, apart):
    start, _, rest = made().partition("        dW2 = a2.T.dot(delta3)\n")
    between, _, end = rest.partition("        dW2 = dW2 +")
    between = between.replace("        db2 = np.sum(delta3, axis=0)\n", "").partition("        dW1")[0]
    body = ONE_DICT.replace(f" + 2 * reg * {lacking}", "")
    text = start + between + body + end.partition("return loss, grads\n")[2]
    report = apart.submit(check_submission, written(tmp_path, text)).result()
    (finding,) = [one for one in report.findings if one.severity == "error"]
    assert finding.code == "REG_GRAD_MISSING"
    assert text.splitlines()[finding.line - 1].strip().startswith(f'"{lacking}"')


def test_the_first_rows_are_shown_where_they_are_taken(tmp_path, apart):
    text = made().replace("np.random.choice(num_train, batch_size)", "np.arange(batch_size) % num_train")
    report = apart.submit(check_submission, written(tmp_path, text)).result()
    (finding,) = [one for one in report.findings if one.severity == "error"]
    assert finding.code == "BATCH_FIRST_ROWS"
    assert "np.arange(batch_size)" in text.splitlines()[finding.line - 1]


def test_the_last_of_several_classes_is_judged(tmp_path, apart):
    report = apart.submit(check_submission, written(tmp_path, TWO_LEVEL)).result()
    assert report.notes[0] == "the class that is judged is TwoLayerNetv4"
