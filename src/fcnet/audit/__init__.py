"""The gradient audit: is what a network calls its gradient the derivative of what it calls its loss?

Two witnesses are asked about every entry: central differences, over a range of steps h, and the complex
step, whose error is rounding alone and which therefore decides. Where a ReLU's kink lies inside [-h, h]
the central difference means nothing; such places are named, not failed. Further witnesses, such as
`torch.autograd`, are handed in as gradients.

The checks come in stages, name, shape, dtype, value, gradient, and stop at the first that fails.
"""

from fcnet.audit.audit import audit_gradients
from fcnet.audit.numeric import STEPS, Auditable
from fcnet.audit.result import Audit, Kink, ParameterAudit
from fcnet.audit.tolerances import TOLERANCES, relative_error

__all__ = [
    "STEPS",
    "TOLERANCES",
    "Audit",
    "Auditable",
    "Kink",
    "ParameterAudit",
    "audit_gradients",
    "relative_error",
]
