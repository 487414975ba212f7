"""The explorer: one HTML page in which the toy network, and a trained one, can be seen at work.

equations    the steps of a pass, from the derivation: what each reads and writes, its formula and its text
mistakes     the typical mistakes that the page can make, in words
toy          the toy problem and the limits of the exercise's checks
bundle       the modules of `page/` as one script, and the page's text
write        what `fcnet explore` does

`page/` is the front end: ES modules with JSDoc types, which a browser runs as they are.
"""
