"""One rule for which cell names a device, at every door; and names without end, which take no more room."""

from datetime import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest

import river_iotae
from iotae import OnlineAutoencoder
from iotae.batch.grouped import GroupedAutoencoder
from iotae.cli import main
from iotae.data import TableError
from iotae.data.device_keys import device_key
from iotae.fleet import Fleet
from iotae.io import read_table
from iotae.pipeline import TableDetector
from iotae.quality import PacketChecker
from pyod_iotae import IoTAE

CELLS = ["pump", " pump ", "NA", "", "  ", "7", None]
NAMED = {"pump": 2, "NA": 1, "7": 1, "": 3}
"""How many rows each device has of these cells, '' those that name none."""

MISSING = [
    None,
    float("nan"),
    np.float32("nan"),
    pd.NA,
    pd.NaT,
    np.datetime64("NaT"),
    np.ma.masked,
    "",
    " \t",
]


def rows(n_times=1, cells=CELLS):
    rng = np.random.default_rng(0)
    return [{"unit": cell, "a": rng.normal(), "b": rng.normal()} for _ in range(n_times) for cell in cells]


def csv(tmp_path, n_times=1):
    path = tmp_path / "rows.csv"
    lines = [f"{x['unit'] or ''},{x['a']},{x['b']}" for x in rows(n_times)]
    path.write_text("\n".join(["unit,a,b", *lines]) + "\n")
    return str(path)


def of_fleet(fleet):
    assert fleet.n_keyless == NAMED[""]
    return {"" if one.key is None else one.key: one.n_rows for one in fleet.devices()}


def of_checker(checker):
    assert checker.n_keyless == NAMED[""]
    return dict.fromkeys(checker._devices.names)


def river_fleet(_):
    fleet = river_iotae.Fleet(river_iotae.IoTAE(seed=0), key="unit")
    for x in rows():
        fleet.learn_one(x)
    return of_fleet(fleet)


def fleet_of_a_frame(_):
    fleet = Fleet(OnlineAutoencoder(seed=0), key="unit", mode="shared")
    fleet.learn_many(pl.DataFrame(rows()))
    return of_fleet(fleet)


def stream_command(tmp_path):
    model = str(tmp_path / "fleet.iotae")
    words = ["--group", "unit", "--save", model, "-o", str(tmp_path / "out.csv")]
    assert main(["stream", csv(tmp_path), *words]) == 0
    return of_fleet(Fleet.load(model))


def checker_row_by_row(_):
    checker = PacketChecker(device="unit")
    for x in rows():
        checker.learn_one(x)
    return of_checker(checker)


def checker_of_a_frame(_):
    checker = PacketChecker(device="unit")
    checker.learn_many(pd.DataFrame(rows()))
    return of_checker(checker)


def checker_of_a_file(tmp_path):
    checker = PacketChecker(device="unit")
    checker.learn_many(read_table(csv(tmp_path)))
    return of_checker(checker)


def quality_filter(_):
    step = river_iotae.QualityFilter(device="unit")
    for x in rows():
        step.learn_one(x)
    return of_checker(step._checker)


