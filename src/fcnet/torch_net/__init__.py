"""The same network in PyTorch. Only this package imports torch, and fcnet imports it only when needed.

layers       the counterpart of each layer of `fcnet.net.layers`
mlp          `FullyConnected`, of any architecture, and `MultiLayerPerceptron`, the exercise's class
weights      parameters in and out, under the names of both networks
autograd     torch.autograd's gradients, a reference for the gradient audit
hardware     the device and its precision
images       uint8 images that live on the device
optimisers   those of torch.optim, with the exercise's conventions
engine       the PyTorch engine of the training loop
workers      several processes on one training, under torchrun
"""
