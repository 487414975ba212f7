"""What is odd in a user's pictures and surroundings is said in one line, and nothing is silently wrong."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import unicodedata
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fcnet.data.own.load import load_own
from fcnet.data.own.picture import read_picture
from fcnet.errors import DataError
from fcnet.records import read_json

from .conftest import fcnet, picture

Capture = pytest.CaptureFixture[str]

QUICK = ("--hidden", "8", "--initialisation", "he", "--preprocessing", "standardised", "--epochs", "1")


def deep_pictures(folder: Path, top: int) -> Path:
    """16-bit pictures whose values go to `top`."""
    for label, name in enumerate(("low", "high")):
        (folder / name).mkdir(parents=True)
        for number in range(10):
            rng = np.random.default_rng([label, number])
            values = rng.integers(label * top // 2, (label + 1) * top // 2 + 1, (8, 8))
            values[0, 0] = top
            Image.fromarray(values.astype(np.uint16)).save(folder / name / f"{number}.png")
    return folder


# Pictures that are nothing once they are read


@pytest.mark.parametrize(("top", "factor"), [(255, 257), (4095, 16)])
def test_16_bit_pictures_of_fewer_bits_are_refused(top: int, factor: int, tmp_path: Path) -> None:
    said = f"the 16-bit pictures go from 0 to {top} of 65535, .*; multiply their values by {factor}, or save"
    with pytest.raises(DataError, match=said):
        load_own(deep_pictures(tmp_path / "deep", top))


def test_16_bit_pictures_of_16_bits_keep_8(tmp_path: Path) -> None:
    dataset = load_own(deep_pictures(tmp_path / "deep", 65535))
    assert dataset.train.images.max() == 255
    steps = read_picture(tmp_path / "deep" / "low" / "0.png", 8, 8).steps
    assert steps[1] == "16 bits cut to 8, values up to 65535"


def test_pictures_of_one_colour_are_said(pictures: Path) -> None:
    Image.new("RGB", (12, 12), (0, 0, 0)).save(pictures / "dark" / "black.png")
    Image.new("RGBA", (12, 12), (255, 255, 255, 0)).save(pictures / "bright" / "icon.png")
    nearly = np.full((12, 12, 3), 90, np.uint8)
    nearly[3, 4] = 92
    Image.fromarray(nearly).save(pictures / "mixed" / "flat.png")
    assert "; images of one colour: 3, such as " in load_own(pictures).origin.how


def test_white_icons_on_transparency_are_refused_when_nothing_is_left(tmp_path: Path) -> None:
    for label, name in enumerate(("cross", "ring")):
        (tmp_path / "icons" / name).mkdir(parents=True)
        for number in range(4):
            icon = np.full((8, 8, 4), 255, np.uint8)
            icon[..., 3] = np.random.default_rng([label, number]).integers(0, 256, (8, 8))
            Image.fromarray(icon).save(tmp_path / "icons" / name / f"{number}.png")
    with pytest.raises(DataError, match=r"all 8 images are the same one once they are read .*255 to 255"):
        load_own(tmp_path / "icons")


def test_arrays_of_zeros_are_refused_and_single_ones_said(tmp_path: Path) -> None:
    X = np.zeros((40, 4, 4), np.uint8)
    np.savez(tmp_path / "a.npz", X=X, y=np.arange(40) % 2)
    with pytest.raises(DataError, match="all 40 images are the same one"):
        load_own(tmp_path / "a.npz")
    X[2:] = np.random.default_rng(0).integers(0, 256, (38, 4, 4))
    np.savez(tmp_path / "a.npz", X=X, y=np.arange(40) % 2)
    how = load_own(tmp_path / "a.npz").origin.how
    assert how.endswith("; images of one colour: 2; images that are under two classes: 1")


def test_a_picture_in_two_places_is_said(pictures: Path, tmp_path: Path) -> None:
    assert "that are" not in load_own(pictures).origin.how
    twin = (pictures / "dark" / "3.png").read_bytes()
    (pictures / "bright" / "twin.png").write_bytes(twin)
    how = load_own(pictures).origin.how
    assert "; images that are under two classes: 1, such as " in how
    whole = tmp_path / "whole"
    (whole / "test" / "dark").mkdir(parents=True)
    (pictures / "bright" / "twin.png").unlink()
    pictures.rename(whole / "train")
    (whole / "test" / "dark" / "other_name.png").write_bytes(twin)
    how = load_own(whole).origin.how
    assert how.endswith("; images that are in two parts: 1, such as test/dark/other_name.png")


# Damaged pictures


def test_damaged_pictures_stop_or_are_skipped_as_asked(pictures: Path, capsys: Capture) -> None:
    (pictures / "dark" / "5.png").write_text("no picture")
    whole = (pictures / "mixed" / "2.png").read_bytes()
    (pictures / "mixed" / "2.png").write_bytes(whole[: len(whole) * 2 // 3])  # its size can be read
    train = ("train", "--data", pictures, *QUICK, "--out")
    status, _, err = fcnet(capsys, *train, "run")
    assert (status, len(err)) == (2, 1)
    assert err[0].endswith("dark/5.png is damaged, or not a picture that Pillow can open; "
                           "repair or remove them, or give --skip-damaged")  # fmt: skip
    status, out, err = fcnet(capsys, *train, "run", "--skip-damaged")
    assert (status, err) == (0, [])
    assert out[0].endswith("; skipped 2 that cannot be read, such as dark/5.png")
    assert out[1] == "pictures: bright 20, dark 19, mixed 19"
    assert read_json(Path("run") / "record.json")["data"]["skipped"] == ["dark/5.png", "mixed/2.png"]
    assert fcnet(capsys, "test", "run")[0] == 0  # which leaves out the same
    assert fcnet(capsys, *train, "run", "--skip-damaged", "--resume")[0] == 0
    for number in range(20):
        (pictures / "dark" / f"{number}.png").write_text("no picture")
    status, _, err = fcnet(capsys, *train, "other", "--skip-damaged")
    assert (status, len(err)) == (2, 1)
    assert "no picture of the class dark in" in err[0]
    np.savez("a.npz", X=np.eye(4), y=[0, 1, 0, 1])
    err = fcnet(capsys, "train", "--out", "x", "--data", "a.npz", "--skip-damaged")[2]
    assert "--skip-damaged is for a folder of pictures" in err[0]


def test_a_png_with_much_metadata_is_read(tmp_path: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    about = PngInfo()
    about.add_text("prompt", "x" * 3_000_000, zip=True)
    Image.fromarray(picture(0, 0)).save(tmp_path / "a.png", pnginfo=about)
    np.testing.assert_array_equal(
        read_picture(tmp_path / "a.png", 12, 12).pixels.transpose(1, 2, 0), picture(0, 0)
    )
    profile = zlib.compress(bytes(10))  # what is no profile does not matter
    Image.fromarray(picture(0, 0)).save(tmp_path / "b.png", icc_profile=profile + bytes(2_000_000))
    assert read_picture(tmp_path / "b.png", 12, 12).pixels.shape == (3, 12, 12)


# Names


def test_the_two_spellings_of_an_accent_are_one_class(pictures: Path) -> None:
    composed, apart = (unicodedata.normalize(form, "Bäume") for form in ("NFC", "NFD"))
    (pictures / "dark").rename(pictures / composed)
    (pictures / apart).mkdir()
    for number in range(3):
        (pictures / composed / f"{number}.png").rename(pictures / apart / f"{number}.png")
    dataset = load_own(pictures)
    assert dataset.classes == (composed, "bright", "mixed")
    assert len(dataset.train) + len(dataset.test) == 60
    whole = pictures.parent / "whole"
    (whole / "test").mkdir(parents=True)
    (pictures / apart).rename(whole / "test" / apart)
    pictures.rename(whole / "train")
    assert len(load_own(whole).test) == 3


def test_the_two_spellings_are_one_label(tmp_path: Path) -> None:
    y = np.array([unicodedata.normalize(form, "Bäume") for form in ("NFC", "NFD")] * 6 + ["Büsche"] * 6)
    np.savez(tmp_path / "a.npz", X=np.random.default_rng(0).standard_normal((18, 2)), y=y)
    dataset = load_own(tmp_path / "a.npz")
    assert dataset.classes == ("Bäume", "Büsche")
    assert np.bincount([*dataset.train.labels, *dataset.test.labels]).tolist() == [12, 6]


def test_a_data_set_without_a_name_in_unicode_is_reported(pictures: Path, capsys: Capture) -> None:
    pictures.rename(os.fsdecode(b"caf\xe9"))
    fcnet(capsys, "train", "--data", os.fsdecode(b"caf\xe9"), "--out", "run", *QUICK)
    status, _, err = fcnet(capsys, "report", "run")
    assert (status, err) == (0, [])
    assert r"caf\udce9" in Path("run/report.html").read_text(encoding="utf-8")


def test_formats_that_cannot_be_read_are_said_in_predictions(pictures: Path, capsys: Capture) -> None:
    fcnet(capsys, "train", "--data", pictures, "--out", "run", *QUICK)
    Path("phone").mkdir()
    Path("phone/a.heic").touch()
    status, _, err = fcnet(capsys, "predict", "run", "phone")
    assert (status, err) == (2, ["error: phone holds no pictures but 1 other file, such as a.heic"])


def test_names_that_no_font_has_are_drawn_as_escapes(tmp_path: Path) -> None:
    from fcnet.report.predicted import Answer, draw_answers
    from fcnet.report.style import families, plain

    assert plain("Bäume $x$") == r"Bäume \$x\$"
    assert plain("a\U0010ffff") == r"a\U0010ffff"
    assert plain("\x1b[2Ja") == r"\x1b[2Ja"
    drawn = plain("猫")
    assert drawn == ("猫" if len(families()) > 1 else r"\u732b")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answer = Answer("猫.png", np.zeros((3, 4, 4), np.uint8), "4 x 4 RGB", [("猫", 0.5), ("犬", 0.5)])
        draw_answers([answer], tmp_path / "seen.png", "fcnet")


# Surroundings


def python(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Python in its own process, without HOME."""
    environment = {name: value for name, value in os.environ.items() if name != "HOME"} | variables
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    return subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, encoding="utf-8",
        errors="replace", timeout=120, check=False,
    )  # fmt: skip