def pyod_groups(_):
    # a hundred rows make a group a model
    frame = pd.DataFrame(rows(100))
    model = IoTAE(groups="unit", epoch_num=1, random_state=0).fit(frame).model
    return {key: n // 100 for key, n in _rows_of(model).items()}


def fit_command(tmp_path):
    model = str(tmp_path / "table.iotae")
    assert main(["fit", csv(tmp_path, 100), "--group", "unit", "--epochs", "1", "-o", model]) == 0
    return dict.fromkeys(_rows_of(TableDetector.load(model)._model))


def _rows_of(model):
    assert isinstance(model, GroupedAutoencoder)
    return {key: 100 * NAMED.get(key, 0) for key in model.models}


DOORS = [
    *(river_fleet, fleet_of_a_frame, stream_command, checker_row_by_row, checker_of_a_frame),
    *(checker_of_a_file, quality_filter, pyod_groups, fit_command),
]


@pytest.mark.untraced
@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_every_door_has_the_same_rule(door, tmp_path):
    found = door(tmp_path)
    assert found.keys() == NAMED.keys()
    counts = {key: n for key, n in found.items() if n is not None}
    assert not counts or counts == NAMED


@pytest.mark.parametrize("cell", MISSING, ids=repr)
def test_every_kind_of_missing_is_one_more_device(cell):
    fleet, checker = Fleet(OnlineAutoencoder(seed=0), key="unit"), PacketChecker(device="unit")
    for x in ({"unit": cell, "a": 1.0}, {"a": 2.0}):
        fleet.learn_one(x)
        checker.learn_one(x)
    assert [one.key for one in fleet.devices()] == [None]
    assert checker._devices.names == [""]
    assert fleet.n_keyless == checker.n_keyless == 2
    assert device_key(cell) is None


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_a_frame_without_the_column_is_an_error_and_a_row_without_it_is_not(frame):
    table = frame({"a": [1.0, 2.0]})
    fleet, checker = Fleet(OnlineAutoencoder(seed=0), key="unit"), PacketChecker(device="unit")
    for learn in (fleet.learn_many, fleet.score_many, fleet.score_learn_many, checker.learn_many):
        with pytest.raises(TableError, match="Got no column 'unit', which names the device"):
            learn(table)
    with pytest.raises(ValueError, match="unit"):
        IoTAE(groups="unit").fit(table)
    assert fleet.n_devices == checker.n_rows == 0
    fleet.learn_many([{"a": 1.0}])
    assert fleet.n_keyless == 1


def test_a_document_in_the_place_of_a_name_costs_a_stream_no_row(tmp_path, capsys):
    path = tmp_path / "rows.csv"
    path.write_text("unit,a,b\n" + f"pump,1.0,2.0\n{'x' * 2000},1.0,2.0\n" * 3)
    assert main(["stream", str(path), "--group", "unit", "-o", str(tmp_path / "out.csv")]) == 0
    assert "taken for one more device: 3 rows" in capsys.readouterr().err
    words = ["-o", str(tmp_path / "valid.csv"), "--rejected", str(tmp_path / "rejected.csv")]
    assert main(["filter", str(path), "--group", "unit", *words]) == 0
    assert "taken for one more device: 3 rows" in capsys.readouterr().err


@pytest.mark.parametrize("mode", ["separate", "shared"])
def test_a_fleet_of_names_without_end_takes_the_room_of_the_most_it_may_know(mode, tmp_path):
    store = tmp_path / "store"
    template = OnlineAutoencoder(seed=0, hidden_sizes=(2,))
    fleet = Fleet(template, mode=mode, max_in_memory=5, max_devices=20, store=str(store), warm_start=True)
    for i in range(20):
        fleet.learn_one({"device": f"real {i % 4}", "a": float(i)})

    def flood(begin, n):
        for i in range(begin, begin + n):
            fleet.learn_one({"device": f"name {i}", "a": float(i)})
            if i % 4 == 0:
                fleet.learn_one({"device": f"real {i // 4 % 4}", "a": float(i)})

    flood(0, 120)
    size = store.stat().st_size
    flood(120, 280)
    assert store.stat().st_size <= size
    assert len(fleet._known) == 20
    assert len(list(fleet._residents.live())) == fleet.n_in_memory == 5
    assert len(fleet._residents.store) == 15
    assert fleet.n_devices == 20
    assert fleet.n_forgotten == 400 + 4 - 20
    lived = {one.key: one.n_rows for one in fleet.devices() if str(one.key).startswith("real")}
    assert lived == dict.fromkeys([f"real {i}" for i in range(4)], 30)
    assert sum(map(len, fleet._known.elders.values())) <= 20
    # a device that was forgotten begins anew, and the order in which devices came is kept
    fleet.learn_one({"device": "name 0", "a": 1.0})
    assert fleet.devices()[-1][:2] == ("name 0", 1)
    fleet.save(tmp_path / "fleet.iotae")
    again = Fleet.load(tmp_path / "fleet.iotae")
    assert again.devices() == fleet.devices()
    for one in (fleet, again):
        one.learn_one({"device": "new", "a": 1.0})
    assert again.devices() == fleet.devices()
    assert again.n_forgotten == fleet.n_forgotten


def test_a_checker_of_names_without_end_is_bounded_and_says_what_it_left_out():
    checker = PacketChecker(device="unit", max_devices=10, max_columns=8)
    at = datetime(2026, 1, 1)
    for i in range(300):
        checker.learn_one({"unit": f"u{i}", "at": at, "a": 1.0, f"c{i}": "3 °C", f"d{i}": "4 bar"})
    assert len(checker._devices) == 10
    assert checker.n_forgotten == 290
    assert len(checker.columns) == 8
    assert len(checker._units) <= 8
    # all but a and the first seven of the others
    assert checker.n_unchecked == 600 - 7
    again = PacketChecker.from_state(checker.to_state())
    assert (again.n_unchecked, again.n_keyless) == (checker.n_unchecked, 0)
    assert again._units == checker._units


def test_a_number_names_the_same_device_in_a_row_and_in_a_frame():
    frame = pd.DataFrame({"unit": [7.0, np.nan], "a": [1.0, 2.0]})
    checker = PacketChecker(device="unit")
    checker.learn_many(frame)
    checker.learn_one({"unit": 7, "a": 1.0})
    assert checker._devices.names == ["", "7"]
