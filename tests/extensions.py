"""Extensions of each kind, right ones and wrong ones, and how they are run."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

import programs

ACTIVATION = """
from fcnet.net.activations import ACTIVATIONS, ActivationFunction

class Swish(ActivationFunction):
    def value(self, Z, out):
        np.divide(Z, 1 + np.exp(-Z), out=out)

    def slope(self, kept, out):
        sigmoid = 1 / (1 + np.exp(-kept))
        np.multiply(sigmoid, 1 + kept * (1 - sigmoid), out=out)

ACTIVATIONS["swish"] = Swish
"""

LAYER = """
from fcnet.net.layers import LAYERS, Layer
from fcnet.net.parameters import Declared, DenseGradient

class Scale(Layer):
    normalises = needs_input = True

    def __init__(self, inputs):
        super().__init__(inputs)
        self.declared = (Declared("s", (inputs,), "ones"),)

    def bind(self, parameters, rng):
        (self.s,) = parameters

    def forward(self, X, training):
        self.X = X
        return X * self.s.value

    def backward(self, delta, input_needed):
        self.s.gradient = DenseGradient((self.X * delta).sum(axis=0))
        return delta * self.s.value

    def predict(self, X):
        return X * self.s.value

LAYERS["scale"] = Scale
"""

OPTIMISER = """
from fcnet.net.optimisers import OPTIMISERS, gradient_of

class Plain:
    def step(self, parameters, learning_rate, reg):
        for parameter in parameters:
            parameter.value[...] -= learning_rate * gradient_of(parameter).dense()

    def state(self):
        return {}

    def load_state(self, state):
        pass

OPTIMISERS["plain"] = lambda settings: Plain()
"""

SCHEDULE = """
from fcnet.train.schedules import SCHEDULES

def steady(settings, length):
    return lambda step: 0.01

SCHEDULES["steady"] = steady
"""

AVERAGE = """
from fcnet.train.averaging import AVERAGES

def all_of_them(length):
    return lambda step: 1 / step

AVERAGES["all"] = all_of_them
"""

INITIALISATION = """
from fcnet.net.initialisation import INITIALISATIONS

def small(parameter, rng):
    return 0.1 * rng.standard_normal(parameter.shape)

INITIALISATIONS["small"] = small
"""

AUGMENTATION = """
from fcnet.data.augmentation import AUGMENTATIONS

class Noise:
    def __call__(self, batch, rng):
        batch.X += rng.standard_normal(batch.X.shape)

AUGMENTATIONS["noise"] = Noise
"""

DATASET = """
from fcnet.data.dataset import Dataset, Origin, Part, content_hash
from fcnet.data.datasets import DATASETS
from fcnet.data.published import Published

class Points(Published):
    def read(self, folder):
        rng = np.random.default_rng(0)
        y = np.arange(300) % 2
        part = Part((y[:, None] + rng.standard_normal((300, 2))).astype(np.float32), y)
        origin = Origin("own.py", content_hash(part), None)
        return Dataset(self.title, part, part, self.classes, (1, 1, 2), origin)

DATASETS["points"] = Points("points", ("a", "b"), (1, 1, 2))
"""

SECTION = """
from fcnet.report.sections import RUN_SECTIONS
from fcnet.report.story import Section

def words(story):
    return "Words."

RUN_SECTIONS["words"] = Section("Words", words)
"""

END = """
if __name__ == "__main__":
    raise SystemExit(main())