def command(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Fcnet in such a process."""
    return python("-m", "fcnet", *arguments, **variables)


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root may change its user id")
def test_a_user_without_an_entry_and_without_a_home() -> None:
    code = """if True:
        import os, platformdirs
        from fcnet.data.find import cache_root, expanded
        from fcnet.errors import DataError
        from pathlib import Path
        os.setuid(54321)
        print(cache_root())
        try:
            expanded(Path("~/data"), "--data")
        except DataError as error:
            print(error)
    """
    found = python("-c", code, TMPDIR=tempfile.gettempdir(), FCNET_CACHE="")
    assert (found.returncode, found.stderr) == (0, "")
    cache, told = found.stdout.splitlines()
    assert Path(cache) == Path(tempfile.gettempdir()) / "fcnet-54321"
    assert told == "~/data (--data) begins with an unknown user, write the path in full"


LONG = "n" * 300

WAYS = {
    "train out": ("train", "--data", "digits", "--out", LONG),
    "train data": ("train", "--data", LONG, "--out", "x"),
    "train config": ("train", "--config", LONG, "--out", "x"),
    "tune": ("tune", "--data", "digits", "--out", LONG),
    "predict run": ("predict", LONG, "a.png"),
    "runs": ("runs", LONG),
    "report": ("report", LONG),
    "compare": ("compare", LONG, LONG),
    "export": ("export", LONG, "--onnx"),
    "test": ("test", LONG),
    "data": ("data", "info", "--data", LONG),
}


@pytest.mark.parametrize("arguments", WAYS.values(), ids=WAYS)
def test_a_path_that_is_too_long_is_one_line(arguments: tuple[str, ...], capsys: Capture) -> None:
    status, _, err = fcnet(capsys, *arguments)
    assert (status, len(err)) == (2, 1)
    assert err[0].startswith("error: ")
    assert "File name too long" in err[0]


@pytest.mark.parametrize("arguments", WAYS.values(), ids=WAYS)
def test_a_folder_that_may_not_be_entered_is_one_line(
    arguments: tuple[str, ...], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the kernel answers an ordinary user; root, as which tests often run, may enter everything."""
    real = {name: getattr(os, name) for name in ("stat", "lstat", "open", "mkdir", "scandir", "listdir")}
    real["io.open"] = io.open

    def refusing(name: str) -> Any:
        def call(path: Any = ".", *more: Any, **others: Any) -> Any:
            if "closed" in str(path):
                raise PermissionError(13, "Permission denied", str(path))
            return real[name](path, *more, **others)

        return call

    monkeypatch.setattr(io, "open", refusing("io.open"))
    for name in real.keys() - {"io.open"}:
        monkeypatch.setattr(os, name, refusing(name))
    status, _, err = fcnet(capsys, *(word.replace(LONG, "closed/run") for word in arguments))
    assert (status, len(err)) == (2, 1)
    assert err[0].startswith("error: ")
    assert "Permission denied" in err[0]


def test_folders_that_cannot_be_entered_are_named(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    real = os.scandir

    def refusing(path: Any = ".") -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    (tmp_path / "runs" / "closed").mkdir(parents=True)
    (tmp_path / "closed").mkdir()
    train = ("--data", "digits", "--epochs", "1", "--hidden", "4")
    assert fcnet(capsys, "train", "--out", "runs/open", *train)[0] == 0
    monkeypatch.setattr(os, "scandir", refusing)
    status, out, err = fcnet(capsys, "runs", "runs")
    assert status == 0
    assert any("open" in line for line in out)
    assert err == ["cannot read runs/closed: Permission denied, so runs in it are not listed"]
    assert fcnet(capsys, "runs", "closed")[::2] == (
        2, ["error: cannot read closed: Permission denied, name another folder"]
    )  # fmt: skip
    monkeypatch.setattr(os, "listdir", refusing)
    status, _, err = fcnet(capsys, "train", "--out", "run", "--data", "closed")
    assert (status, len(err)) == (2, 1)
    assert err[0].startswith("error: closed (--data) cannot be read (Permission denied)")


def test_names_that_the_terminal_lacks_are_escaped(pictures: Path, capsys: Capture) -> None:
    (pictures / "dark").rename(pictures / "猫")
    latin = os.fsencode(pictures / "bright") + b"/caf\xe9.png"
    Image.fromarray(picture(0, 70)).save(pictures / "bright" / "x.png")
    (pictures / "bright" / "x.png").rename(os.fsdecode(latin))
    fcnet(capsys, "train", "--data", pictures, "--out", "run", *QUICK)
    for encoding in ("ascii", "cp1252", "utf-8"):
        found = command(
            "predict", "run", "pictures/bright", "--top", "3", PYTHONIOENCODING=encoding, PYTHONUTF8="0"
        )
        assert (found.returncode, found.stderr) == (0, "")
        assert r"caf\udce9.png: 12 x 12 RGB" in found.stdout
        assert ("猫" if encoding == "utf-8" else r"\u732b") in found.stdout
    answer = json.loads(command("predict", "run", "pictures/bright", "--json").stdout)
    assert len(answer["pictures"]) == 21
