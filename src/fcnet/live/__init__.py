"""The live page: trainings that are going on or finished, several beside each other, seen in a browser.

reading     what a run folder holds, as the page takes it
server      the page over HTTP, for this machine's user alone
beside      the same in a process beside a training
notebook    a run as the display of a notebook

`page/` is the front end, on top of what `fcnet.web` has for all pages. What a training keeps for the page is
written by `fcnet.runs.observer`.
"""
