"""Run folders filled and used: here settings, data, network and loop come together.

engines     the engine that the settings ask for, and who else works on the training
training    a training in a run folder, from the data set to the saved model and its record
testing     the test set, once
"""
