"""Run folders that somebody prepared to do harm, and what every command does with them.

cases     the table: what is done to a run folder, and which commands read that
prepare   whole run folders, and small tools that damage them
attempt   one command on one such folder, in its own process
visit     the live page that `fcnet watch` serves, asked all that a browser asks
run       all of it, as a record: `python -m hostile.run --out results/hostile.json`
"""
