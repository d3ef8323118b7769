"""Files that earlier versions saved: they load, and give the scores that they gave then.

``tests/fixtures/format_1`` was written by version 0.1, before the modules moved into folders.
"""

import json

import numpy as np
import pytest

from tests.conftest import ROOT

FOLDER = ROOT / "tests" / "fixtures" / "format_1"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
TABLE = {"power": [52.0, 52.0], "latency": [21.5, 2.0], "mode": ["max", "eco"]}
MATRIX = [[52.0, 21.5], [52.0, 2.0], [np.nan, 20.0]]


def scores_of(kind):
    path = FOLDER / f"{kind}.iotae"
    if kind == "TableDetector":
        from iotae.data import Table
        from iotae.pipeline import TableDetector

        return TableDetector.load(path).score(Table(TABLE))
    if kind == "pyod_iotae.IoTAE":
        from pyod_iotae import IoTAE

        return IoTAE.load(path).decision_function(MATRIX)
    if kind == "river_iotae.IoTAE":
        from river_iotae import IoTAE

        model = IoTAE.load(path)
    else:
        from iotae import OnlineAutoencoder, serialization

        model = OnlineAutoencoder.from_state(serialization.read(path, kind)[1])
    return np.array([model.score_one(x) for x in EXPECTED["rows"]])


@pytest.mark.parametrize("kind", sorted(set(EXPECTED) - {"rows"}))
def test_a_file_saved_before_loads_and_gives_the_scores_it_gave(kind):
    # the last digits may depend on the processor that fitted or scores
    np.testing.assert_allclose(scores_of(kind), EXPECTED[kind], rtol=1e-3)


def test_there_is_a_file_of_each_kind():
    assert {path.stem for path in FOLDER.glob("*.iotae")} == set(EXPECTED) - {"rows"}
