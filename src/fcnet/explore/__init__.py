"""The explorer: one HTML page in which the toy network, and a trained one, can be seen at work.

equations    the steps of a pass, from the derivation: what each reads and writes, its formula and its text
mistakes     the typical mistakes that the page can make, in words
run          what the page embeds of a trained network
encode       tables of numbers as the page takes them
write        what `fcnet explore` does, with the toy problem and the limits of the exercise's checks

`page/` is the front end, on top of what `fcnet.web` has for all pages.
"""
