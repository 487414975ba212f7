"""The fast network of any depth: layers, loss, initialisation, optimisers.

blas            one matrix product that scales, adds and writes in place
openblas        NumPy's OpenBLAS, which it calls
onednn          oneDNN, which it calls for products in bfloat16
parameters      a parameter with its gradient, stored as the factors of a product
layers          linear, ReLU, dropout: each backward right beneath its forward
losses          softmax cross-entropy
initialisation  the initial weights
optimisers      SGD with momentum, Nesterov, Adam
network         the layers in a row
"""
