"""The one exception for what a user can mend.

The command line prints it as a single line, `error: what, where, what to do`, and exits with status 2.
A traceback is therefore always a defect of fcnet and never of its user.
"""


class FcnetError(Exception):
    """A mistake in the input or the surroundings, with a message of one line: what, where, what to do."""


class DataError(FcnetError, ValueError):
    """Data that cannot be trained on or read: wrong shapes, unknown labels, NaN pixels, a damaged file."""


class UnknownNameError(DataError):
    """A name that fcnet does not have, though code of a user's own may add it.

    what, name : what was looked up, such as "activation", and the name
    """

    def __init__(self, text: str, what: str, name: object) -> None:
        super().__init__(text)
        self.what, self.name = what, name


class ExtensionError(FcnetError, RuntimeError):
    """Code of a user's own that does not do what its place asks for; the text names the code."""


class MissingExtraError(FcnetError, ImportError):
    """A package that is not installed; the text names the extra that brings it."""


class RunError(FcnetError):
    """A run folder that cannot be written, read or resumed."""


class AlreadySaidError(FcnetError):
    """A mistake that another process of the same training reports, so that one line is enough."""


class DivergedError(FcnetError, ArithmeticError):
    """A training whose loss stopped being a finite number."""


class TooLargeError(FcnetError, MemoryError):
    """A training that needs more memory than its device has."""


class Terminated(KeyboardInterrupt):
    """SIGTERM, which is obeyed as Ctrl-C is."""
