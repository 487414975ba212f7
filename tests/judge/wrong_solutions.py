# ruff: noqa: E501  each change stands in one line
"""Mistakes in programs of other styles than the specimen, with the code that has to be named; and unlisted ones."""

from __future__ import annotations

from dataclasses import dataclass

from judge.right_solutions import (
    ATTRIBUTES,
    COLUMNS,
    EINSUM,
    LAYERS,
    MEAN_LOSS,
    ONE_HOT,
    TWO_LEVEL,
    TYPED,
    cs231n,
)

RAW = cs231n("reg", "2 * reg")
HALF = cs231n("0.5 * reg", "reg")


@dataclass(frozen=True)
class Wrong:
    """A program, a change of its text, and the codes that have to be named."""

    program: str
    old: str
    new: str
    codes: tuple[str, ...]

    @property
    def text(self) -> str:
        """The changed program."""
        assert self.program.count(self.old) == 1, (self.codes, self.old, self.program.count(self.old))
        return self.program.replace(self.old, self.new)


WRONG = [
    Wrong(ONE_HOT, "* (a > 0)", "", ("RELU_MASK_MISSING",)),
    Wrong(ONE_HOT, "grads['b2'] = d.sum(0)", "grads['b2'] = d.mean(0)", ("BIAS_GRAD_DIV_N_TWICE",)),
    Wrong(ONE_HOT, "d = (p - Y) / len(X)", "d = p - Y", ("GRAD_NOT_AVERAGED",)),
    Wrong(ONE_HOT, "return z * (z > 0)", "return z", ("RELU_MISSING",)),
    Wrong(ONE_HOT, "np.sum(e, axis=1)[:, np.newaxis]", "np.sum(e, axis=0)", ("SOFTMAX_AXIS",)),
    Wrong(
        ONE_HOT, "X @ self.params['W1'] + self.params['b1']", "X @ self.params['W1']", ("BIAS1_NOT_ADDED",)
    ),
    Wrong(
        ONE_HOT,
        "np.sum(Y * np.log(np.maximum(p, 1e-300)))",
        "np.sum(np.log(np.maximum(p, 1e-300)))",
        ("LOSS_ALL_CLASSES",),
    ),
    Wrong(ONE_HOT, "loss += reg *", "loss += 0.5 * reg *", ("REG_HALF_BUG",)),
    Wrong(ONE_HOT, "np.eye(p.shape[1])[y]", "np.eye(y.max() + 1)[y]", ("C_FROM_BATCH",)),
    Wrong(ONE_HOT, "np.eye(p.shape[1])[y]", "np.eye(3)[y]", ("HARDCODED_C",)),
    Wrong(ONE_HOT, "(p - Y) / len(X)", "(p - Y) / 5", ("GRAD_FACTOR",)),
    Wrong(ONE_HOT, "grads['b1'] = d.sum(0)", "grads['bl'] = d.sum(0)", ("BIAS_GRAD_MISSING",)),
    Wrong(
        ONE_HOT,
        "std * np.random.randn(hidden_size, output_size)",
        "std * np.random.randn(output_size, hidden_size)",
        ("PARAMETER_SHAPES",),
    ),
    Wrong(
        ONE_HOT,
        "grads['W2'] = a.T @ d",
        "self.a = getattr(self, 'a', a)\n        grads['W2'] = self.a.T @ d",
        ("STATE_KEPT",),
    ),
    Wrong(
        ONE_HOT,
        "learning_rate * grads[key]",
        "learning_rate * (grads[key] + reg * self.params[key] * (key[0] == 'W'))",
        ("UPDATE_TWICE",),
    ),
    Wrong(
        ONE_HOT,
        "learning_rate *= learning_rate_decay",
        "learning_rate *= learning_rate_decay\n                break",
        ("NUM_ITERS_IGNORED",),
    ),
    Wrong(
        ONE_HOT,
        "np.argmax(self.loss(X), axis=1)",
        "np.argmax(self.loss(X), axis=1) + 0.0",
        ("PREDICT_FLOAT",),
    ),
    Wrong(EINSUM, "reg * 2 * p['W1']", "reg * p['W1']", ("REG_GRAD_FACTOR",)),
    Wrong(EINSUM, "for k in ('W1', 'W2'))", "for k in p if p[k].ndim == 2 and k == 'W1')", ("REG_W1_ONLY",)),
    Wrong(EINSUM, "back[z <= 0] = 0", "back[back <= 0] = 0", ("RELU_MASK_OF_ERROR",)),
    Wrong(
        EINSUM,
        "np.einsum('k->k', e)" if False else "'b2': np.einsum('nk->k', e)",
        "'b2': e",
        ("BIAS_GRAD_NOT_SUMMED",),
    ),
    Wrong(EINSUM, "lse - s[n, y]", "lse", ("LOSS_UNKNOWN",)),
    Wrong(RAW, "dscores /= N", "pass", ("GRAD_NOT_AVERAGED",)),
    Wrong(RAW, "grads['W2'] += 2 * reg * W2", "grads['W2'] += 0", ("REG_GRAD_MISSING",)),
    Wrong(RAW, "dscores[range(N), y] -= 1", "pass", ("DELTA_ONE_HOT_MISSING",)),
    Wrong(RAW, "np.sum(dhidden, axis=0)", "np.sum(dhidden, axis=0, keepdims=True)", ("BIAS_GRAD_2D",)),
    Wrong(RAW, "learning_rate * grads[key]", "-learning_rate * grads[key]", ("UPDATE_SIGN",)),
    Wrong(HALF, "grads['W1'] += reg * W1", "grads['W1'] += 2 * reg * W1", ("REG_GRAD_DOUBLE",)),
    Wrong(HALF, "dhidden[hidden <= 0] = 0", "pass", ("RELU_MASK_MISSING",)),
    Wrong(HALF, "loss = np.sum(correct_logprobs) / N", "loss = np.sum(correct_logprobs)", ("LOSS_SUM",)),
    Wrong(HALF, "+ 0.5 * reg * np.sum(W2 * W2)", "+ 0.5 * reg * np.sum(W2)", ("LOSS_UNKNOWN",)),
    Wrong(COLUMNS, "delta = delta / n", "pass", ("GRAD_NOT_AVERAGED",)),
    Wrong(COLUMNS, "* (z2 > 0)", "* (z2 < 0)", ("RELU_MASK_INVERTED",)),
    Wrong(COLUMNS, "return a3.T", "return a3", ("SCORES_TRANSPOSED",)),
    Wrong(COLUMNS, "W2.dot(a2) + b2", "W2.dot(a2)", ("BIAS2_NOT_ADDED",)),
    Wrong(LAYERS, "return d * self.on", "return d", ("RELU_MASK_MISSING",)),
    Wrong(LAYERS, "d.sum(axis=0)", "d.mean(axis=0)", ("BIAS_GRAD_DIV_N_TWICE",)),
    Wrong(LAYERS, "layer.b = layer.b - learning_rate * grads['b' + number]", "pass", ("BIASES_NOT_UPDATED",)),
    Wrong(LAYERS, "np.sum(self.second.W ** 2)", "np.sum(self.second.b ** 2)", ("LOSS_UNKNOWN",)),
    Wrong(TWO_LEVEL, "self.a2.T.dot(delta)", "self.z2.T.dot(delta)", ("GRAD_Z2_FOR_A2",)),
    Wrong(TWO_LEVEL, "delta /= len(y)", "pass", ("GRAD_NOT_AVERAGED",)),
    Wrong(
        TWO_LEVEL,
        "scores = self.softmax(self.z3)",
        "scores = self.softmax(self.softmax(self.z3))",
        ("SOFTMAX_TWICE",),
    ),
    Wrong(
        TWO_LEVEL,
        "self.back_propagation(X[batch], y=y[batch], reg=reg)",
        "self.back_propagation(X[batch], y=y[batch])",
        ("REG_NOT_PASSED",),
    ),
    Wrong(
        TYPED,
        'np.square(p[name]).sum() for name in ("W1", "W2")',
        "np.square(p[name]).sum() for name in p",
        ("REG_BIASES_LOSS_ONLY",),
    ),
    Wrong(
        TYPED,
        "np.random.choice(num_train, batch_size)",
        "np.random.choice(num_train, batch_size, replace=False)",
        ("BATCH_REPLACE_FALSE",),
    ),
    Wrong(ATTRIBUTES, "reg * ((self.W1 ** 2).sum()", "0.1 * ((self.W1 ** 2).sum()", ("REG_HARDCODED",)),
    Wrong(ATTRIBUTES, "y[rows], reg)", "y[:len(rows)], reg)", ("BATCH_LABELS_MISMATCH",)),
    Wrong(MEAN_LOSS, "g *= on", "pass", ("RELU_MASK_MISSING",)),
    Wrong(MEAN_LOSS, "h = X.dot(W1)", "h = W1.dot(X)", ("MATMUL_ORDER",)),
    Wrong(
        MEAN_LOSS,
        "        h *= on\n",
        "        h *= on\n        h *= np.random.rand(*h.shape) < 0.5\n",
        ("DROPOUT_ALWAYS_ON",),
    ),
    Wrong(
        MEAN_LOSS,
        "iterations_per_epoch == 0:",
        "iterations_per_epoch == 0 and False:",
        ("ACCURACY_HISTORY", "DECAY_MISSING"),
    ),
]
"""Listed kinds in other programs."""

