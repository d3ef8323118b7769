"""The joined score against a slow one: whole histories, and matrices inverted whole."""

import datetime
import math

import numpy as np
import pytest

from iotae import OnlineAutoencoder
from iotae.nn.leave_one_out import n_rows_of_block
from iotae.stream.counters import ACCEPTED, WIDTH
from iotae.stream.witness import COUNTED, LISTENED, SCORE, SURPRISED
from tests.naive_witness import Witness

START = datetime.datetime(2026, 1, 5)
N = 330


def rows_of(case, rng):
    level = np.zeros(3)
    rows = []
    for i in range(N):
        level = 0.7 * level + rng.normal(size=3)
        a, b, c = (level @ [[1, 0.5, 0], [0, 1, 0.8], [0, 0, 0.3]]).tolist()
        x = {"a": a, "b": b, "c": c + abs(a)}
        if case == "gap" and i % 7 == 3:
            x["abc"[i % 3]] = None
        if case == "flag":
            x["c"] = float(rng.random() < 0.1)
        if case == "clock":
            time = START + datetime.timedelta(minutes=20 * i)
            x = {"a": a + 3 * math.sin(time.hour * math.pi / 12), "b": b, "time": time}
        if case == "coarse":
            x["b"] = 2.0 * round(b / 2.0)
        if case in ("stuck", "coarse") and 200 < i < 220:
            x["b"] = rows[-1]["b"]
        if i in (150, 200, 260):
            x["a"] = 1e5 if i == 150 else 25.0
        rows.append(x)
    return rows


@pytest.mark.parametrize("case", ["plain", "gap", "flag", "clock", "stuck", "coarse"])
def test_numba_every_raw_score_is_the_naive_witness(case, rng):
    rows = rows_of(case, rng)
    model = OnlineAutoencoder(seed=0)
    # slots are given with the first row learned: here before it, so that it can be followed too
    model._take_in(model._features.learn(rows[0], model._row).given)
    views = model._views
    told = Witness(views["kinds"][0].tolist())
    listened = 0.0
    for x in rows:
        score = model.score_one(x)
        said = views["evidence"]
        network = views["hidden"][: n_rows_of_block(told.d)].astype(float), views["biases"][0].astype(float)
        row = model._row.tolist()
        raw = told.score(row, float(said[SURPRISED]), views["stats"].copy(), network)
        assert said[SCORE] == pytest.approx(raw, rel=2e-5, abs=1e-6)
        assert score == pytest.approx(raw / (8 + raw), rel=2e-5)
        listened = max(listened, said[LISTENED])
        model.learn_one(x)
        told.learn(row)
        assert views["counts"][ACCEPTED] == told.accepted
        assert views["counts"][WIDTH] == pytest.approx(told.width)
    assert listened > 0.5
    assert told.accepted < N
    assert said[COUNTED] in (0.0, 1.0)
