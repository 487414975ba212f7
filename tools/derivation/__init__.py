"""The equations of docs/derivation.md, and the proof that they are right.

equation     what an equation is: a SymPy form and a NumPy line; a chain of them is a network
forward      the network and its loss: (1)-(14)
backward     the gradients: (16)-(20), and the three that the exercise asks to derive
deep         the same for any number of layers, in one recursion
proof        each form against SymPy's derivative, each line against the complex step
typeset      the formula in rows, with the shape under every factor, read off the NumPy line
record       formula, line and outcome of each equation, as the pages show them

The text between the equations is the template `derivation.md.j2` of `fcnet.report`. The proof runs when the
documents are made and in the tests; fcnet itself reads the record and needs no SymPy.
"""
