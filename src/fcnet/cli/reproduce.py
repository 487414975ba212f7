"""`fcnet reproduce`: the whole exercise, with what it shows."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Reproduce:
    """Answer the exercise's questions on real data, from the toy checks to the test set.

    Complete stages are not repeated: after a stop, the same command continues.

    Example: fcnet reproduce --quick --out runs/quick
    """

    data: Path | None = None
    """Folder with CIFAR-10; $FCNET_DATA, ./data, ./datasets and the user's cache if not given."""
    out: Path | None = None
    """Folder for all results; runs/reproduce, or runs/quick with --quick, if not given."""
    quick: bool = False
    """Use a short training instead of the tuned one: the whole command takes under 90 seconds."""
    require_cifar10: bool = False
    """Fail instead of using scikit-learn's digits if CIFAR-10 is not available."""

    watch: bool = False
    """Serve a live page of the trainings until the end, and print its address."""

    def run(self) -> int:
        from fcnet.cli.loading import digits_notice, load, page_beside_if
        from fcnet.cli.story import Story
        from fcnet.experiments.reproduce import Reproduction
        from fcnet.extras import require

        require("matplotlib", "report")  # before minutes of training, not after them
        out = self.out or Path("runs/quick" if self.quick else "runs/reproduce")
        dataset = load(self.data, self.require_cifar10)
        reproduction = Reproduction(dataset, out, self.quick, self.watch)
        try:
            with reproduction.held(), page_beside_if(self.watch, out):
                Story(reproduction).tell()
        except KeyboardInterrupt as stop:
            raise type(stop)("nothing is lost, run the same command again to continue") from None
        if notice := digits_notice(dataset):
            print(notice)
        return 0
