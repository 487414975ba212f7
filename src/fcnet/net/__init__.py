"""The fast network of any depth: layers, loss, initialisation, optimisers.

blas            one matrix product that scales, adds and writes in place
libraries       which library it calls: NumPy's OpenBLAS, or MKL where the extra is installed
cblas           the interface that both have: openblas, mkl
onednn          oneDNN, which it calls for products in bfloat16
parameters      a parameter with its gradient, stored as the factors of a product
layers          linear, ReLU, dropout: each backward right beneath its forward
declaring       what a layer declares and is given
contract        what a layer promises, tried on random examples
in_training     what it claims of its derivative in training, for the audit
losses          softmax cross-entropy
initialisation  the initial weights
optimisers      SGD with momentum, Nesterov, Adam
network         the layers in a row
objective       its objective at other parameters, for the audit
"""
