"""A user's own data: pictures by class, arrays of X and y, and tables.

picture   one picture file, of any size and format, as one row of pixels
folders   which pictures of which class are in a folder
decode    all of them as rows, read by several threads
split     an order in which every stretch has the classes in their shares
arrays    an .npz file, or a folder of .npy files
streamed  rows that stay in their files
table     a CSV or Parquet file
table_rows  the rows of a table, kept in the cache and read while training
load      the way in
"""
