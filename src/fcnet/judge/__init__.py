"""The judge: a student's solution of the exercise, run apart, held against ours, and told what is wrong.

`check_submission` gives the `Report`. The student's code runs in a process of its own (`isolation/`,
`child/`); reference and verdict stay here. The typical mistakes are data (`kinds/`, `texts/`).
"""

from fcnet.judge.check import Options, check_parts, check_submission, merged
from fcnet.judge.report import Finding, Report, Shown, Stage

__all__ = ["Finding", "Options", "Report", "Shown", "Stage", "check_parts", "check_submission", "merged"]
