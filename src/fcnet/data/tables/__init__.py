"""Tables: columns of numbers and of categories, from CSV, Parquet, Arrow and pandas, as rows of features.

columns   what a column is, whichever library read it
arrow     Arrow's columns, and text whose kind is yet to be found
csv       a CSV file: encoding, delimiter, names of the columns, ragged rows
files     the way in to CSV and Parquet files
mapping   what was learnt from a table: which columns, their categories, what fills a gap
fit       a mapping from the rows of a training
frames    pandas DataFrames and Arrow tables in memory
target    the column that is to be predicted, as labels
"""
