"""A course's submissions: found, unpacked, checked side by side, and told as points, a table and pages."""

from fcnet.judge.grade.course import Course, grade_course
from fcnet.judge.grade.entries import Entry, find_entries
from fcnet.judge.grade.graded import Graded
from fcnet.judge.grade.rubric import Rubric, read_rubric

__all__ = ["Course", "Entry", "Graded", "Rubric", "find_entries", "grade_course", "read_rubric"]
