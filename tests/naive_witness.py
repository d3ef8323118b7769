"""What the sensors of a row say, told in plain Python: whole histories, and whole matrices inverted by NumPy.

How rare a number is comes from :mod:`iotae.stream.evidence`, which has oracles of its own, and so do the
scale, the mean surprise, its gate and the network's weights: a caller gives them with each row.
"""

from __future__ import annotations

import math

import numpy as np

from iotae.stream import conditional, evidence, sensor_figures, witness, witness_learning
from iotae.stream.evidence import (
    CLOCK,
    ENERGY,
    LEVEL,
    LN2,
    MOVE,
    N_PARTS,
    N_STATISTICS,
    NOW,
    RUN,
    SLOWEST,
    SUM,
)
from iotae.stream.scaler import CENTRE, COUNT, HEAD, SPREAD


def held(value, reach):
    return max(-reach, min(reach, value))


class Sensor:
    """The running figures of one slot."""

    def __init__(self):
        self.linear2 = self.residual2 = self.energy = self.step = self.moved = self.power = 1.0
        self.proved = self.squared = self.level = self.run = self.equal = self.begun = self.covariance = 0.0
        self.level2, self.move_mean, self.move2 = 0.05, -0.1, 0.2
        self.last = self.before = None
        self.now = None


def leave_one_out(weights, bias, shown):
    """Each cell's prediction by a network that is given a 0 in its place."""
    d = len(shown)
    said = []
    for j in range(d):
        cells = np.array(shown, float)
        cells[j] = 0.0
        units = weights[2 * d] + cells @ weights[:d]
        said.append(bias[j] + np.where(units > 0, units, 0.05 * units) @ weights[d + j])
    return said


