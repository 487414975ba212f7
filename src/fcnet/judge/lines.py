"""Which lines of the student's belong to the loss, and which to the gradients."""

import ast

from fcnet.judge.case import Case


def in_backward(case: Case, line: int | None) -> bool:
    """Whether a line comes after the one that computes the loss."""
    node = case.source.method(case.student.name, case.student.loss_method or "")
    last = last_line_of_loss(case)
    if line is None or node is None or last is None:
        return False
    return last < line <= (node.end_lineno or line)


def last_line_of_loss(case: Case) -> int | None:
    """The last line of the method that gives the loss a value."""
    node = case.source.method(case.student.name, case.student.loss_method or "")
    if node is None:
        return None
    known = [
        part.lineno
        for part in ast.walk(node)
        if isinstance(part, ast.Assign | ast.AugAssign) and not isinstance(part.value, ast.Constant)
        for target in (part.targets if isinstance(part, ast.Assign) else [part.target])
        if isinstance(target, ast.Name) and ("loss" in target.id.lower() or target.id in ("J", "cost"))
    ]
    return max(known, default=None)


def below_the_loss(case: Case) -> list[tuple[int, int]]:
    """The lines of the gradients where one method computes both: those after the last of the loss."""
    last = last_line_of_loss(case)
    node = case.source.method(case.student.name, case.student.gradients_method or "")
    if node is None or last is None or not node.lineno <= last < (node.end_lineno or last):
        return []
    return [(last + 1, node.end_lineno or last + 1)]
