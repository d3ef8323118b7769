"""Files that earlier versions saved: they load and give the scores that they gave then, or say why not.

``tests/fixtures/format_1`` was written by version 0.1, before the modules moved into folders;
``tests/fixtures/four_views`` before the score of tables was put on a scale of distance.
"""

import json

import numpy as np
import pytest

from iotae import OnlineAutoencoder, serialization
from iotae.stream.sensor_figures import BEGUN, EQUAL
from tests.conftest import ROOT

FOLDER = ROOT / "tests" / "fixtures" / "format_1"
LATER = ROOT / "tests" / "fixtures" / "four_views"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
TABLE = {"power": [52.0, 52.0], "latency": [21.5, 2.0], "mode": ["max", "eco"]}
MATRIX = [[52.0, 21.5], [52.0, 2.0], [np.nan, 20.0]]
OF_STREAMS = ("OnlineAutoencoder", "river_iotae.IoTAE")


def scores_of(kind, folder=FOLDER):
    path = folder / f"{kind}.iotae"
    if kind == "TableDetector":
        from iotae.data import Table
        from iotae.pipeline import TableDetector

        return TableDetector.load(path).score(Table(TABLE))
    from pyod_iotae import IoTAE

    return IoTAE.load(path).decision_function(MATRIX)


@pytest.mark.parametrize("kind", sorted(set(EXPECTED) - {"rows", *OF_STREAMS}))
def test_a_file_saved_before_loads_and_gives_the_scores_it_gave(kind):
    # the last digits may depend on the processor that fitted or scores
    np.testing.assert_allclose(scores_of(kind), EXPECTED[kind], rtol=1e-3)


@pytest.mark.parametrize("kind", ["TableDetector", "pyod_iotae.IoTAE"])
def test_a_table_saved_before_scores_told_a_distance_scores_as_it_did(kind):
    expected = json.loads((LATER / "expected.json").read_text())[kind]
    np.testing.assert_allclose(scores_of(kind, LATER), expected, rtol=1e-3)


def load_core(path):
    return OnlineAutoencoder.from_state(serialization.read(path, "OnlineAutoencoder")[1])


def load_restored(path):
    return serialization.restore(path, "OnlineAutoencoder", OnlineAutoencoder.from_state)


def load_river(path):
    from river_iotae import IoTAE

    return IoTAE.load(path)


@pytest.mark.parametrize(
    ("kind", "load"),
    [
        ("OnlineAutoencoder", load_core),
        ("OnlineAutoencoder", load_restored),
        ("river_iotae.IoTAE", load_river),
    ],
)
def test_a_stream_saved_by_version_01_is_refused_in_one_clear_sentence(kind, load):
    path = FOLDER / f"{kind}.iotae"
    with pytest.raises(serialization.StateError, match=r"saved by iotae 0\.1, .* learn anew") as caught:
        load(path)
    said = str(caught.value)
    assert "StateError" not in said
    assert "KeyError" not in said
    assert load is load_core or said.startswith(f"{path}: saved by")


def test_a_stream_of_version_020_goes_on_though_it_did_not_count_how_often_runs_begin(rng):
    model = OnlineAutoencoder(seed=0)
    rows = [
        {"coarse": float(a), "fine": b}
        for a, b in zip(rng.integers(4, size=300), rng.random(300), strict=True)
    ]
    for x in rows:
        model.learn_one(x)
    state = model.to_state()
    old = state | {"stream": state["stream"] | {"sensors": state["stream"]["sensors"][:BEGUN]}}
    again = OnlineAutoencoder.from_state(old)
    equal, begun = again.to_state()["stream"]["sensors"][[EQUAL, BEGUN]]
    np.testing.assert_allclose(begun, equal * (1.0 - equal))
    assert again.score_one(rows[0]) == pytest.approx(model.score_one(rows[0]), rel=0.05)


def test_there_is_a_file_of_each_kind():
    assert {path.stem for path in FOLDER.glob("*.iotae")} == set(EXPECTED) - {"rows"}
