"""Our docstrings for griffe: what stands after `name :` becomes the description.

NumPy's style has a type there. Ours has it where a shape or type says something (`X : (N, D) float32`),
and a description where the annotation says the type already. The site shows either beside the annotation.
"""

from __future__ import annotations

from typing import Any

import griffe

DESCRIBED = (griffe.DocstringSectionKind.parameters, griffe.DocstringSectionKind.attributes)


class OurDocstrings(griffe.Extension):
    """Moves what stands in the place of a type to the description."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Read the docstring of an object and put its words in their places."""
        if obj.docstring is None:
            return
        obj.docstring.parser = griffe.Parser.numpy
        sections = obj.docstring.parsed
        parameters = getattr(obj, "parameters", {})
        for section in sections:
            if section.kind not in DESCRIBED:
                continue
            for one in section.value:
                said = one.annotation
                if said is None or (one.name in parameters and said is parameters[one.name].annotation):
                    continue
                one.description = f"{said}{': ' if one.description else ''}{one.description or ''}"
                one.annotation = parameters[one.name].annotation if one.name in parameters else None
