"""`fcnet audit`: are these gradients the derivatives of this loss?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fcnet.errors import FcnetError

if TYPE_CHECKING:
    from fcnet.net.architecture import Architecture


@dataclass(frozen=True)
class Audit:
    """Check every entry of the gradients of a network of any depth, in float64.

    The audit compares the gradients with central differences over a range of h, with the complex step, and
    with torch.autograd if PyTorch is installed; the complex step decides. Of a network of --sizes it first
    tries each layer: that it predicts what its forward pass gives, and leaves its input as it is. Without
    options it audits the exercise's two-layer network on the toy problem.

    Example: fcnet audit --sizes 6 8 7 3 --activation gelu --norm layernorm --blocks 1 --reg 0.1
    """

    sizes: tuple[int, ...] = ()
    """Units of each layer from the inputs to the classes, such as 6 8 7 3, for a random network."""
    activation: str = "relu"
    """Activation function, "relu", "gelu" or "tanh", with --sizes."""
    norm: str = "none"
    """Normalisation, "layernorm" or "none", with --sizes."""
    blocks: int = 0
    """Residual blocks after each hidden layer, with --sizes."""
    label_smoothing: float = 0.0
    """Probability mass moved from the label to all classes, with --sizes."""
    examples: int = 5
    """Number of random examples, with --sizes."""
    reg: float = 0.05
    """lambda, the factor on the squared norms."""
    seed: int = 0
    """Seed of the random network and examples."""
    out: Path | None = None
    """JSON file for the whole result."""

    def run(self) -> int:
        import numpy as np

        from fcnet.audit import Auditable, audit_gradients
        from fcnet.cli.outputs import check_output
        from fcnet.cli.progress import showing
        from fcnet.data.toy import toy_data
        from fcnet.experiments.reference import autograd_reference
        from fcnet.records import write_json
        from fcnet.train.ranges import check_settings
        from fcnet.validation import check_not_negative, check_positive

        check_output(self.out, "--out", endings=(".json",))
        usual = Audit()
        without = ("activation", "norm", "blocks", "label_smoothing", "examples")
        given = [f"--{n.replace('_', '-')}" for n in without if getattr(self, n) != getattr(usual, n)]
        if given and not self.sizes:
            raise FcnetError(f"{given[0]} is for a network of --sizes, give those too, such as 6 8 7 3")
        check_not_negative(reg=self.reg)
        check_settings({"reg": self.reg})
        net: Auditable
        if self.sizes:
            from fcnet.net.network import Network

            check_positive(examples=self.examples)
            check_not_negative(seed=self.seed)
            rng = np.random.default_rng(self.seed)
            architecture = self._architecture()
            net = Network(architecture, rng, dtype=np.float64, label_smoothing=self.label_smoothing)
            X = rng.standard_normal((self.examples, architecture.inputs))
            y = rng.integers(architecture.outputs, size=self.examples)
        else:
            from fcnet.experiments.toy import TOY, toy_network

            net, architecture = toy_network(), TOY
            X, y = toy_data()
        smoothing = self.label_smoothing if self.sizes else 0.0
        references = autograd_reference(architecture, net.params, X, y, self.reg, smoothing)
        with showing("files") as progress:
            audit = audit_gradients(net, X, y, reg=self.reg, references=references, progress=progress)
        print(audit.table())
        if self.out is not None:
            write_json(self.out, audit.to_record())
        if not audit.passed:
            if audit.stage == "layer":
                raise FcnetError(audit.reason)
            raise FcnetError("the gradients are not the derivatives of the loss, see the table")
        return 0

    def _architecture(self) -> Architecture:
        """The network of these sizes.

        Raises
        ------
        DataError : fewer than two sizes, a size below 1, an unknown name
        """
        from fcnet.net.architecture import Architecture
        from fcnet.train.ranges import TOO_LARGE, check_settings

        check_settings({"activation": self.activation, "norm": self.norm, "blocks": self.blocks})
        if max(self.sizes) >= 2 ** TOO_LARGE["hidden"]:
            raise FcnetError(f"sizes has {max(self.sizes)}, give numbers below 2^{TOO_LARGE['hidden']}")
        if len(self.sizes) < 2:
            return Architecture.plain(self.sizes)  # which says what is wrong
        return Architecture.of(
            self.sizes[0], self.sizes[1:-1], self.sizes[-1],
            activation=self.activation, norm=self.norm, blocks=self.blocks,
        )  # fmt: skip
