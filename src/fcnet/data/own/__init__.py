"""A user's own data: a folder of pictures by class, or an .npz file of X and y.

picture   one picture file, of any size and format, as one row of pixels
folders   which pictures of which class are in a folder
decode    all of them as rows, read by several threads
split     an order in which every stretch has the classes in their shares
arrays    an .npz file
load      the way in
"""
