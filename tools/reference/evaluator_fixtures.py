"""Writes test/fixtures/evaluation.safetensors: what numpy and scipy make of small evaluation problems, in float64.

    python tools/reference/evaluator_fixtures.py

README.md beside this file describes the tensors.
"""

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from scipy.stats import binomtest

FILE = Path(__file__).resolve().parents[2] / 'test/fixtures/evaluation.safetensors'
random = np.random.default_rng(0)
stored = {}


def add(case, **arrays):
    for name, array in arrays.items():
        stored[f'{case}/{name}'] = np.ascontiguousarray(array)


def clusters(count, width, classes, noise):
    """(float32 [count, width], int64 [count]): overlapping Gaussian clusters."""
    labels = random.integers(0, classes, count)
    centres = random.normal(size=(classes, width))
    return (centres[labels] + noise * random.normal(size=(count, width))).astype(np.float32), labels


def knn(k=7, temperature=0.07, classes=4):
    rows, labels = clusters(90, 5, classes, 1.2)
    bank, queries = rows[:60], rows[60:]
    unit = lambda x: x.astype(np.float64) / np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True)
    cosines = unit(queries) @ unit(bank).T
    nearest = np.argsort(-cosines, axis=1, kind='stable')[:, :k]
    similarities = np.take_along_axis(cosines, nearest, 1)
    votes = np.zeros((len(queries), classes))
    for row, (indices, near) in enumerate(zip(nearest, similarities)):
        np.add.at(votes[row], labels[indices.astype(int)], np.exp(near / temperature))
    add('knn', bank=bank, labels=labels[:60], queries=queries, indices=nearest, similarities=similarities)
    add('knn', settings=np.array([k, temperature, classes]), predictions=votes.argmax(1))


def logistic():
    """Minimizes sum of cross-entropies * C + |W|^2 / 2 by scipy's L-BFGS-B, then by Newton's method to rounding."""
    rows, labels = clusters(80, 6, 3, 1.5)
    x, target = rows.astype(np.float64), np.eye(3)[labels]
    add('logistic', rows=rows, labels=labels)

    def unpack(v):
        return v[:18].reshape(3, 6), v[18:]

    def objective(v, c):
        w, b = unpack(v)
        logits = x @ w.T + b
        d = c * (softmax(logits, 1) - target)
        value = -c * (log_softmax(logits, 1) * target).sum() + (w**2).sum() / 2
        return value, np.concatenate([(d.T @ x + w).ravel(), d.sum(0)])

    for c in (0.01, 1.0, 100.0):
        v = minimize(objective, np.zeros(21), (c,), 'L-BFGS-B', jac=True, options={'maxiter': 5000, 'gtol': 1e-9}).x
        for _ in range(5):
            w, b = unpack(v)
            p = softmax(x @ w.T + b, 1)
            ones = np.concatenate([x, np.ones((80, 1))], 1)
            hessian = np.zeros((21, 21))
            place = [[*range(6 * i, 6 * i + 6), 18 + i] for i in range(3)]
            for i in range(3):
                for j in range(3):
                    weight = c * p[:, i] * ((i == j) - p[:, j])
                    hessian[np.ix_(place[i], place[j])] = ones.T @ (weight[:, None] * ones)
            hessian[:18, :18] += np.eye(18)
            # the biases are free up to one constant, so that the Hessian is singular
            v = v - np.linalg.pinv(hessian) @ objective(v, c)[1]
        value, gradient = objective(v, c)
        assert abs(gradient).max() < 1e-10, abs(gradient).max()
        w, b = unpack(v)
        add(f'logistic/{c:g}', weights=w, biases=b - b.mean(), value=np.array([value]))


def collapse():
    for case, shape in (('tall', (50, 12)), ('wide', (9, 20))):
        rows = (random.normal(size=shape) * np.geomspace(1, 1e-3, shape[1]) + 0.3).astype(np.float32)
        x = rows.astype(np.float64)
        unit = x / np.linalg.norm(x, axis=1, keepdims=True)
        singular = np.linalg.svd(x, compute_uv=False)
        p = singular / singular.sum()
        rank = np.exp(-(p * np.log(p)).sum())
        spread = np.sqrt(shape[1]) * unit.std(0).mean()
        add(f'collapse/{case}', rows=rows, singular=singular, rank=np.array([rank]), spread=np.array([spread]))


def intervals():
    cases = [(0, 10), (10, 10), (1, 2), (37, 400), (9300, 10000)]
    bounds = [binomtest(k, n).proportion_ci(0.95, 'wilson') for k, n in cases]
    add('wilson', cases=np.array(cases, np.int64), bounds=np.array([[b.low, b.high] for b in bounds]))


for write in (knn, logistic, collapse, intervals):
    write()
save_file(stored, FILE)
print(f'{FILE.name}: {len(stored)} tensors, {FILE.stat().st_size} bytes')
