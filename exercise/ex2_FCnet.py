"""Exercise 2, questions 1 to 3: a two-layer network by hand, from its first score to CIFAR-10.

Read it from top to bottom, beside `src/fcnet/two_layernet.py`, which holds the network itself. Run it with

    python exercise/ex2_FCnet.py [--data DIR] [--out DIR] [--show]

Before it trains on the images it says how long that takes. Figures go to OUT (runs/exercise if not given);
--show also opens them in windows.
"""

import argparse
import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from fcnet import TwoLayerNet
from fcnet.audit import audit_gradients
from fcnet.cli.loading import digits_notice, load
from fcnet.data.dataset import split
from fcnet.data.preprocessing import centred
from fcnet.data.toy import CLASSES, HIDDEN_SIZE, INPUT_SIZE, LOSS, REG, SCORES, STD, toy_data
from fcnet.errors import DivergedError, FcnetError
from fcnet.experiments.diagnosis import straight_line_share
from fcnet.experiments.duration import expected
from fcnet.records import make_writable, read_json, write_json
from fcnet.report.pictures import as_pictures, mosaic
from fcnet.report.style import STYLE, TRAIN, VALIDATION


# The toy problem: five points of four numbers each, three classes, ten hidden units -------------------------
# The seeds make everybody's random numbers the same, so that results can be held against given ones.
def questions_1_to_3a(out):
    np.random.seed(0)
    net = TwoLayerNet(INPUT_SIZE, HIDDEN_SIZE, CLASSES, std=STD)
    X, y = toy_data()

    # Question 1a: the feedforward model, equations (3) to (7). Without labels, `loss` gives the scores:
    # for each point a probability for each class.
    scores = net.loss(X)
    print(f"Question 1a: scores\n{scores}")
    check("difference to the given scores", np.abs(scores - SCORES).sum(), 1e-7)

    # Question 1b: the loss, equations (8) to (14): how surprising the right labels are, plus regularisation.
    # Question 1c is that nothing in `loss` loops over points or units; `make bench` shows what that is worth.
    loss, grads = net.loss(X, y, reg=REG)
    print(f"\nQuestion 1b: loss {loss:.11f}")
    check("difference to the given loss", abs(loss - LOSS), 1e-10)

    # Question 2: backpropagation, equations (15) to (20). `grads` says how the loss changes with each weight.
    # To check it, move one weight w by h = 1e-5 up and down and see what the loss J does: the central
    # difference, (J(w + h) - J(w - h)) / 2h, is off by about h^2 and by rounding over h. A step along the
    # imaginary axis, Im J(w + ih) / h, subtracts nothing, so h can be tiny: it decides who is right.
    print("\nQuestion 2: gradients, largest relative error of each parameter")
    audit = audit_gradients(net, X, y, reg=REG, steps=[1e-5])
    if not audit.passed:
        raise FcnetError(f"the gradients are wrong, put two_layernet.py right: {audit.reason}")
    for name in grads:
        check(f"{name} against central differences", audit.parameters[name].best_error, 1e-8)
        check(f"{name} against the complex step", audit.parameters[name].complex_error, 1e-10)

    # Question 3a: stochastic gradient descent, Algorithm 1, and figure 2. Draw some points, take a small step
    # against the gradient of their loss, and again.
    print("\nQuestion 3a: training on the toy problem")
    history = net.train(X, y, X, y, learning_rate=0.1, reg=5e-6, num_iters=100, batch_size=200)
    check("final training loss", history["loss_history"][-1], 0.02)
    figure, ax = plt.subplots(figsize=(5, 3.5))
    ax.plot(history["loss_history"], color=TRAIN)
    ax.set(xlabel="iteration", ylabel="training loss (nats)", title="Training on the toy problem")
    figure.savefig(out / "toy_training.png", dpi=150)


