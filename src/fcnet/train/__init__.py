"""Training: one loop for every network, through one small protocol.

config         the settings of a training, checked
ranges         what every setting may be
schedules      the learning rate of every step
engine         what the loop needs of a network, and the NumPy network's side of it
fit            the loop
history        what it writes down
callbacks      who may watch it
interruption   how it is stopped
checkpoint     what it needs to resume after a stop
run            a training in a run folder, from the data set to the saved model
model          a trained network on disk
"""
