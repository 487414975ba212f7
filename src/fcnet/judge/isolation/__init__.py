"""A submission in a process of its own: arrays go in, arrays come back, nothing else.

    with Submission(Path("two_layernet.py"), limits=Limits(), isolation="auto") as submission:
        reply = submission.call("loss", X=X, y=y, reg=0.05)

`call` names an operation, a function in `fcnet/judge/child/operations.py` (`OPERATIONS` by name), and its
keyword arguments. An argument or a result is None, bool, int, float, str, list (tuples arrive as lists), dict
with str keys, or a numerical array; NumPy's scalars arrive as arrays of shape (). `operations.py` runs in the
child. It imports the standard library, NumPy and PyTorch, never more of fcnet than its own folder, and knows
the path of the copied submission as its `SUBMISSION` (str). The working folder is that of the copy, and it is
first on the import path: a file's sibling `.py` files are copied with it.

The reply is never an exception of the student's:

    reply.ok         whether the operation returned
    reply.value      what it returned, in the type that reply.py has for it, None if it did not
    reply.failure    else a Failure: its `kind` is one of
                       "exception"  the student's code raised: `type`, `message`, `line` (the deepest of the
                                    submission's file on the way there, or None)
                       "value"      it returned something that cannot travel
                       "memory"     it ran out of memory
                       "time"       it took longer than `Limits.call_seconds`, or all calls than
                                    `Limits.total_seconds`
                       "died"       its process ended, by `os._exit` or a signal
                       "output"     it printed more than `Limits.output_bytes`
                       "files"      it wrote more than `Limits.disk_bytes` or `Limits.files`
                       "protocol"   its process sent something that is not a reply
    reply.output     what the student's code printed meanwhile, at most 64 KiB

The process keeps its state between calls. After "time", "died", "output", "files" and "protocol" it is gone,
and the next call starts a new one, at most `Limits.restarts` times. When `total_seconds` are used up, every
call fails with "time". What a reply says is the word of code that may be hostile: its numbers are evidence
only where nobody can know them without computing them, so inputs are drawn in the parent for each call and
compared there.
"""

from fcnet.judge.isolation.limits import Limits
from fcnet.judge.isolation.protections import PROTECTIONS, Isolation, not_held, warning
from fcnet.judge.isolation.reply import Failure, Reply
from fcnet.judge.isolation.submission import Submission, what_is_held

__all__ = [
    "PROTECTIONS",
    "Failure",
    "Isolation",
    "Limits",
    "Reply",
    "Submission",
    "not_held",
    "warning",
    "what_is_held",
]
