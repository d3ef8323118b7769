"""Slow and obvious ways to the figures of iotae.evaluation and iotae.simulator."""

from __future__ import annotations

import math


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
