"""The gradient audit: is what a network calls its gradient the derivative of what it calls its loss?

Two witnesses are asked about every entry: central differences, over a range of steps h, and the complex
step, whose error is rounding alone and which therefore decides. Where a ReLU's kink lies inside [-h, h]
the central difference means nothing; such places are named, not failed. Further witnesses, such as
`torch.autograd`, are handed in as gradients.

`audit_gradients` takes other things, too: a function of a dict of arrays, a torch module, objects of a small
autograd library. In tests it is the fixture `gradient_audit`.

The checks come in stages, name, shape, dtype, value, gradient, and stop at the first that fails.
"""

from fcnet.audit.audit import audit_network
from fcnet.audit.numeric import STEPS, Auditable
from fcnet.audit.result import Audit, Kink, ParameterAudit
from fcnet.audit.tolerances import TOLERANCES, relative_error
from fcnet.audit.travelling import audit_gradients

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
