"""A pytest fixture: the gradient audit in one line of anybody's tests.

    def test_my_gradients(gradient_audit):
        gradient_audit(loss, params, gradients)

pytest finds it where fcnet is installed. What it takes is what `fcnet.audit.audit_gradients` takes.
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