"""

SETTINGS = "--initialisation he --learning-rate 0.02 --reg 1e-4 --epochs 2 --hidden 6 --batch-size 20"
AUDIT = "audit --sizes 4 5 3"
TRAIN = f"train --data data.npz --out run {SETTINGS}"

COMMANDS = {
    ACTIVATION: f"{TRAIN} --activation swish",
    LAYER: f"{TRAIN} --norm scale",
    OPTIMISER: f"{TRAIN} --optimiser plain",
    SCHEDULE: f"{TRAIN} --schedule steady",
    AVERAGE: f"{TRAIN} --average all",
    INITIALISATION: TRAIN.replace("initialisation he", "initialisation small"),
    AUGMENTATION: f"{TRAIN} --augment noise",
    DATASET: TRAIN.replace("data.npz", "points --validation 50"),
    SECTION: "report run",
}
"""What uses each of them."""

METHOD = r"(?=    def |\nACT|\nLAY|\nOPT)"


def without(method: str, text: str) -> str:
    """The text of a class without one of its methods."""
    shorter = re.sub(rf"    def {method}\(.*?{METHOD}", "", text, flags=re.DOTALL)
    assert shorter != text
    return shorter


def changed(text: str, before: str, after: str) -> str:
    assert before in text
    return text.replace(before, after)


SWISH = r"the activation 'swish' \(Swish in own.py, line 5\) "
SCALE = r"the layer( 'scale')? \(Scale in own.py, line 6\) "
NOISE = r"the augmentation 'noise' \(Noise in own.py, line 5\) "
POINTS = r"the data set 'points' \(Points in own.py, line 7\) "

IN_TRAINING = """if training:
            X = X + np.zeros(X.shape)
        return X * self.s.value

    def back"""

WRONG = {
    "no value": (ACTIVATION, without("value", ACTIVATION), SWISH + r"lacks value\(Z, out\), define it"),
    "no slope": (ACTIVATION, without("slope", ACTIVATION), SWISH + r"lacks slope\(kept, out\), define it"),
    "a value that is returned": (
        ACTIVATION,
        changed(ACTIVATION, "np.divide(Z, 1 + np.exp(-Z), out=out)", "return Z / (1 + np.exp(-Z))"),
        SWISH + r"does not write its value to out: fill it",
    ),
    "a slope that is returned": (
        ACTIVATION,
        changed(ACTIVATION, "np.multiply(sigmoid, 1 + kept * (1 - sigmoid), out=out)", "return sigmoid"),
        SWISH + r"does not write its slope to out: fill it",
    ),
    "slope_from": (
        ACTIVATION,
        changed(ACTIVATION, "    def value", '    slope_from = "z"\n\n    def value'),
        SWISH + r"has slope_from 'z', give \"input\" or \"output\"",
    ),
    "an activation that is made already": (
        ACTIVATION,
        changed(ACTIVATION, '"] = Swish', '"] = Swish()'),
        SWISH + r"cannot be used: 'Swish' object is not callable; put a class .* there",
    ),
    "an activation of another kind": (
        ACTIVATION,
        changed(ACTIVATION, "Swish(ActivationFunction)", "Swish"),
        SWISH + "is no ActivationFunction",
    ),
    "no forward": (LAYER, without("forward", LAYER), SCALE + r"lacks forward\(X, training\), define it"),
    "no backward": (
        LAYER,
        without("backward", LAYER),
        SCALE + r"lacks backward\(delta, input_needed\), define it",
    ),
    "no predict": (LAYER, without("predict", LAYER), SCALE + r"lacks predict\(X\), define it"),
    "no bind": (LAYER, without("bind", LAYER), SCALE + r"lacks bind\(parameters, rng\), define it"),
    "a layer that is none": (
        LAYER,
        changed(LAYER, '"] = Scale', '"] = lambda inputs: None\nLAYERS["scale"].normalises = True'),
        r"the layer 'scale' \(<lambda> in own.py, line 27\) makes None, derive its class from",
    ),
    "no super().__init__": (
        LAYER,
        changed(LAYER, "super().__init__(inputs)", "pass"),
        SCALE + r"does not call super",
    ),
    "no error passed down": (
        LAYER,
        changed(LAYER, "return delta * self.s.value", "pass"),
        SCALE + r"returns None from backward, where the layer below needs the error: return dJ/d\(input\)",
    ),
    "another start": (
        LAYER,
        changed(LAYER, '"ones"', '"twos"'),
        SCALE + r"declares 's', which starts as 'twos', choose from 'weight', 'bias', 'ones', 'zeros'",
    ),
    "a name twice": (
        LAYER,
        changed(LAYER, '"ones"),)', '"ones"), Declared("s", (inputs,), "zeros"))'),
        SCALE + r"declares 's', which is declared twice, give each a name of its own",
    ),
    "a shape with a fraction": (
        LAYER,
        changed(LAYER, "(inputs,), ", "(inputs / 2,), "),
        SCALE + r"declares 's', which has shape \(3.0,\), give a tuple of whole numbers of at least 1",
    ),
    "a shape that is empty": (
        LAYER,
        changed(LAYER, "(inputs,), ", "(0,), "),
        SCALE + r"declares 's', which has shape \(0,\), give",
    ),
    "a shape that is a number": (
        LAYER,
        changed(LAYER, "(inputs,), ", "inputs, "),
        SCALE + r"declares 's', which has shape 6, give a tuple",
    ),
    "something else declared": (
        LAYER,
        changed(LAYER, '(Declared("s", (inputs,), "ones"),)', '["s"]'),
        SCALE + r"has declared \['s'\], give a tuple of Declared",
    ),
    "outputs": (
        LAYER,
        changed(LAYER, "super().__init__(inputs)", "super().__init__(inputs); self.outputs = 2.5"),
        SCALE + r"has outputs 2.5, give a whole number of at least 1",
    ),
    "more parameters bound than declared": (
        LAYER,
        changed(LAYER, "(self.s,) = parameters", "self.s, self.t = parameters"),
        SCALE + r"declares s, and its bind fails with them: not enough values to unpack .*; take all of them",
    ),
    "fewer parameters bound than declared": (
        LAYER,
        changed(LAYER, '"ones"),)', '"ones"), Declared("t", (inputs,), "ones"))'),
        SCALE + r"declares s, t, and its bind fails with them: too many values to unpack .*; take all",
    ),
    "a parameter forgotten": (
        changed(LAYER, "(self.s,) = parameters", "self.s = parameters[0]"),
        changed(
            changed(LAYER, "(self.s,) = parameters", "self.s = parameters[0]"),
            '"ones"),)',
            '"ones"), Declared("t", (inputs,), "ones"))',
        ),
        SCALE + r"sets no gradient of t in backward, assign DenseGradient\(array\) to it",
    ),
    "a gradient as an array": (
        LAYER,
        changed(LAYER, "DenseGradient((self.X * delta).sum(axis=0))", "(self.X * delta).sum(axis=0)"),
        SCALE + r"sets float32 of shape \(6,\) as the gradient of s, give DenseGradient\(array\)",
    ),
    "a gradient of another shape": (
        LAYER,
        changed(LAYER, ".sum(axis=0)", ""),
        SCALE + r"gives s a gradient of shape \(5, 6\), give \(6,\)",
    ),
    "a gradient of another type": (
        LAYER,
        changed(LAYER, "sum(axis=0)", "sum(axis=0, dtype=np.float64)"),
        SCALE + r"gives s a gradient of float64, keep the parameter's type float32",
    ),
    "a gradient in another order": (
        LAYER,
        changed(LAYER, "(self.X * delta).sum(axis=0)", "np.repeat((self.X * delta).sum(axis=0), 2)[::2]"),
        SCALE + r"gives s a gradient that is not C-contiguous, use np.ascontiguousarray",
    ),
    "a gradient that is a list": (
        LAYER,
        changed(LAYER, "(self.X * delta).sum(axis=0)", "[0.0] * 6"),
        SCALE + r"gives s a gradient that is a list and no array, use np.asarray",
    ),
    "another type in training": (
        LAYER,
        changed(LAYER, "return X * self.s.value\n\n    def back", IN_TRAINING),
        SCALE + r"returns float64 from forward where it is given float32, keep the type",
    ),
    "an input overwritten in training": (
        LAYER,
        changed(LAYER, "        self.X = X\n", "        if training: X *= 2\n        self.X = X\n"),
        SCALE + r"overwrites its input in forward, write to it only where self.overwrite_input is True",
    ),
    "another shape": (
        LAYER,
        changed(
            LAYER,
            "        self.X = X\n        return X * self.s.value",
            "        self.X = X\n        return X[:, :3] * self.s.value[:3]",
        ),
        SCALE + r"returns shape \(5, 3\) from forward for 5 examples, return \(N, 6\)",
    ),
    "another type": (
        LAYER,
        changed(LAYER, "return delta * self.s.value", "return delta * self.s.value * np.ones(1)"),
        SCALE + r"returns float64 from backward where it is given float32, keep the type",
    ),
    "a prediction of its own": (
        LAYER,
        changed(
            LAYER,
            "predict(self, X):\n        return X * self.s.value",
            "predict(self, X):\n        return X * self.s.value * 1.25",
        ),
        SCALE + r"predicts other numbers than forward gives without training, by 2.5e-01: let predict do",
    ),
    "an input overwritten": (
        LAYER,
        changed(
            LAYER,
            "        self.X = X\n        return X * self.s.value",
            "        self.X = X.copy()\n        X *= self.s.value\n        return X",
        ),
        SCALE + r"overwrites its input in forward, write to it only where self.overwrite_input is True",
    ),
    "an error overwritten": (
        LAYER,
        changed(LAYER, "return delta * self.s.value", "delta *= self.s.value; return delta"),
        SCALE + r"overwrites its error in backward, write to it only where self.overwrite_delta is True",
    ),
    "an optimiser without state": (
        OPTIMISER,
        without("state", OPTIMISER),
        r"the optimiser 'plain' \(Plain in own.py, line 5\) lacks state\(\), define it",
    ),
    "an optimiser without load_state": (
        OPTIMISER,
        without("load_state", OPTIMISER),
        r"lacks load_state\(state\), define it",
    ),
    "an optimiser without step": (
        OPTIMISER,
        without("step", OPTIMISER),
        r"lacks step\(parameters, learning_rate, reg\), define it",
    ),
    "an optimiser that is a class": (
        OPTIMISER,
        changed(OPTIMISER, "= lambda settings: Plain()", "= Plain"),
        r"the optimiser 'plain' \(Plain in own.py, line 5\) cannot be used: Plain\(\) takes no arguments; "
        r"put a function of the settings that makes one there",
    ),
    "a state of numbers": (
        OPTIMISER,
        changed(OPTIMISER, "return {}", 'return {"steps": 3}'),
        r"the optimiser \(Plain in own.py, line 5\) gives a state that is not arrays by name, return a dict",
    ),
    "a rate of None": (
        SCHEDULE,
        changed(SCHEDULE, "0.01", "None"),
        r"the schedule 'steady' \(steady in own.py, line 5\) gives None for step 0, return a number of",
    ),
    "a rate that is NaN": (
        SCHEDULE,
        changed(SCHEDULE, "0.01", "float('nan') if step == 3 else 0.01"),
        "gives nan for step 3, return a",
    ),
    "a negative rate": (
        SCHEDULE,
        changed(SCHEDULE, "0.01", "0.01 - 0.005 * step"),
        "gives -0.00.* for step 3, return",
    ),
    "a schedule that is a number": (
        SCHEDULE,
        changed(SCHEDULE, "lambda step: 0.01", "0.01"),
        "makes a float, return a function of the step",
    ),
    "a schedule of the settings alone": (
        SCHEDULE,
        changed(SCHEDULE, "settings, length", "settings"),
        r"cannot be used: .*; put a function of \(sett",
    ),
    "a share above 1": (
        AVERAGE,
        changed(AVERAGE, "1 / step", "2 / step"),
        r"the average 'all' \(all_of_them in own.py, line 5\) gives 2.0 for step 1, return a number f",
    ),
    "a share of None": (
        AVERAGE,
        changed(AVERAGE, "1 / step", "None"),
        "gives None for step 1, return a number from",
    ),
    "no share": (
        AVERAGE,
        changed(AVERAGE, "1 / step", "0"),
        r"gives 0 for each of the \d+ steps, let one of them",
    ),
    "shares in a list": (
        AVERAGE,
        changed(AVERAGE, "lambda step: 1 / step", "[1.0]"),
        "makes a list, return a function of the step",
    ),
    "weights of another shape": (
        INITIALISATION,
        changed(INITIALISATION, "parameter.shape", "parameter.shape[::-1]"),
        r"the initialisation 'small' \(small in own.py, line 5\) gives float64 of shape \(6, 4\) for W1, "
        r"return an array of shape \(4, 6\)",
    ),
    "weights of None": (
        INITIALISATION,
        changed(INITIALISATION, "return 0.1 *", "0.1 *"),
        r"gives None for W1, return an array of shape",
    ),
    "weights that are not finite": (
        INITIALISATION,
        changed(INITIALISATION, "0.1 *", "np.inf *"),
        r"gives NaN or infinity for W1, return finite",
    ),
    "whole weights": (
        INITIALISATION,
        changed(
            INITIALISATION, "0.1 * rng.standard_normal(parameter.shape)", "np.ones(parameter.shape, int)"
        ),
        r"gives int64 numbers for W1, return finite floating-point numbers",
    ),
    "a batch that is returned": (
        AUGMENTATION,
        changed(AUGMENTATION, "batch.X +=", "return batch.X +"),
        NOISE + r"returns float64 of shape \(8, 4\), change batch.X in place instead",
    ),
    "a batch of another shape": (
        AUGMENTATION,
        changed(AUGMENTATION, "batch.X += rng.standard_normal(batch.X.shape)", "batch.X = batch.X[:, 1:]"),
        NOISE + r"leaves float32 of shape \(8, 3\) in batch.X, leave floating-point",
    ),
    "a batch of another type": (
        AUGMENTATION,
        changed(AUGMENTATION, "batch.X += rng.standard_normal(batch.X.shape)", "batch.X = batch.X + 1j"),
        NOISE + r"leaves complex64 of shape \(8, 4\) in batch.X, leave floating-point numbers",
    ),
    "a batch that is not finite": (
        AUGMENTATION,
        changed(AUGMENTATION, "rng.standard_normal(batch.X.shape)", "np.nan"),
        NOISE + r"leaves NaN or infinity in batch.X, leave finite numbers",
    ),
    "labels with fractions": (
        AUGMENTATION,
        changed(
            AUGMENTATION, "batch.X += rng.standard_normal(batch.X.shape)", "batch.labels = batch.labels * 0.5"
        ),
        NOISE + r"leaves float64 of shape \(8,\) in batch.labels, leave whole numbers of shape \(8,\)",
    ),
    "an augmentation of None": (
        AUGMENTATION,
        changed(AUGMENTATION, '"] = Noise', '"] = lambda: None'),
        r"makes None, return a function of \(",
    ),
    "an augmentation that is none": (
        AUGMENTATION,
        changed(AUGMENTATION, '"] = Noise', '"] = 3'),
        r"'noise' \(int\) cannot be called, put a class",
    ),
    "no data set": (
        DATASET,
        changed(DATASET, "return Dataset(", "print("),
        POINTS + "reads None, return a Dataset",
    ),
    "no read": (
        DATASET,
        changed(DATASET, "def read", "def reads"),
        r"points.* \(Points in own.py, line 7\) lacks read",
    ),
    "a data set that is a class": (
        DATASET,
        changed(DATASET, '= Points("points", ("a", "b"), (1, 1, 2))', "= Points"),
        POINTS + "is no Published, put an instance",
    ),
    "labels with fractions in a part": (
        DATASET,
        changed(DATASET, "self.title, part, part", "self.title, part, Part(part.images, y * 0.5)"),
        POINTS + r"reads a test part whose labels are float64 of shape \(300,\), give whole numbers \(300,\)",
    ),
    "a part that is an array": (
        DATASET,
        changed(DATASET, "self.title, part, part", "self.title, part, part.images"),
        POINTS + r"reads a test part that is float32 of shape \(300, 2\), give a Part\(images, labels\)",
    ),
    "rows of another width": (
        DATASET,
        changed(DATASET, "self.classes, (1, 1, 2)", "self.classes, (1, 1, 3)"),
        POINTS + r"reads a train part whose images are float32 of shape \(300, 2\), give an array \(N, 3\)",
    ),
    "rows that are not finite": (
        DATASET,
        changed(DATASET, "y[:, None] + ", "np.nan + "),
        POINTS + r"reads a train part whose rows are float32",
    ),
    "fewer labels than rows": (
        DATASET,
        changed(DATASET, ".astype(np.float32), y)", ".astype(np.float32), y[1:])"),
        POINTS + r"reads a train part whose labels are int64 of shape \(299,\), give whole numbers \(300,\)",
    ),
    "images of another type": (
        DATASET,
        changed(changed(DATASET, "self.classes, (1, 1, 2)", "self.classes, (1, 2, 1)"), "np.float32", "int"),
        POINTS + r"reads a train part whose images are int64, give uint8, or the image_shape",
    ),
    "a section of None": (
        SECTION,
        changed(SECTION, 'return "Words."', "pass"),
        r"the section 'words' \(words in own.py, line 6\) gives None, return Markdown as text",
    ),
    "a section of a list": (
        SECTION,
        changed(SECTION, '"Words."', "['Words.']"),
        "gives a list, return Markdown as",
    ),
    "a section that is a tuple": (
        SECTION,
        changed(SECTION, 'Section("Words", words)', '("Words", words)'),
        r"the section 'words' \(tuple\) is no section, give Section\(\"Title\", function\)",
    ),
}
"""Each by what is wrong with it: the right text, which tells the command, the wrong one, and what is said."""


def data_in(folder: Path) -> Path:
    """A folder with data.npz, on which the extensions train."""
    rng = np.random.default_rng(0)
    y = np.arange(120) % 3
    np.savez(folder / "data.npz", X=(y[:, None] + rng.standard_normal((120, 4))), y=y)
    return folder


def run(folder: Path, text: str, command: str) -> tuple[int, str, str]:
    """Save this text as own.py and run it with a command."""
    (folder / "own.py").write_text(f"import numpy as np\nfrom fcnet.cli import main{text}{END}")
    return programs.run(["own.py", *command.split()], folder, {"FCNET_CACHE": str(folder / "cache")})


def plain(folder: Path, command: str) -> tuple[int, str, str]:
    return programs.run(["-m", "fcnet", *command.split()], folder, {"FCNET_CACHE": str(folder / "cache")})


def trained(folder: Path, text: str, name: str = "run") -> None:
    status, _, err = run(folder, text, COMMANDS[text].replace("--out run", f"--out {name}"))
    assert status == 0, err
