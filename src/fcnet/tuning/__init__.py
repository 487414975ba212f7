"""A search for better settings: many trainings, chosen by what the ones before have shown.

space      what is varied, and over which ranges
plan       what is searched, for how long and where it is kept
locks      one search in a folder, one writer in a journal
sampling   which settings come next, and which trainings are hopeless
study      the trials that all workers know: opened, checked, gone on with
trial      one training as a trial
work       one worker: trial after trial, until there are enough
processes  several workers on this machine, each with its share of the cores
search     the whole search, from an empty folder to its outcome
standing   where a search stands
live       how it looks while it runs
outcome    what it leaves behind: best.toml, study.json
figures    the search as figures, from study.json alone

Validation alone decides; nothing here looks at the test set. Optuna is imported by `sampling`, `study` and
those above them, and these are imported where a search begins.
"""
