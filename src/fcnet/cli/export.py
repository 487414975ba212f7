"""`fcnet export`: a trained network for other programs."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fcnet.cli import tell
from fcnet.cli.options import Positional
from fcnet.errors import FcnetError


@dataclass(frozen=True)
class Export:
    """Write a trained network for other programs.

    PyTorch needs no export: a run's model.safetensors has the names and the layout of a state_dict. --onnx
    writes RUN/model.onnx, which takes uint8 images (N, channels, height, width) and returns logits and
    probabilities.

    Example: fcnet export runs/small --onnx
    """

    folder: Annotated[Path, Positional("RUN")]
    """Folder of a finished run."""
    onnx: bool = False
    """Write an ONNX model."""
    out: Path | None = None
    """File to write; RUN/model.onnx if not given."""

    def run(self) -> int:
        from fcnet.cli.outputs import check_output
        from fcnet.export import export_onnx
        from fcnet.train.model import Model

        if not self.onnx:
            raise FcnetError("no format is given, add --onnx (PyTorch reads model.safetensors as it is)")
        path = self.out or self.folder / "model.onnx"
        check_output(path, "--out", endings=(".onnx",))
        export_onnx(Model.load(self.folder), path)
        tell(f"wrote {path}", sys.stdout)
        return 0
