"""A pytest fixture: the gradient audit in one line of anybody's tests.

    def test_my_gradients(gradient_audit):
        gradient_audit(loss, params, gradients)

pytest finds the fixture where fcnet is installed. It takes what `fcnet.audit.audit_gradients` takes. pytest
imports this module in every run, so the module imports the audit, and with it NumPy, only when it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fcnet.audit.result import Audit


@pytest.fixture
def gradient_audit() -> Callable[..., Audit]:
    """A function that audits gradients and fails the test, with the whole table, if they are wrong."""

    def audited(what: Any, *given: Any, **options: Any) -> Audit:
        __tracebackhide__ = True
        from fcnet.audit import audit_gradients

        found = audit_gradients(what, *given, **options)
        if not found.passed:
            pytest.fail(found.table(), pytrace=False)
        return found

    return audited
