"""A stream's model told in plain Python: whole histories in lists, nothing running but what must run."""

from __future__ import annotations

import math

from tests import naive

REFUSE, OPEN_ROWS, FLOOR = 3.0, 64, 0.02
LEAST_SPREAD, SHADOW, WIDEST = 0.05, 3.0, 1e6


class Gate:
    """Refuse rows three deviations above the usual; widen by refusals, narrow by acceptances."""

    def __init__(self):
        self.centre = self.recent = 0.0
        self.spread = 1.0
        self.width, self.rows, self.accepted = REFUSE, 0, 0

    def judge(self, surprise):
        self.rows += 1
        spread = max(self.spread, LEAST_SPREAD)
        felt = surprise
        if self.accepted >= OPEN_ROWS:
            felt = min(surprise, self.centre + SHADOW * self.width * spread)
        self.recent = felt if self.rows == 1 else 0.9 * self.recent + 0.1 * felt
        if self.accepted < OPEN_ROWS:
            return 0 if surprise > 50 and self.rows - self.accepted <= self.accepted else 1
        height = max(surprise, self.recent) - self.centre
        refused = height > self.width * spread
        factor = math.exp(0.005 * (0.9 if refused else -0.1))
        self.width = min(max(self.width * factor, REFUSE), WIDEST * REFUSE)
        if refused:
            return 0
        return 2 if height > REFUSE * spread and self.width > 2 * REFUSE else 1

    def accept(self, surprise, rate):
        if not self.accepted:
            self.centre = surprise
        self.accepted += 1
        weight = max(1 / self.accepted, rate)
        apart = surprise - self.centre
        reach = REFUSE * max(self.spread, LEAST_SPREAD)
        apart = max(-reach, min(reach, apart))
        self.centre += weight * apart
        weight = max(1 / (self.accepted + 1), rate)
        self.spread += weight * (1.25 * abs(apart) - self.spread)


class Context:
    """Lag-one autocorrelation of surprise over about the last thousand rows."""

    def __init__(self):
        self.mean = self.variance = self.covariance = self.previous = 0.0
        self.spread = 1.0
        self.rows = 0

    def lean(self):
        if self.rows < 50 or self.variance <= 0:
            return 0.0
        return 0.5 * min(1.0, max(0.0, self.covariance / self.variance))

    def follow(self, surprise):
        if not self.rows:
            self.mean = surprise
        apart, factor = surprise - self.mean, 1.0
        spread = max(self.spread, LEAST_SPREAD)
        if apart > 5 * spread:
            apart = 5 * spread
            factor = (self.mean + apart) / surprise
        self.rows += 1
        rate = max(1 / self.rows, 1e-3)
        held = max(-3 * spread, min(3 * spread, apart))
        self.mean += rate * held
        self.spread += max(1 / (self.rows + 1), 1e-3) * (1.25 * abs(held) - self.spread)
        self.variance += rate * (apart**2 - self.variance)
        self.covariance += rate * (apart * self.previous - self.covariance)
        self.previous = apart
        return factor


def scaled_value(value, values, rate):
    """Signed log(1 + spreads from the centre) after a list of values."""
    if not values:
        return 0.0
    centre, spread = naive.running_statistics(values, rate)
    apart = value - centre
    if apart == 0:
        return 0.0
    spreads = abs(apart) / spread if spread > 0 else min(len(values) + 1, 50)
    return math.copysign(math.log1p(spreads), apart)


class Stream:
    """Everything but the network's training, whose weights a caller gives with each row.

    For a horizon without end only: then every row that teaches counts once.
    """

    def __init__(self, names, batch_size):
        self.names, self.batch_size = names, batch_size
        self.values = {name: [] for name in names}
        self.scaled = {name: [] for name in names}
        self.table = {name: [] for name in names}
        self.usual = dict.fromkeys(names, 0.5)
        self.recent = dict.fromkeys(names, 0.0)
        self.gate, self.context = Gate(), Context()
        self.learned, self.pending, self.refresh, self.refused = 0, 0, 1, 0

    def parts(self, row, network):
        """Scaled value, residual and contribution of each present feature."""
        scaled = {name: scaled_value(row[name], self.values[name], 0.0) for name in self.names if name in row}
        shown = [max(-3.0, min(3.0, scaled.get(name, math.nan))) for name in self.names]
        shown = [math.nan if name not in scaled else v for name, v in zip(self.names, shown, strict=True)]
        outputs = naive.forward(*network, shown)
        residual, contribution = {}, {}
        for name, value, output in zip(self.names, shown, outputs, strict=True):
            if name in scaled:
                residual[name] = abs(value - output)
                contribution[name] = (
                    naive.surprise(self.table[name], scaled[name])
                    + scaled[name] ** 2
                    + math.log(1 + (residual[name] / self.usual[name]) ** 2)
                )
        return scaled, residual, contribution

    def raw(self, row, network):
        contribution = self.parts(row, network)[2]
        weight = self.context.lean()
        leaned = [(1 - weight) * part + weight * self.recent[name] for name, part in contribution.items()]
        return sum(leaned) / len(leaned)

    def learn(self, row, network):
        scaled, residual, contribution = self.parts(row, network)
        surprise = sum(contribution.values()) / len(contribution)
        verdict = self.gate.judge(surprise)
        assert verdict < 2, "this oracle knows no fast rate"
        factor = self.context.follow(surprise)
        for name, part in contribution.items():
            rate = 0.1 if self.values[name] else 1.0
            self.recent[name] += rate * (part * factor - self.recent[name])
        if verdict == 0:
            self.refused += 1
            return
        self.gate.accept(surprise, 0.0)
        for name in scaled:
            usual = self.usual[name]
            moved = min(residual[name], 5 * usual) - usual
            self.usual[name] = max(FLOOR, usual + moved / (len(self.values[name]) + 9))
            self.values[name].append(row[name])
            self.scaled[name].append(scaled[name])
        self.learned += 1
        self.pending += 1
        early = self.learned == self.refresh
        if early:
            self.refresh *= 2
        if early or self.pending == self.batch_size:
            self.table = {name: list(values) for name, values in self.scaled.items()}
        self.pending %= self.batch_size
