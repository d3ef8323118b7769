"""``QualityFilter`` in a River pipeline: what goes on, what is set aside, and that transforming is pure."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest

from iotae import serialization
from iotae.quality import ColumnRule, Rules
from river_iotae import IoTAE, QualityFilter


def rows(n=400, seed=0):
    rng = np.random.default_rng(seed)
    return [{"celsius": 20 + rng.normal(), "watts": 5 + rng.normal() ** 2} for _ in range(n)]


def learned(model, n=400):
    for x in rows(n):
        model.learn_one(x)
    return model


def test_rows_that_cannot_be_true_teach_the_model_nothing():
    model = learned(QualityFilter() | IoTAE(seed=0))
    packets, detector = model["QualityFilter"], model["IoTAE"]
    seen = detector.n_seen
    for odd in ({"celsius": -999.0, "watts": 5.0}, {"celsius": 20.0, "watts": float("inf")}):
        model.learn_one(odd)
    assert detector.n_seen == seen
    assert detector.n_rejected == 2
    assert [verdict.text for _, verdict in packets.quarantine] == ["celsius sentinel", "watts impossible"]
    assert packets.n_rows == 402 == detector.n_seen + packets.n_aside
    model.learn_one({"celsius": 20.0, "watts": 5.0})
    assert detector.n_seen == seen + 1


def test_doubtful_rows_go_on_whole_with_their_flag():
    packets = learned(QualityFilter(flag="quality"))
    odd = {"celsius": 120.0, "watts": 5.0}
    assert packets.transform_one(odd) == {**odd, "quality": 2.0}
    assert learned(QualityFilter()).transform_one(odd) is odd
    assert learned(QualityFilter(aside=["jump"])).transform_one(odd) == {}


def test_a_row_that_was_learned_is_no_double_of_itself_but_the_next_is():
    packets = QualityFilter()
    for x in rows(3000):
        packets.learn_one({**x, "more": x["celsius"] * 2})
    x = {"celsius": 20.25, "watts": 5.5, "more": 40.5}
    packets.learn_one(x)
    assert packets.transform_one(x) is x
    assert packets.check_one(dict(x)).text == "duplicate"
    packets.learn_one(dict(x))
    assert packets.quarantine[-1][1].text == "duplicate"


def test_transforming_is_pure_and_copies_are_deep():
    packets = learned(QualityFilter())
    before = serialization.dumps("filter", packets.to_state())
    for x in [*rows(20, 1), {}, {"new": 1.0}, {"celsius": "ERR", "watts": None}]:
        packets.transform_one(x)
    for twin in (copy.copy(packets), copy.deepcopy(packets), pickle.loads(pickle.dumps(packets))):
        learned(twin, 50)
    assert serialization.dumps("filter", packets.to_state()) == before


def test_a_frame_is_filtered_as_its_rows_are(tmp_path):
    by_row, by_frame = QualityFilter(), QualityFilter()
    frame = pd.DataFrame(rows(500))
    frame.loc[[300, 400], "celsius"] = [85.0, -127.0]
    for x in frame.to_dict("records"):
        by_row.learn_one(x)
    checked = by_frame.filter_many(frame)
    assert checked.aside.sum() == by_row.n_aside == 2
    assert by_row.quarantine == by_frame.quarantine
    assert serialization.dumps("f", by_row.to_state()) == serialization.dumps("f", by_frame.to_state())


def test_saved_filters_go_on(tmp_path):
    packets = learned(
        QualityFilter(rules=Rules({"watts": ColumnRule(least=0.0)}), flag="q", quarantine_size=3)
    )
    packets.save(tmp_path / "q.iotae")
    again = QualityFilter.load(tmp_path / "q.iotae")
    assert again._get_params() == packets._get_params()
    for one in (packets, again):
        learned(one, 50)
    assert serialization.dumps("f", again.to_state()) == serialization.dumps("f", packets.to_state())
    with pytest.raises(serialization.StateError):
        QualityFilter.from_state({**packets.to_state(), "quarantine_size": -1})


def test_the_quarantine_is_bounded():
    packets = learned(QualityFilter(quarantine_size=3))
    for i in range(10):
        packets.learn_one({"celsius": float("inf"), "watts": float(i)})
    assert [x["watts"] for x, _ in packets.quarantine] == [7.0, 8.0, 9.0]
    assert packets.n_aside == 10
    with pytest.raises(ValueError, match="quarantine_size"):
        QualityFilter(quarantine_size=-1)
