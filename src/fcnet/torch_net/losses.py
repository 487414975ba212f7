"""The loss of `fcnet.net.losses` in PyTorch's terms."""

from torch import Tensor
from torch.nn import functional

Targets = Tensor | tuple[Tensor, Tensor, Tensor]
"""Labels (N,), or labels, other labels and weights as in `fcnet.net.losses.MixedTargets`."""


def summed_cross_entropy(scores: Tensor, targets: Targets, label_smoothing: float) -> Tensor:
    """The sum over examples of the softmax cross-entropy, in nats, from scores (N, K).

    Equations: (12), not yet divided by N
    """
    if isinstance(targets, Tensor):
        return functional.cross_entropy(scores, targets, reduction="sum", label_smoothing=label_smoothing)
    labels, others, weight = targets
    on_labels, on_others = (
        functional.cross_entropy(scores, y, reduction="none", label_smoothing=label_smoothing)
        for y in (labels, others)
    )
    return (weight * on_labels + (1 - weight) * on_others).sum()