class Witness:
    """All slots together, for one stream of rows as vectors."""

    def __init__(self, kinds):
        self.kinds, self.d = list(kinds), len(kinds)
        self.slots = [Sensor() for _ in kinds]
        self.tails, self.calibration = evidence.new_tails(self.d), evidence.new_calibration()
        self.accepted = self.rows = 0
        self.width, self.agree, self.agree_mean, self.agree2 = 1.0, 0.0, 0.0, 0.1
        self.cells, self.due, self.made = [], witness._FIRST_INVERSION, None
        self.inverse, self.mean, self.scale = np.eye(self.d), np.zeros(self.d), np.ones(self.d)

    # -- scoring ------------------------------------------------------------------------------

    def _deviation(self, j, value, stats):
        if not math.isfinite(value) or stats[COUNT, j] == 0:
            return None
        if self.kinds[j] % 2 == 1:
            return value
        apart = value - stats[CENTRE, j]
        if stats[SPREAD, j] > 0:
            return self._far(apart / (sensor_figures.TO_DEVIATION * stats[SPREAD, j]))
        return math.copysign(sensor_figures.UNMOVED, apart) if apart else 0.0

    def _far(self, z):
        return held(z, sensor_figures.FAR + (abs(z) >= sensor_figures.ABSURD))

    def _rarity_of_run(self, slot, run):
        if run == 0:
            return 0.0
        rate = stays = (slot.equal * self.accepted + 1) / (self.accepted + 2)
        if slot.equal >= evidence.SELDOM:
            continued, repeats = (slot.equal - slot.begun) * self.accepted, slot.equal * self.accepted
            stays = max(rate, (continued + rate) / (repeats + 1))
        return -math.log(rate) - (run - 1) * math.log(stays)

    def _statistics(self, slot, value):
        q, z = slot.now["q"], slot.now["z"]
        distance = slot.step if slot.before is None else abs(z - slot.before)
        level = 0.9 * slot.level + 0.1 * held(q, 4.0)
        energy = 0.9 * slot.energy + 0.1 * min(q * q, sensor_figures.MOST_ENERGY)
        moved = 0.9 * slot.moved + 0.1 * min(distance / slot.step, sensor_figures.MOST_MOVE)
        run = slot.run + 1 if value == slot.last else 0
        values = dict.fromkeys(range(N_STATISTICS), 0.0)
        values[NOW], values[LEVEL], values[ENERGY] = abs(q), abs(level) / math.sqrt(slot.level2), energy
        values[MOVE] = abs(math.log(moved + 0.02) - slot.move_mean) / math.sqrt(slot.move2)
        values[RUN] = self._rarity_of_run(slot, run)
        slot.now |= {"level": level, "energy": energy, "moved": moved, "distance": distance, "values": values}

    def _read(self, row, stats, network):
        z = [self._deviation(j, value, stats) for j, value in enumerate(row)]
        cells = np.array(
            [0.0 if v is None else (v - m) * s for v, m, s in zip(z, self.mean, self.scale, strict=True)]
        )
        linear = cells @ self.inverse / np.diag(self.inverse)
        predicted = leave_one_out(
            *network, [0.0 if v is None else held(v, sensor_figures.SEEN_REACH) for v in z]
        )
        for j, slot in enumerate(self.slots):
            known = z[j] is not None and self.kinds[j] % 2 == 0 and stats[COUNT, j] >= HEAD
            share = min(1.0, max(0.0, slot.proved / max(slot.squared, 1e-9)))
            residual = linear[j] - share * math.sqrt(slot.linear2) * predicted[j]
            slot.now = {
                "z": z[j],
                "present": known,
                "linear": linear[j],
                "predicted": predicted[j],
                "residual": residual,
                "target": held(linear[j] / math.sqrt(slot.linear2), sensor_figures.SEEN_REACH),
                "q": residual / math.sqrt(slot.residual2),
            }
            if known:
                self._statistics(slot, row[j])

    def _agreement(self):
        told = [
            slot.now["z"] * (slot.now["z"] - slot.now["linear"] / scale)
            for slot, kind, scale in zip(self.slots, self.kinds, self.scale, strict=True)
            if kind == witness.CLOCK_SLOT and slot.now["z"] is not None
        ]
        if not told:
            return None
        return self.agree + 0.05 * (held(sum(told) / len(told), 3.0) - self.agree)

    def score(self, row, surprise, stats, network):
        """Raw score of a row (d,) whose mean surprise is given."""
        self._read(row, stats, network)
        present = [j for j, slot in enumerate(self.slots) if slot.now["present"]]
        moving = [j for j in present if self.slots[j].equal <= 0.5]
        value = dict.fromkeys(range(N_PARTS), 0.0)
        for j in moving:
            for k in range(N_STATISTICS if self.kinds[j] == 0 else NOW + 1):
                said = self.slots[j].now["values"][k]
                nats = (
                    evidence.run_nats(said, self.tails, j)
                    if k == RUN
                    else evidence.tail_nats(said, self.tails, k, j)
                )
                value[k] = max(value[k], nats)
        squares = sum(min(self.slots[j].now["q"] ** 2, 25.0) for j in present)
        value[SUM] = math.log(squares / max(len(present), 1) + 0.05) + 3.0
        self.agreed = self._agreement()
        if self.agreed is not None:
            value[CLOCK] = (self.agree_mean - self.agreed) / math.sqrt(self.agree2)
        tells = sum(slot.covariance for slot in self.slots) / (sum(slot.power for slot in self.slots) + 1e-9)
        order = min(1.0, max(0.0, (tells - 0.03) / 0.07))
        listened = min(1.0, max(0.0, (len(moving) / max(len(present), 1) - 0.1) / 0.2))
        self.value, self.surprise, best, self.biggest = value, surprise, LN2, 0.0
        for k in range(N_PARTS):
            nats = evidence.part_nats(value[k], self.calibration, k, len(moving))
            if k != CLOCK:
                self.biggest = max(self.biggest, nats)
            if k != SUM:
                best = max(best, evidence.weighed(nats, k, float(self.accepted), order, listened))
        joined = evidence.to_surprise(best, self.calibration)
        calmed = math.log(surprise + 0.5) - evidence.calm(self.calibration) * order * listened
        return max(0.0, math.exp(evidence.soft_sum(calmed, joined)) - 0.5)

    # -- learning -----------------------------------------------------------------------------

    def learn(self, row):
        """Learn the row scored last."""
        if all(abs(slot.now["z"]) <= sensor_figures.FAR for slot in self.slots if slot.now["present"]):
            self._learn_what_is_not_absurd(row)
        self.rows += 1
        if self.made:
            self.made[0] -= 1
            if not self.made[0]:
                _, self.inverse, self.mean, self.scale = self.made
                self.made = None

    def _learn_what_is_not_absurd(self, row):
        n, width = self.accepted, self.width
        refused = n > witness.OPEN_ROWS and self.biggest > witness_learning._GATE * width * (1 + 300 / n)
        self.width = max(1.0, width * math.exp(witness_learning._WIDEN * (refused - witness_learning._SHARE)))
        if not refused:
            assert width <= witness_learning._GIVEN_WAY, "this oracle knows no fast rate"
            self._accept(row, n)
        if self.agreed is not None:
            self.agree = self.agreed
        self._keep(row)

    def _accept(self, row, n):
        for j, slot in enumerate(self.slots):
            if slot.now["present"]:
                self._learn_sensor(j, slot, row[j], n)
        if self.agreed is not None:
            often, apart = max(SLOWEST, 3 / (n + 90)), self.agreed - self.agree_mean
            self.agree_mean += often * apart
            self.agree2 = max(1e-6, self.agree2 + often * (min(apart**2, 16 * self.agree2) - self.agree2))
        for k in (NOW, LEVEL, ENERGY, MOVE, SUM) if n > witness_learning._CALIBRATED_FROM else ():
            evidence.calibrate(self.value[k], self.calibration, k, float(n))
        evidence.calibrate(math.log(self.surprise + 0.5), self.calibration, evidence.SURPRISE, float(n))
        self.accepted += 1
        deviations = [slot.now["z"] for slot in self.slots]
        self.cells.append([0.0 if z is None else held(z, sensor_figures.LEARNED_REACH) for z in deviations])
        if not self.made and self.accepted >= self.due:
            n = self.accepted
            self.due = 1.5 * n if n < 400 else n + max(50, n / 20)
            table = np.array(self.cells)
            deviation = np.sqrt(np.maximum(table.var(axis=0), conditional._LEAST_VARIANCE))
            z = (table - table.mean(axis=0)) / deviation
            matrix = z.T @ z / n
            ridge = conditional._RIDGE + conditional._RIDGE_ROWS * self.d / n
            np.fill_diagonal(matrix, 1 + ridge)
            self.made = [self.d, np.linalg.inv(matrix), table.mean(axis=0), 1 / deviation]

    def _learn_sensor(self, j, slot, value, n):
        now = slot.now
        slow, quick = max(1 / (n + 30), SLOWEST), max(1 / (n + 10), 2 * SLOWEST)
        proof, most = max(1 / (n + 10), sensor_figures.PROVED_RATE), 16 if n > 200 else 100
        slot.proved += proof * (now["target"] * now["predicted"] - slot.proved)
        slot.squared += proof * (now["predicted"] ** 2 - slot.squared)
        slot.linear2 += quick * (min(now["linear"] ** 2, most * slot.linear2) - slot.linear2)
        slot.residual2 += quick * (min(now["residual"] ** 2, most * slot.residual2) - slot.residual2)
        slot.linear2 = max(slot.linear2, sensor_figures.LEAST_VARIANCE)
        slot.residual2 = max(slot.residual2, sensor_figures.LEAST_VARIANCE)
        slot.level2 += slow * (min(now["level"] ** 2, 16 * slot.level2) - slot.level2)
        slot.step = max(1e-3, slot.step + slow * (min(now["distance"], 5 * slot.step + 0.01) - slot.step))
        apart = math.log(now["moved"] + 0.02) - slot.move_mean
        slot.move_mean += slow * apart
        slot.move2 = max(1e-4, slot.move2 + slow * (min(apart**2, 16 * slot.move2) - slot.move2))
        equal = value == slot.last
        if not equal and slot.run > 0:
            evidence.follow_run(self._rarity_of_run(slot, slot.run), self.tails, j)
        often = max(1 / (n + 1), SLOWEST)
        slot.begun += often * ((equal and slot.run == 0) - slot.begun)
        slot.equal += often * (equal - slot.equal)
        rate = max(SLOWEST, 3 / ((n + 100) * (1 + (n / 3000) ** 2)))
        for k in range(RUN) if n > 60 else ():
            evidence.follow_tail(now["values"][k], self.tails, k, j, rate)

    def _keep(self, row):
        rate = max(1 / (self.rows + 1), 1e-3)
        for j, slot in enumerate(self.slots):
            z = slot.now["z"]
            if z is None:
                continue
            if slot.now["present"]:
                slot.level, slot.energy, slot.moved = (
                    slot.now[name] for name in ("level", "energy", "moved")
                )
                if slot.before is not None and row[j] != slot.last:
                    now, then = (held((v - self.mean[j]) * self.scale[j], 4.0) for v in (z, slot.before))
                    slot.covariance += rate * (now * then - slot.covariance)
                    slot.power += rate * (now * now - slot.power)
            slot.run = slot.run + 1 if row[j] == slot.last else 0
            slot.last, slot.before = row[j], held(z, 8.0)
