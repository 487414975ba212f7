"""`fcnet audit`: are these gradients the derivatives of this loss?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fcnet.errors import FcnetError


@dataclass(frozen=True)
class Audit:
    """Audit the gradients of a network of any depth, every entry, in float64.

    Central differences over a range of h and the complex step are asked, and torch.autograd where PyTorch is
    installed; the complex step decides. Without options this is the exercise's toy problem and its own
    two-layer network.

    Example: fcnet audit --sizes 6 8 7 3 --reg 0.1
    """

    sizes: tuple[int, ...] = ()
    """Units from the inputs to the classes, such as 6 8 7 3, for a random network of that shape."""
    examples: int = 5
    """Random examples to take the loss over, with --sizes."""
    reg: float = 0.05
    """lambda, the weight of the squared norms."""
    seed: int = 0
    """What the random network and examples follow from."""
    out: Path | None = None
    """Where to write the whole result as JSON."""

    def run(self) -> int:
        import numpy as np

        from fcnet.audit import Auditable, audit_gradients
        from fcnet.data.toy import toy_data
        from fcnet.experiments.witness import autograd_witness
        from fcnet.records import write_json

        net: Auditable
        if self.sizes:
            from fcnet.net.network import Network
            from fcnet.validation import check_not_negative, check_positive

            check_positive(examples=self.examples)
            check_not_negative(seed=self.seed)
            rng = np.random.default_rng(self.seed)
            net = Network(self.sizes, rng, dtype=np.float64)
            X = rng.standard_normal((self.examples, self.sizes[0]))
            y = rng.integers(self.sizes[-1], size=self.examples)
        else:
            from fcnet.experiments.toy import toy_network

            net = toy_network()
            X, y = toy_data()
        audit = audit_gradients(
            net, X, y, reg=self.reg, witnesses=autograd_witness(net.params, X, y, self.reg)
        )
        print(audit.table())
        if self.out is not None:
            write_json(self.out, audit.to_record())
        if not audit.passed:
            raise FcnetError("the gradients are not the derivatives of the loss, see the table")
        return 0
