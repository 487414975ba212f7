# ruff: noqa: E501  the programs are kept as their authors write them
"""Right solutions in different styles: none of them may be called wrong.

Each has a name, its text, the file's name, the handout that it follows, and the remarks that it deserves.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Right:
    """A right solution."""

    name: str
    text: str
    handout: tuple[str, str] = ("probabilities", "reg")
    remarks: frozenset[str] = field(default=frozenset())
    file: str = "two_layernet.py"


TRAIN = """
    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95, reg=5e-6, num_iters=100,
              batch_size=200, verbose=False):
        num_train = X.shape[0]
        iterations_per_epoch = max(num_train // batch_size, 1)
        loss_history, train_acc_history, val_acc_history = [], [], []
        for it in range(num_iters):
            idx = np.random.choice(num_train, batch_size)
            X_batch, y_batch = X[idx], y[idx]
            loss, grads = self.loss(X_batch, y=y_batch, reg=reg)
            loss_history.append(loss)
            for key in self.params:
                self.params[key] = self.params[key] - learning_rate * grads[key]
            if it % iterations_per_epoch == 0:
                train_acc_history.append((self.predict(X_batch) == y_batch).mean())
                val_acc_history.append((self.predict(X_val) == y_val).mean())
                learning_rate *= learning_rate_decay
        return {'loss_history': loss_history, 'train_acc_history': train_acc_history,
                'val_acc_history': val_acc_history}
"""

PREDICT = """
    def predict(self, X):
        return np.argmax(self.loss(X), axis=1)
"""

INIT = """
class TwoLayerNet(object):
    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = {}
        self.params['W1'] = std * np.random.randn(input_size, hidden_size)
        self.params['b1'] = np.zeros(hidden_size)
        self.params['W2'] = std * np.random.randn(hidden_size, output_size)
        self.params['b2'] = np.zeros(output_size)
"""

HEADER = """from __future__ import print_function
from builtins import range
from builtins import object
import numpy as np
import matplotlib.pyplot as plt
from past.builtins import xrange
"""

ONE_HOT = (
    HEADER
    + """
def relu(z):
    return z * (z > 0)

def softmax(z):
    z = z - np.max(z, axis=1).reshape(-1, 1)
    e = np.exp(z)
    return e / np.sum(e, axis=1)[:, np.newaxis]
"""
    + INIT
    + """
    def loss(self, X, y=None, reg=0.0):
        a = relu(X @ self.params['W1'] + self.params['b1'])
        p = softmax(a @ self.params['W2'] + self.params['b2'])
        if y is None:
            return p
        Y = np.eye(p.shape[1])[y]
        with np.errstate(divide='ignore', invalid='ignore'):
            loss = -np.sum(Y * np.log(np.maximum(p, 1e-300))) / len(X)
        loss += reg * (np.linalg.norm(self.params['W1']) ** 2 + np.linalg.norm(self.params['W2']) ** 2)
        d = (p - Y) / len(X)
        grads = {}
        grads['W2'] = a.T @ d + 2 * reg * self.params['W2']
        grads['b2'] = d.sum(0)
        d = (d @ self.params['W2'].T) * (a > 0)
        grads['W1'] = X.T @ d + 2 * reg * self.params['W1']
        grads['b1'] = d.sum(0)
        return loss, grads
"""
    + TRAIN
    + PREDICT
)

EINSUM = (
    "import numpy as np\n"
    + INIT
    + """
    def loss(self, X, y=None, reg=0.0):
        p = self.params
        z = np.einsum('nd,dh->nh', X, p['W1']) + p['b1'][None, :]
        a = np.where(z > 0, z, 0.)
        s = np.einsum('nh,hk->nk', a, p['W2']) + p['b2'][None, :]
        top = s.max(1)
        lse = top + np.log(np.exp(s - top[:, None]).sum(1))
        prob = np.exp(s - lse[:, None])
        if y is None:
            return prob
        n = np.arange(y.size)
        J = np.mean(lse - s[n, y]) + reg * sum(np.einsum('ij,ij->', p[k], p[k]) for k in ('W1', 'W2'))
        e = prob.copy()
        e[n, y] -= 1.
        e /= y.size
        back = np.einsum('nk,hk->nh', e, p['W2'])
        back[z <= 0] = 0
        return J, {'W1': np.einsum('nd,nh->dh', X, back) + reg * 2 * p['W1'], 'b1': np.einsum('nh->h', back),
                   'W2': np.einsum('nh,nk->hk', a, e) + reg * 2 * p['W2'], 'b2': np.einsum('nk->k', e)}
"""
    + TRAIN
    + PREDICT
)


def cs231n(penalty: str, gradient: str) -> str:
    return (
        HEADER
        + INIT
        + f"""
    def loss(self, X, y=None, reg=0.0):
        W1, b1 = self.params['W1'], self.params['b1']
        W2, b2 = self.params['W2'], self.params['b2']
        N, D = X.shape
        scores = None
        hidden = np.maximum(0, X.dot(W1) + b1)
        scores = hidden.dot(W2) + b2
        if y is None:
            return scores
        scores -= np.max(scores, axis=1, keepdims=True)
        exp_scores = np.exp(scores)
        probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
        correct_logprobs = -scores[range(N), y] + np.log(np.sum(exp_scores, axis=1))
        loss = np.sum(correct_logprobs) / N
        loss += {penalty} * np.sum(W1 * W1) + {penalty} * np.sum(W2 * W2)
        grads = {{}}
        dscores = probs
        dscores[range(N), y] -= 1
        dscores /= N
        grads['W2'] = np.dot(hidden.T, dscores)
        grads['b2'] = np.sum(dscores, axis=0)
        dhidden = np.dot(dscores, W2.T)
        dhidden[hidden <= 0] = 0
        grads['W1'] = np.dot(X.T, dhidden)
        grads['b1'] = np.sum(dhidden, axis=0)
        grads['W2'] += {gradient} * W2
        grads['W1'] += {gradient} * W1
        return loss, grads
"""
        + TRAIN
        + PREDICT
    )


TWO_LEVEL = """import numpy as np

class TwoLayerNetv1(object):
    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = {}
        self.params['W1'] = std * np.random.randn(input_size, hidden_size)
        self.params['b1'] = np.zeros(hidden_size)
        self.params['W2'] = std * np.random.randn(hidden_size, output_size)
        self.params['b2'] = np.zeros(output_size)

    @staticmethod
    def softmax(z):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def forward(self, X):
        self.X = X
        self.z2 = np.dot(X, self.params['W1']) + self.params['b1']
        self.a2 = np.maximum(self.z2, 0)
        self.z3 = np.dot(self.a2, self.params['W2']) + self.params['b2']
        scores = self.softmax(self.z3)
        return scores


class TwoLayerNetv2(TwoLayerNetv1):
    def compute_loss(self, X, y=None, reg=0.0):
        scores = self.forward(X)
        if y is None:
            return scores
        shifted = self.z3 - self.z3.max(axis=1, keepdims=True)
        log = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        loss = -log[np.arange(len(y)), y].mean()
        loss += reg * (np.sum(self.params['W1'] ** 2) + np.sum(self.params['W2'] ** 2))
        return loss


class TwoLayerNetv3(TwoLayerNetv2):
    def back_propagation(self, X, y=None, reg=0.0):
        loss = self.compute_loss(X, y, reg)
        delta = self.softmax(self.z3)
        delta[np.arange(len(y)), y] -= 1
        delta /= len(y)
        grads = {}
        grads['W2'] = self.a2.T.dot(delta) + 2 * reg * self.params['W2']
        grads['b2'] = np.sum(delta, axis=0)
        hidden = delta.dot(self.params['W2'].T) * (self.z2 > 0)
        grads['W1'] = X.T.dot(hidden) + 2 * reg * self.params['W1']
        grads['b1'] = np.sum(hidden, axis=0)
        return loss, grads


class TwoLayerNetv4(TwoLayerNetv3):
    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95, reg=5e-6, num_iters=100,
              batch_size=200, verbose=False):
        num_train = X.shape[0]
        iterations_per_epoch = max(num_train // batch_size, 1)
        loss_history, train_acc_history, val_acc_history = [], [], []
        for it in range(num_iters):
            batch = np.random.randint(0, num_train, batch_size)
            loss, grads = self.back_propagation(X[batch], y=y[batch], reg=reg)
            loss_history.append(loss)
            self.params['W1'] += -learning_rate * grads['W1']
            self.params['b1'] += -learning_rate * grads['b1']
            self.params['W2'] += -learning_rate * grads['W2']
            self.params['b2'] += -learning_rate * grads['b2']
            if it % iterations_per_epoch == 0:
                train_acc_history.append(np.mean(self.predict(X[batch]) == y[batch]))
                val_acc_history.append(np.mean(self.predict(X_val) == y_val))
                learning_rate *= learning_rate_decay
        return {'loss_history': loss_history, 'train_acc_history': train_acc_history,
                'val_acc_history': val_acc_history}

    def predict(self, X):
        return self.forward(X).argmax(axis=1)
"""

OTHER_NAMES = ONE_HOT
for old, new in (
    ("['W1']", "['weights_1']"),
    ("['W2']", "['weights_2']"),
    ("['b1']", "['bias_1']"),
    ("['b2']", "['bias_2']"),
    ("self.params", "self.theta"),
):
    OTHER_NAMES = OTHER_NAMES.replace(old, new)

ATTRIBUTES = """import numpy as np

class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.W1 = np.random.normal(0, std, (input_size, hidden_size))
        self.b1 = np.zeros((1, hidden_size))
        self.W2 = np.random.normal(0, std, (hidden_size, output_size))
        self.b2 = np.zeros((1, output_size))

    def _forward(self, X):
        z = X @ self.W1 + self.b1
        return z, np.maximum(z, 0) @ self.W2 + self.b2

    def loss(self, X, y=None, reg=0.0):
        z, s = self._forward(X)
        s = s - s.max(axis=1, keepdims=True)
        logp = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
        if y is None:
            return np.exp(logp)
        m = X.shape[0]
        objective = -np.sum(logp[np.arange(m), y]) / m + reg * ((self.W1 ** 2).sum() + (self.W2 ** 2).sum())
        d = np.exp(logp)
        d[np.arange(m), y] -= 1
        d /= m
        dz = (d @ self.W2.T) * (z > 0)
        grads = dict(dW1=X.T @ dz + 2 * reg * self.W1, db1=dz.sum(axis=0, keepdims=True),
                     dW2=np.maximum(z, 0).T @ d + 2 * reg * self.W2, db2=d.sum(axis=0, keepdims=True))
        return objective, grads

    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95, reg=5e-6, num_iters=100,
              batch_size=200, verbose=False):
        n = len(X)
        per_epoch = max(n // batch_size, 1)
        history = {'loss_history': [], 'train_acc_history': [], 'val_acc_history': []}
        for step in range(num_iters):
            rows = np.random.choice(n, size=batch_size, replace=True)
            objective, grads = self.loss(X[rows], y[rows], reg)
            history['loss_history'].append(objective)
            for name in ('W1', 'b1', 'W2', 'b2'):
                setattr(self, name, getattr(self, name) - learning_rate * grads['d' + name])
            if (step + 1) % per_epoch == 0:
                history['train_acc_history'].append(np.mean(self.predict(X[rows]) == y[rows]))
                history['val_acc_history'].append(np.mean(self.predict(X_val) == y_val))
                learning_rate *= learning_rate_decay
        return history

    def predict(self, X):
        return np.argmax(self._forward(X)[1], axis=1)
"""

COLUMNS = (
    '''import numpy as np

class TwoLayerNet(object):
    """The sheet's convention: weights are (out, in)."""

    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = {'W1': std * np.random.randn(hidden_size, input_size), 'b1': np.zeros((hidden_size, 1)),
                       'W2': std * np.random.randn(output_size, hidden_size), 'b2': np.zeros((output_size, 1))}

    def loss(self, X, y=None, reg=0.0):
        W1, b1, W2, b2 = (self.params[k] for k in ('W1', 'b1', 'W2', 'b2'))
        x = X.T
        z2 = W1.dot(x) + b1
        a2 = np.clip(z2, 0, None)
        z3 = W2.dot(a2) + b2
        z3 = z3 - z3.max(axis=0)
        a3 = np.exp(z3) / np.exp(z3).sum(axis=0)
        if y is None:
            return a3.T
        n = x.shape[1]
        log_a3 = z3 - np.log(np.exp(z3).sum(axis=0))
        loss = -log_a3[y, np.arange(n)].sum() / n + reg * (np.sum(W1 ** 2) + np.sum(W2 ** 2))
        delta = a3
        delta[y, np.arange(n)] -= 1
        delta = delta / n
        grads = {'W2': delta.dot(a2.T) + 2 * reg * W2, 'b2': delta.sum(axis=1, keepdims=True)}
        delta = W2.T.dot(delta) * (z2 > 0)
        grads['W1'] = delta.dot(x.T) + 2 * reg * W1
        grads['b1'] = delta.sum(axis=1, keepdims=True)
        return loss, grads
'''
    + TRAIN
    + PREDICT
)

LOOPS = (
    "import numpy as np\n"
    + INIT
    + """
    def loss(self, X, y=None, reg=0.0):
        W1, b1, W2, b2 = self.params['W1'], self.params['b1'], self.params['W2'], self.params['b2']
        N = X.shape[0]
        probs = np.zeros((N, W2.shape[1]))
        hidden = np.zeros((N, W1.shape[1]))
        logs = np.zeros((N, W2.shape[1]))
        for i in range(N):
            for j in range(W1.shape[1]):
                hidden[i, j] = max(0, X[i].dot(W1[:, j]) + b1[j])
            z = hidden[i].dot(W2) + b2
            z -= z.max()
            logs[i] = z - np.log(np.sum(np.exp(z)))
            probs[i] = np.exp(logs[i])
        if y is None:
            return probs
        loss = 0.
        for i in range(N):
            loss -= logs[i, y[i]]
        loss = loss / N + reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
        grads = {'W1': np.zeros_like(W1), 'b1': np.zeros_like(b1), 'W2': np.zeros_like(W2), 'b2': np.zeros_like(b2)}
        for i in range(N):
            d = probs[i].copy()
            d[y[i]] -= 1
            grads['W2'] += np.outer(hidden[i], d) / N
            grads['b2'] += d / N
            h = W2.dot(d) * (hidden[i] > 0)
            grads['W1'] += np.outer(X[i], h) / N
            grads['b1'] += h / N
        grads['W1'] += 2 * reg * W1
        grads['W2'] += 2 * reg * W2
        return loss, grads
"""
    + TRAIN
    + PREDICT
)

FLOAT32 = ONE_HOT.replace(
    "a = relu(X @ self.params['W1'] + self.params['b1'])",
    "a = relu((X.astype(np.float32) @ self.params['W1'].astype(np.float32) + self.params['b1']).astype(np.float32))",
)

LAYERS = """import numpy as np

class Linear:
    def __init__(self, n_in, n_out, std):
        self.W, self.b = std * np.random.randn(n_in, n_out), np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d, reg):
        self.dW, self.db = self.x.T @ d + 2 * reg * self.W, d.sum(axis=0)
        return d @ self.W.T


class ReLU:
    def forward(self, x):
        self.on = x > 0
        return x * self.on

    def backward(self, d):
        return d * self.on


class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.first = Linear(input_size, hidden_size, std)
        self.relu = ReLU()
        self.second = Linear(hidden_size, output_size, std)

    def loss(self, X, y=None, reg=0.0):
        logits = self.second.forward(self.relu.forward(self.first.forward(X)))
        logits = logits - logits.max(axis=1, keepdims=True)
        log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        p = np.exp(log_p)
        if y is None:
            return p
        rows = np.arange(len(y))
        loss = -log_p[rows, y].mean() + reg * (np.sum(self.first.W ** 2) + np.sum(self.second.W ** 2))
        p[rows, y] -= 1
        self.first.backward(self.relu.backward(self.second.backward(p / len(y), reg)), reg)
        return loss, {'W1': self.first.dW, 'b1': self.first.db, 'W2': self.second.dW, 'b2': self.second.db}

    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95, reg=5e-6, num_iters=100,
              batch_size=200, verbose=False):
        losses, train_acc, val_acc = [], [], []
        epoch = max(len(X) // batch_size, 1)
        for it in range(num_iters):
            rows = np.random.choice(len(X), batch_size)
            loss, grads = self.loss(X[rows], y[rows], reg)
            losses.append(loss)
            for layer, number in ((self.first, '1'), (self.second, '2')):
                layer.W = layer.W - learning_rate * grads['W' + number]
                layer.b = layer.b - learning_rate * grads['b' + number]
            if it % epoch == 0:
                train_acc.append(float(np.mean(self.predict(X[rows]) == y[rows])))
                val_acc.append(float(np.mean(self.predict(X_val) == y_val)))
                learning_rate *= learning_rate_decay
        return {'loss_history': losses, 'train_acc_history': train_acc, 'val_acc_history': val_acc}

    def predict(self, X):
        return np.argmax(self.loss(X), axis=1)
"""

UNSTABLE = ONE_HOT.replace("    z = z - np.max(z, axis=1).reshape(-1, 1)\n", "").replace(
    "np.log(np.maximum(p, 1e-300))", "np.log(p)"
)
UNDERFLOW = ONE_HOT.replace(
    "np.sum(Y * np.log(np.maximum(p, 1e-300)))", "np.sum(np.log(p[range(len(y)), y]))"
)
EPSILON = ONE_HOT.replace("np.log(np.maximum(p, 1e-300))", "np.log(p + 1e-8)")
TINY_EPSILON = ONE_HOT.replace("np.log(np.maximum(p, 1e-300))", "np.log(p + 1e-15)")

MOMENTUM = ONE_HOT.replace(
    "        for it in range(num_iters):\n",
    "        velocity = {key: np.zeros_like(value) for key, value in self.params.items()}\n        for it in range(num_iters):\n",
).replace(
    "self.params[key] = self.params[key] - learning_rate * grads[key]",
    "velocity[key] = 0.9 * velocity[key] - learning_rate * grads[key]\n                self.params[key] = self.params[key] + velocity[key]",
)

SHUFFLED = ONE_HOT.replace(
    "            idx = np.random.choice(num_train, batch_size)\n",
    "            position = it % iterations_per_epoch\n            if position == 0:\n"
    "                order = np.random.permutation(num_train)\n"
    "            idx = order[position * batch_size:(position + 1) * batch_size]\n",
)
WITHOUT_REPLACEMENT = ONE_HOT.replace(
    "np.random.choice(num_train, batch_size)",
    "np.random.choice(num_train, min(num_train, batch_size), replace=False)",
)

TYPED = (
    """from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass
class TwoLayerNet:
    input_size: int
    hidden_size: int
    output_size: int
    std: float = 1e-4
    params: dict[str, NDArray[np.float64]] = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng()
        self.params = {
            "W1": rng.normal(scale=self.std, size=(self.input_size, self.hidden_size)),
            "b1": np.zeros(self.hidden_size),
            "W2": rng.normal(scale=self.std, size=(self.hidden_size, self.output_size)),
            "b2": np.zeros(self.output_size),
        }

    def loss(self, X: NDArray, y: NDArray | None = None, reg: float = 0.0):
        p = self.params
        pre = X @ p["W1"] + p["b1"]
        act = np.fmax(pre, 0.0)
        out = act @ p["W2"] + p["b2"]
        log_prob = out - np.logaddexp.reduce(out, axis=1, keepdims=True)
        if y is None:
            return np.exp(log_prob)
        data = -np.take_along_axis(log_prob, y[:, None], axis=1).mean()
        objective = data + reg * sum(np.square(p[name]).sum() for name in ("W1", "W2"))
        error = (np.exp(log_prob) - (y[:, None] == np.arange(out.shape[1]))) / len(X)
        hidden = np.where(pre > 0, error @ p["W2"].T, 0.0)
        return objective, {
            "W1": X.T @ hidden + 2 * reg * p["W1"],
            "b1": hidden.sum(axis=0),
            "W2": act.T @ error + 2 * reg * p["W2"],
            "b2": error.sum(axis=0),
        }
"""
    + TRAIN
    + PREDICT
)

WITH_TESTS = (
    ONE_HOT
    + """

data = np.load('my_cifar_features.npz')
net = TwoLayerNet(3072, 50, 10)
net.train(data['X'], data['y'], data['X_val'], data['y_val'])
"""
)

GUARDED = (
    ONE_HOT
    + """

if __name__ == '__main__':
    raise RuntimeError('only a driver may run this')
"""
)

FLOAT_EPOCH = ONE_HOT.replace("num_train // batch_size", "num_train / batch_size")

LIST_RESULT = ONE_HOT.replace(
    "        return loss, grads\n",
    "        return [loss, [grads['W1'], grads['b1'], grads['W2'], grads['b2']]]\n",
).replace(
    "loss, grads = self.loss(X_batch, y=y_batch, reg=reg)",
    "loss, listed = self.loss(X_batch, y=y_batch, reg=reg)\n            grads = dict(zip(['W1', 'b1', 'W2', 'b2'], listed))",
)

OTHER_ARGUMENTS = ONE_HOT.replace(
    "def loss(self, X, y=None, reg=0.0)", "def loss(self, data, labels=None, lam=0.0)"
).replace("y=y_batch, reg=reg)", "labels=y_batch, lam=reg)")
_a, _b = OTHER_ARGUMENTS.index("a = relu("), OTHER_ARGUMENTS.index("        return loss, grads")
OTHER_ARGUMENTS = (
    OTHER_ARGUMENTS[:_a]
    + OTHER_ARGUMENTS[_a:_b]
    .replace("len(X)", "len(data)")
    .replace("X @", "data @")
    .replace("X.T", "data.T")
    .replace("y is None", "labels is None")
    .replace("[y]", "[labels]")
    .replace("reg", "lam")
    + OTHER_ARGUMENTS[_b:]
)

MEAN_LOSS = (
    "import numpy as np\n"
    + INIT
    + """
    def loss(self, X, y=None, reg=0.0):
        W1, b1, W2, b2 = [self.params[name] for name in ('W1', 'b1', 'W2', 'b2')]
        N = len(X)
        h = X.dot(W1)
        h += b1
        on = h > 0
        h *= on
        f = h.dot(W2)
        f += b2
        f -= f.max(axis=1, keepdims=True)
        log_sum = np.log(np.sum(np.exp(f), axis=1, keepdims=True))
        f -= log_sum
        if y is None:
            return np.exp(f)
        loss = np.mean(-f[np.arange(N), y])
        loss += reg * (np.vdot(W1, W1) + np.vdot(W2, W2))
        g = np.exp(f)
        np.subtract.at(g, (np.arange(N), y), 1)
        g *= 1. / N
        grads = {}
        grads['b2'] = np.ones(N).dot(g)
        grads['W2'] = h.T.dot(g)
        g = g.dot(W2.T)
        g *= on
        grads['b1'] = np.ones(N).dot(g)
        grads['W1'] = X.T.dot(g)
        for name in ('W1', 'W2'):
            grads[name] += reg * (self.params[name] + self.params[name])
        return float(loss), grads
"""
    + TRAIN
    + """
    def predict(self, X):
        y_pred = np.zeros(X.shape[0], dtype=int)
        scores = self.loss(X)
        for i in range(X.shape[0]):
            y_pred[i] = np.argmax(scores[i])
        return y_pred
"""
)

PROPERTY = ONE_HOT.replace("        self.params = {}\n", "        self._store = {}\n").replace(
    "    def loss(self",
    "    @property\n    def params(self):\n        return self._store\n\n    def loss(self",
)


def notebook(text: str) -> str:
    """The text as cells, with cells that would fail and a magic."""
    head, body = text.split("class TwoLayerNet", 1)
    cells = [
        "%matplotlib inline\n!pip list\n" + head,
        "class TwoLayerNet" + body,
        "net = TwoLayerNet(3, 4, 2)\nX = load_cifar10()\nnet.train(X)",
    ]
    return json.dumps(
        {
            "cells": [{"cell_type": "markdown", "source": ["# Two layers"], "metadata": {}}]
            + [
                {"cell_type": "code", "source": cell.splitlines(True), "outputs": [], "metadata": {}}
                for cell in cells
            ],
            "metadata": {},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )


RIGHT = [
    Right("the handout's style with one-hot rows", ONE_HOT),
    Right("einsum", EINSUM),
    Right("raw scores, reg", cs231n("reg", "2 * reg"), ("raw", "reg"), frozenset({"RAW_SCORES"})),
    Right("raw scores, one-half", cs231n("0.5 * reg", "reg"), ("raw", "half")),
    Right("two-level interface", TWO_LEVEL),
    Right("other parameter names", OTHER_NAMES),
    Right("attributes instead of params, biases of one row", ATTRIBUTES),
    Right("weights as (out, in)", COLUMNS),
    Right("loops everywhere", LOOPS, remarks=frozenset({"LOOP"})),
    Right("float32 in between", FLOAT32, remarks=frozenset({"SINGLE_PRECISION"})),
    Right("a class a layer", LAYERS),
    Right("softmax that overflows", UNSTABLE, remarks=frozenset({"SOFTMAX_OVERFLOW"})),
    Right("log that underflows", UNDERFLOW, remarks=frozenset({"LOG_UNDERFLOW"})),
    Right("a small number in the logarithm", EPSILON, remarks=frozenset({"LOG_EPSILON"})),
    Right("a tiny number in the logarithm", TINY_EPSILON),
    Right("momentum", MOMENTUM),
    Right("shuffled epochs", SHUFFLED),
    Right("minibatches without replacement, as many as there are", WITHOUT_REPLACEMENT),
    Right("dataclass with type hints", TYPED),
    Right("code below the class that fails", WITH_TESTS),
    Right("a guarded main", GUARDED),
    Right("the handout's true division", FLOAT_EPOCH, remarks=frozenset({"FLOAT_EPOCH"})),
    Right("lists instead of tuple and dict", LIST_RESULT),
    Right("other argument names", OTHER_ARGUMENTS),
    Right("in place, with a loop in predict", MEAN_LOSS),
    Right("params behind a property", PROPERTY),
    Right("a notebook", notebook(ONE_HOT), file="my_solution.ipynb"),
]

ASKS_TWICE = ONE_HOT.replace(
    "            loss, grads = self.loss(X_batch, y=y_batch, reg=reg)\n",
    "            loss, _ = self.loss(X_batch, y=y_batch, reg=reg)\n            _, grads = self.loss(X_batch, y_batch, reg)\n"
    "            whole, _ = self.loss(X, y, reg)\n            val_loss, _ = self.loss(X_val, y_val)\n",
)
RIGHT.append(Right("a training that asks its loss four times in a step", ASKS_TWICE))

KEEPS_BEST = ONE_HOT.replace(
    "                learning_rate *= learning_rate_decay\n",
    "                learning_rate *= learning_rate_decay\n"
    "                if val_acc_history[-1] == max(val_acc_history):\n"
    "                    best = {key: value.copy() for key, value in self.params.items()}\n",
).replace("        return {'loss_history'", "        self.params = best\n        return {'loss_history'")
RIGHT.append(Right("a training that keeps the best parameters", KEEPS_BEST))

OPTIONS = ONE_HOT.replace(
    "def loss(self, X, y=None, reg=0.0):\n",
    "def loss(self, X, y=None, **options):\n        reg = options.get('reg', 0.0)\n",
)
RIGHT.append(Right("a loss that takes its options by name", OPTIONS))
IMPORTS = ONE_HOT.replace(
    "import numpy as np\n", "import numpy as np\nfrom google.colab import drive\nimport pandas_of_mine\n", 1
)
RIGHT.append(Right("imports that are not needed", IMPORTS))
