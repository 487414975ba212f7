"""Records of accuracy that mean something: seeds that are drawn beforehand, a budget, every seed shown.

A recipe says what is trained and within which budget. A plan draws the seeds from the recipe, the data and
the source of fcnet before the first training starts. A log tells what became of each seed, and each of its
entries carries the hash of the one before. The record is the plan, the log, and what follows from them.
See docs/records.md.
"""
