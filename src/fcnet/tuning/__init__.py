"""A search for better settings: many trainings, where the results so far decide what is tried next.

The way of the data is: command -> search -> study -> workers -> trials -> status -> table, record -> figures.

search   the one description of a search: what it is about, where it is kept, how it runs
space    what is varied, over which ranges around the base settings
storage  the journal or the database that holds the trials; passwords
study    the trials that all workers share: opened, checked, chosen, pruned, resumed
trial    one training as a trial, and a worker that runs trial after trial
run      the whole search, from an empty folder to its outcome, with its worker processes
status   where a search stands, and its record
view     how it looks while it runs
figures  the search as figures, from study.json alone

Only validation images decide; nothing here looks at the test set. Optuna is the extra `tune`, and only
these modules import it.
"""