UNLISTED = [
    Wrong(
        ONE_HOT,
        "d = (d @ self.params['W2'].T) * (a > 0)",
        "d = np.abs(d @ self.params['W2'].T) * (a > 0)",
        (),
    ),
    Wrong(ONE_HOT, "e = np.exp(z)", "e = np.exp(z) + 0.1", ()),
    Wrong(ONE_HOT, "e = np.exp(z)", "e = 2 ** z", ()),
    Wrong(ONE_HOT, "loss = -np.sum(", "loss = 0.01 - np.sum(", ()),
    Wrong(ONE_HOT, "return z * (z > 0)", "return np.minimum(z * (z > 0), 1.5)", ()),
    Wrong(ONE_HOT, "grads['W1'] = X.T @ d", "grads['W1'] = np.round(X.T @ d, 3)", ()),
    Wrong(ONE_HOT, "grads['b1'] = d.sum(0)", "grads['b1'] = np.sort(d.sum(0))", ()),
    Wrong(
        ONE_HOT, "learning_rate * grads[key]", "learning_rate * grads[key] / np.linalg.norm(grads[key])", ()
    ),
    Wrong(ONE_HOT, "learning_rate * grads[key]", "learning_rate * (grads[key] + 0.01)", ()),
    Wrong(
        ONE_HOT,
        "idx = np.random.choice(num_train, batch_size)",
        "idx = np.random.choice(num_train - 1, batch_size)",
        (),
    ),
    Wrong(ONE_HOT, "np.argmax(self.loss(X), axis=1)", "np.argsort(self.loss(X), axis=1)[:, -2]", ()),
    Wrong(ONE_HOT, "grads['W2'] = a.T @ d", "grads['W2'] = (a.T @ d) ** 3", ()),
    Wrong(ONE_HOT, "d = (p - Y) / len(X)", "d = (p - 0.9 * Y) / len(X)", ()),
    Wrong(
        ONE_HOT,
        "learning_rate *= learning_rate_decay",
        "learning_rate = learning_rate * learning_rate_decay ** it",
        (),
    ),
]
"""Mistakes that the catalogue does not have: they are wrong all the same."""
