"""The data sets: found, fetched, verified, cached, split and cut into minibatches."""
