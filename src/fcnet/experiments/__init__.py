"""The exercise's questions as functions.

recipes      the settings of every run
toy          questions 1 and 2: scores, loss and gradients of the toy problem; its training
diagnosis    question 3: what is wrong with the default run
ladder       question 3: what each change of the settings brings
depth        question 4: 2 to 5 layers, three initialisations, two budgets
signal       question 4: why some nets do not start
reproduce    all of it, stage by stage
duration     how long it takes on this machine
"""
