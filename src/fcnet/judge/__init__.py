"""The judge: a student's solution in a process of its own, and the verdict about it in ours."""
