"""The gradient audit: is what a network calls its gradient the derivative of what it calls its loss?

The audit compares every entry with two references: central differences over a range of steps h, and the
complex step. The complex step decides, because rounding is its only error. Where a layer or an activation of
a user's own takes no complex numbers, or is no analytic function of them, central differences decide, and the
table says so. Where a ReLU's kink lies inside [-h, h], the central difference means nothing; the audit names
such places and does not fail them. The caller can pass further reference gradients, such as those of
`torch.autograd`.

`audit_gradients` also takes a function of a dict of arrays, a torch module, or objects of a small autograd
library. In tests it is the fixture `gradient_audit`.

Each layer of a `fcnet.net.Network` is tried first: whether `predict` gives what `forward` gives without
training, whether input and error stay as they are, and whether each array has the right shape and type.

The checks come in stages, layer, name, shape, dtype, value, gradient, and stop at the first that fails.
"""

from fcnet.audit.audit import audit_gradients, audit_network
from fcnet.audit.numeric import STEPS
from fcnet.audit.result import Audit, Kink, ParameterAudit
from fcnet.audit.subjects import Auditable
from fcnet.audit.tolerances import TOLERANCES, relative_error

__all__ = [
    "STEPS",
    "TOLERANCES",
    "Audit",
    "Auditable",
    "Kink",
    "ParameterAudit",
    "audit_gradients",
    "audit_network",
    "relative_error",
]
