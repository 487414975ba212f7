"""The same network in PyTorch: the only place that imports torch, and itself imported only where it is used.

layers       the counterpart of each layer of `fcnet.net.layers`
mlp          `FullyConnected`, of any architecture, and `MultiLayerPerceptron`, the exercise's class
weights      parameters in and out, under the names of both networks
autograd     torch.autograd's gradients, a reference for the gradient audit
hardware     the device and the precision that suit it
images       uint8 images that live on the device
optimisers   torch.optim's, held to the exercise's conventions
engine       the training loop's side of it
workers      several processes on one training, under torchrun
"""