# Question 3b: CIFAR-10 with the default hyper-parameters ----------------------------------------------------
class Images:
    """The images, each a row of numbers: the training split, the validation split, and the test set."""

    def __init__(self, dataset):
        # The last 1,000 training images (of few, a fifth) are kept aside for validation. The mean image of
        # the others is subtracted from all, so that the numbers lie around zero. float32 saves memory here;
        # the network's weights are float64, and so is all that it computes.
        train, validation = split(dataset.train, min(1000, len(dataset.train) // 5))
        self.preprocessing = centred(train.images)
        self.X_train, self.y_train = self.preprocessing(train.images), train.labels
        self.X_val, self.y_val = self.preprocessing(validation.images), validation.labels
        self.dataset = dataset
        print(f"{dataset.label}: {len(train)} images to train on, {len(validation)} to validate on")

    def trained(self, hidden, std, **settings):
        """A network trained with these settings, and its history."""
        np.random.seed(0)
        net = TwoLayerNet(self.X_train.shape[1], hidden, len(self.dataset.classes), std=std)
        return net, net.train(self.X_train, self.y_train, self.X_val, self.y_val, batch_size=200, **settings)

    def accuracies(self, net):
        """The fractions of all training and of all validation images whose labels are right."""
        return accuracy(net, self.X_train, self.y_train), accuracy(net, self.X_val, self.y_val)


def question_3b(images, out):
    settings = {"learning_rate": 1e-4, "learning_rate_decay": 0.95, "reg": 0.25, "num_iters": 1000}
    net, history = images.trained(hidden=50, std=1e-4, **settings, verbose=True)
    train, val = images.accuracies(net)
    print(f"default hyper-parameters: training accuracy {train:.1%}, validation accuracy {val:.1%}")
    draw(out, "default", net, history, images)

    # That is poor. What is wrong? The exercise's pointers, and what they show on CIFAR-10:
    # - The loss falls almost along a straight line and is still falling at the end: learning rate too low.
    # - At first it hardly falls at all: weights drawn from N(0, 1e-4^2) pass hardly any error back.
    # - There is no gap between training and validation accuracy: not even the training images are learnt, so
    #   there is room for more hidden units, and no need for so much regularisation.
    # - The weights of the hidden units, as pictures, are a few blurs over and over: default_weights.png.
    losses = history["loss_history"]
    means = np.reshape(losses, (-1, 20)).mean(axis=1)  # over 20 iterations each: one minibatch says little
    share = straight_line_share(range(len(means)), means)
    print(f"share of the loss's course that a straight line explains: {share:.0%}")
    print(f"share of its fall in the first tenth: {(losses[0] - losses[99]) / (losses[0] - losses[-1]):.0%}")
    print(f"gap between training and validation accuracy: {100 * (train - val):.1f} points")


# Question 3c: better hyper-parameters -----------------------------------------------------------------------
# Twice the hidden units, larger first weights and little regularisation follow from the pointers. The
# learning rate is chosen by the validation images, after one pass over the training images with each.
def question_3c(images, out):
    settings = {"hidden": 100, "std": 1e-3, "learning_rate_decay": 0.9, "reg": 0.01}
    one_pass = max(len(images.y_train) // 200, 1)  # minibatches of 200
    val = {}
    for rate in (1e-4, 3e-4, 1e-3, 3e-3, 1e-2):
        try:
            net, _ = images.trained(**settings, learning_rate=rate, num_iters=one_pass)
            val[rate] = accuracy(net, images.X_val, images.y_val)
            print(f"learning rate {rate:g}: validation accuracy {val[rate]:.1%} after one pass", flush=True)
        except DivergedError as error:
            print(f"learning rate {rate:g}: {error}")
    best = max(val, key=val.get)
    print(f"the best of these, {best:g}, in a long training:")
    net, history = images.trained(**settings, learning_rate=best, num_iters=2000, verbose=True)
    train, val = images.accuracies(net)
    print(f"better hyper-parameters: training accuracy {train:.1%}, validation accuracy {val:.1%}")
    draw(out, "better", net, history, images)
    return net


# The test set, once: a number chosen by looking at it is no longer a test result  ---------------------------
def test_once(net, images, out):
    test, record = images.dataset.test, out / "test.json"
    count = 1 + (read_json(record).get("count", 0) if record.exists() else 0)
    correct = accuracy(net, images.preprocessing(test.images), test.labels)
    write_json(record, {"accuracy": correct, "images": len(test), "count": count})
    print(f"test accuracy {correct:.1%} of {len(test)} images of {images.dataset.label}")
    print(f"times that the test set was used, all runs into {out} together: {count}")


# Tools ------------------------------------------------------------------------------------------------------
def check(what, value, limit):
    """Print a number with its limit, and stop if it is above."""
    print(f"{what}: {value:.1e} (limit {limit:.0e})")
    if not value <= limit:
        raise FcnetError(f"{what} is {value:.1e}, above {limit:.0e}: look for the mistake in two_layernet.py")


def accuracy(net, X, y):
    """The fraction of correct labels."""
    return float((net.predict(X) == y).mean())


def draw_training(path, history, title):
    """The loss of every iteration, and both accuracies of every epoch."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5))
    figure.suptitle(title)
    left.plot(history["loss_history"], color=TRAIN, linewidth=1)
    left.set(xlabel="iteration", ylabel="training loss (nats)")
    right.plot(100 * np.array(history["train_acc_history"]), "o-", color=TRAIN, label="training (minibatch)")
    right.plot(100 * np.array(history["val_acc_history"]), "o-", color=VALIDATION, label="validation")
    right.set(xlabel="epoch", ylabel="accuracy (%)", ylim=(0, None))
    right.legend(frameon=False)
    figure.savefig(path, dpi=150)


def draw(out, name, net, history, images):
    """The training, and the weights into each hidden unit as a picture, in which middle grey is zero."""
    draw_training(out / f"{name}_training.png", history, f"Training with the {name} hyper-parameters")
    sheet = mosaic(as_pictures(net.params["W1"], images.dataset.image_shape), columns=10)
    figure, ax = plt.subplots(figsize=(8, 0.5 + 8 * sheet.shape[0] / sheet.shape[1]))
    ax.imshow(sheet, interpolation="none")
    ax.set(title=f"First-layer weights, {name} hyper-parameters")
    ax.axis("off")
    figure.savefig(out / f"{name}_weights.png", dpi=150)


def main(data, out, show):
    if show and plt.get_backend().lower() == "agg":
        raise FcnetError(f"there is no display for --show, leave it out and look at the figures in {out}")
    mpl.rcParams.update(STYLE)
    make_writable(out)
    questions_1_to_3a(out)
    dataset = load(data)
    if dataset.name == "CIFAR-10":
        print(f"\nThe rest takes {expected('ex2_FCnet.py')}.", flush=True)
    print("\nQuestion 3b: images, default hyper-parameters")
    images = Images(dataset)
    question_3b(images, out)
    print("\nQuestion 3c: better hyper-parameters")
    net = question_3c(images, out)
    test_once(net, images, out)
    print(f"figures: {out}/*.png")
    if notice := digits_notice(images.dataset):
        print(notice)
    if show:
        plt.show()


if __name__ == "__main__":
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--data", type=Path, help="folder with CIFAR-10; looked for or fetched if not given")
    parser.add_argument("--out", type=Path, default=Path("runs/exercise"), help="folder for the figures")
    parser.add_argument("--show", action="store_true", help="open the figures in windows at the end")
    options = parser.parse_args()
    if not options.show:
        mpl.use("agg")  # draws without windows
    try:
        main(**vars(options))
    except FcnetError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:  # a full disk, say, while a figure is saved
        print(f"error: cannot write to {options.out} ({error.strerror or error})", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("stopped: by Ctrl-C", file=sys.stderr)
        sys.exit(130)
