"""The typical mistakes that the page can make, by their codes; `page/mistakes.js` has what each computes.

The words for what is wrong are those of the catalogue of `fcnet check`; here is what the toy problem shows.
"""

from fcnet.judge.catalogue import texts as catalogue

MISTAKES = {
    "RELU_MASK_MISSING": (
        "Mask forgotten",
        "The gradients of W1 and b1 are wrong, those of W2 and b2 are right, and the toy training "
        "converges as if nothing were amiss: only a gradient check notices.",
    ),
    "MEAN_MISSING": (
        "1/N forgotten",
        "With 200 draws in a minibatch the steps are 200 times too long.",
    ),
    "BIAS_GRAD_DIV_N_TWICE": (
        "1/N twice in the biases",
        "The error already has its 1/N, and a mean over its rows divides once more. Biases learn too "
        "slowly, and the training hides it.",
    ),
    "REG_HALF_BUG": (
        "One-half in the penalty",
        "The gradient fits that loss, so the gradient check passes: both are right for another "
        "objective. Only the exercise's number for the loss tells.",
    ),
    "REG_GRAD_FACTOR": (
        "Penalty’s gradient without its 2",
        "The toy training, whose lambda is tiny, does not notice.",
    ),
    "REG_GRAD_MISSING": (
        "No penalty in the gradient",
        "The loss contains it, so the two do not fit. For lambda = 0 everything is right.",
    ),
    "SOFTMAX_AXIS": (
        "Softmax over the wrong axis",
        "Each column adds up to 1 instead of each row: the points compete for a class, and the answer "
        "for one point depends on which others are asked about.",
    ),
    "SOFTMAX_TWICE": (
        "Softmax of the softmax",
        "Probabilities lie between 0 and 1, so a second softmax can never be sure of anything, and the "
        "loss cannot fall far below log K.",
    ),
    "LOSS_ALL_CLASSES": (
        "Loss over all classes",
        "The gradient is right for the loss that was meant, so training works while the loss shown grows.",
    ),
    "BIASES_NOT_UPDATED": (
        "Biases never updated",
        "All gradients are right, so no check of gradients can notice, and the toy training ends where "
        "it should.",
    ),
}
"""Title of each, and what the toy problem shows of it."""

OWN = {
    "MEAN_MISSING": "The error lacks its 1/N, so every gradient from the data is N times too large.",
}
"""What is wrong, where the catalogue has no such kind."""


def texts() -> dict[str, dict[str, str]]:
    """Title and text by code, as the page takes them."""
    messages = OWN | {code: text.message for code, text in catalogue().items()}
    return {
        code: {"title": title, "text": f"{messages[code]} {shows}"}
        for code, (title, shows) in MISTAKES.items()
    }
