"""The typical mistakes that the page can make, by their codes; `page/mistakes.js` has what each computes."""

from __future__ import annotations

TEXTS = {
    "RELU_MASK_MISSING": (
        "Mask forgotten",
        "The error passes back through units that were off. The gradients of W1 and b1 are wrong, "
        "those of W2 and b2 are right, and the toy training converges as if nothing were amiss: only "
        "a gradient check notices.",
    ),
    "MEAN_MISSING": (
        "1/N forgotten",
        "The loss is a mean, and the error is the derivative of a sum: every gradient from the data "
        "is N times too large. With 200 draws in a minibatch the steps are 200 times too long.",
    ),
    "BIAS_GRAD_DIV_N_TWICE": (
        "1/N twice in the biases",
        "The error already has its 1/N, and a mean over its rows divides once more. Biases learn too "
        "slowly, and the training hides it.",
    ),
    "REG_HALF_BUG": (
        "One-half in the penalty",
        "The loss has half the penalty and the gradient fits it, so the gradient check passes: both "
        "are right for another objective. Only the exercise's number for the loss tells.",
    ),
    "REG_GRAD_FACTOR": (
        "Penalty’s gradient without its 2",
        "The loss has lambda times the squares, and the gradient lambda times W instead of twice "
        "that. The toy training, whose lambda is tiny, does not notice.",
    ),
    "REG_GRAD_MISSING": (
        "No penalty in the gradient",
        "The loss contains the penalty and the gradient does not. For lambda = 0 everything is right.",
    ),
    "SOFTMAX_AXIS": (
        "Softmax over the wrong axis",
        "Each column adds up to 1 instead of each row: the points compete for a class. The answer for "
        "one point depends on which others are asked about.",
    ),
    "SOFTMAX_TWICE": (
        "Softmax of the softmax",
        "Probabilities are taken for scores. They lie between 0 and 1, so a second softmax can never "
        "be sure of anything, and the loss cannot fall far below log K.",
    ),
    "LOSS_ALL_CLASSES": (
        "Loss over all classes",
        "-log f is added over every class and not taken at the label. The gradient is right for the "
        "loss that was meant, so training works while the loss shown grows.",
    ),
    "BIASES_NOT_UPDATED": (
        "Biases never updated",
        "All gradients are right and the loop over the parameters leaves two of them out. No check of "
        "gradients can notice, and the toy training ends where it should.",
    ),
}
"""Title and text of each."""


def texts() -> dict[str, dict[str, str]]:
    """Title and text by code, as the page takes them."""
    return {code: {"title": title, "text": text} for code, (title, text) in TEXTS.items()}
