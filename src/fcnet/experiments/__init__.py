"""The exercise's questions as functions.

recipes      the settings of every run
toy          questions 1 and 2: scores, loss and gradients of the toy problem; its training
diagnosis    question 3: what is wrong with the default run
ladder       question 3: what each change of the settings buys
reproduce    all of it, stage by stage
"""
