"""A search for better settings: many trainings, where the results so far decide what is tried next.

plan      what is searched, for how long and where it is kept
space     what is varied
ranges    over which values, around the base settings
locks     one search in a folder, one writer in a journal
storage   the journal or the database that holds the trials; passwords
sampling  which settings come next, and which trials are pruned
study     the trials that all workers share: opened, checked, resumed
trial     one training as a trial, and a worker that runs trial after trial
workers   several worker processes on this machine, each with its share of the cores
search    the whole search, from an empty folder to its result
status    where a search stands, and its record
view      how it looks while it runs
figures   the search as figures, from study.json alone

Only validation images decide; nothing here looks at the test set. Optuna is the extra `tune`, and only
these modules import it.
"""
