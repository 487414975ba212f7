"""Data of one's own: a folder of pictures by class, or an .npz file of X and y.

picture   one picture file, of any size and format, as one row of pixels
folders   which pictures of which class are in a folder
decode    all of them as rows, read by several threads
split     an order in which every stretch has the classes in their shares
kept      what was read is kept, so that the next start reads no picture
arrays    an .npz file
load      the way in
"""
