"""Training: one loop for every network, through one small protocol.

config         the settings of a training, checked
ranges         the valid values of every setting
schedules      the learning rate of every step
engine         the loop's interface to a network, and the NumPy engine
fit            the loop
history        the record of its evaluations
callbacks      observers of a training
interruption   Ctrl-C and SIGTERM
checkpoint     the state from which it resumes
model          a trained network on disk
"""
