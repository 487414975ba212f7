"""The derivation of the gradients: every equation as one object, its text, and the proof that it is right.

equation     what an equation is: a text, a SymPy form and a NumPy line; a chain of them is a network
forward      the network and its loss: (1)-(14)
backward     the gradients: (16)-(20), and the three that the exercise asks to derive
deep         the same for any number of layers, in one recursion
proof        each form against SymPy's derivative, each line against the complex step
typeset      the formula in rows, with the shape under every factor, read off the NumPy line
text         what stands between the equations, and the order in which they are read
markdown     the whole derivation as a page

Nothing here is imported by the networks: they are what is proved, by tests that find these lines in them.
"""
