"""Slow and obvious ways to the figures of iotae.evaluation and iotae.simulator."""

from __future__ import annotations

import math
from itertools import permutations


def confusion(y_true, y_pred):
    counts = {(t, p): 0 for t in (0, 1) for p in (0, 1)}
    for t, p in zip(y_true, y_pred, strict=True):
        counts[int(t), int(p)] += 1
    return counts[1, 1], counts[0, 1], counts[1, 0], counts[0, 0]


def roc_auc(y, scores):
    anomalies = [s for s, label in zip(scores, y, strict=True) if label]
    normal = [s for s, label in zip(scores, y, strict=True) if not label]
    if not anomalies or not normal:
        return math.nan
    wins = sum((a > b) + 0.5 * (a == b) for a in anomalies for b in normal)
    return wins / (len(anomalies) * len(normal))


def average_precision(y, scores):
    if not any(y):
        return math.nan
    total, recall_before = 0.0, 0.0
    for cut in sorted(set(scores), reverse=True):
        alarms = [label for s, label in zip(scores, y, strict=True) if s >= cut]
        recall = sum(alarms) / sum(y)
        total += (recall - recall_before) * sum(alarms) / len(alarms)
        recall_before = recall
    return total


def reconstruction_error(X, X_hat):
    return [
        math.sqrt(sum((a - b) ** 2 for a, b in zip(row, rebuilt, strict=True) if not math.isnan(a)))
        for row, rebuilt in zip(X, X_hat, strict=True)
    ]


def autocorrelated(noise, carry):
    y = [noise[0]]
    for e in noise[1:]:
        y.append(carry * y[-1] + math.sqrt(1 - carry**2) * e)
    return y


def precision_at_n(y, scores, n):
    """The mean over all orders of rows of equal score, by asking every order."""
    rows = list(range(len(y)))
    shares = []
    for order in permutations(rows):
        ranked = sorted(order, key=lambda row: -scores[row])
        shares.append(sum(y[row] for row in ranked[:n]) / n)
    return sum(shares) / len(shares)


def recall_at_false_alarm_rate(y, scores, budget):
    if not any(y) or all(y):
        return math.nan
    best = 0.0
    for cut in set(scores):
        alarms = [s >= cut for s in scores]
        tp, fp, fn, tn = confusion(y, alarms)
        if fp / (fp + tn) <= budget:
            best = max(best, tp / (tp + fn))
    return best


def ranges(y):
    """Runs of ones as lists of rows."""
    found, run = [], []
    for row, one in enumerate(y):
        if one:
            run.append(row)
        elif run:
            found.append(run)
            run = []
    return [*found, run] if run else found


def events(y, predicted):
    """Delay of each event or None, false-alarm rows, and runs of alarms that touch no event."""
    delays = [next((row - run[0] for row in run if predicted[row]), None) for run in ranges(y)]
    false_alarms = sum(bool(p and not t) for t, p in zip(y, predicted, strict=True))
    return delays, false_alarms, sum(not any(y[row] for row in run) for run in ranges(predicted))


def range_reward(judged, other, existence, bias):
    rewards = []
    for run in ranges(judged):
        length = len(run)
        weight = {
            "flat": lambda i, length: 1,
            "front": lambda i, length: length - i + 1,
            "back": lambda i, length: i,
            "middle": lambda i, length: i if i <= length / 2 else length - i + 1,
        }[bias]
        whole = sum(weight(i, length) for i in range(1, length + 1))
        pieces = [set(piece) & set(run) for piece in ranges(other)]
        pieces = [piece for piece in pieces if piece]
        overlap = sum(
            sum(weight(i, length) for i, row in enumerate(run, 1) if row in piece) / whole for piece in pieces
        )
        cardinality = 1 / len(pieces) if len(pieces) > 1 else 1
        rewards.append(existence * bool(pieces) + (1 - existence) * cardinality * overlap)
    return sum(rewards) / len(rewards) if rewards else 0.0


def range_auc(y, scores, buffer):
    """The definition of Paparrizos et al. (2022), cut by cut and row by row."""
    n, sharp = len(y), sum(y)
    degree = []
    for row in range(n):
        left = next((d for d in range(row + 1) if y[row - d]), None)
        right = next((d for d in range(n - row) if y[row + d]), None)
        reached = [d for d in (left, right) if d is not None and d <= buffer // 2]
        degree.append(min(sum(math.sqrt(1 - d / max(buffer, 1)) for d in reached), 1.0))
    anomalous = (sharp + sum(degree)) / 2
    wide = ranges([d > 0 for d in degree])
    across, up, area = [0.0], [0.0], 0.0
    for cut in sorted(set(scores), reverse=True):
        alarms = [row for row in range(n) if scores[row] >= cut]
        found = sum(degree[row] for row in alarms)
        touched = sum(any(row in run for row in alarms) for run in wide) / len(wide)
        recall = min(found / anomalous, 1.0) * touched
        area += (recall - up[-1]) * found / len(alarms)
        across.append((len(alarms) - found) / (n - anomalous) if n > anomalous else math.nan)
        up.append(recall)
    across.append(1.0)
    up.append(1.0)
    roc = sum((across[i] - across[i - 1]) * (up[i] + up[i - 1]) / 2 for i in range(1, len(up)))
    return roc, area
