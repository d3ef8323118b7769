"""The benchmark of fleets: its streams, and a quick run."""

import numpy as np
import pytest

from benchmarks import __main__, grouped_tables
from benchmarks.fleet_streams import in_turns, made_fleet

pytestmark = pytest.mark.untraced  # benchmarks are not measured


def test_devices_take_turns_and_half_of_them_begin_late():
    series = made_fleet(3, 10, seed=0)
    rows = list(in_turns(series, late=4))
    assert len(rows) == 30
    assert [row.device for row in rows[:4]] == [0, 1, 0, 1]
    late = [i for i, row in enumerate(rows) if row.device == 2]
    assert rows[late[0] - 1].place == 4
    for k, (X, y) in enumerate(series):
        mine = [row for row in rows if row.device == k]
        assert [row.y for row in mine] == y.tolist()
        assert np.array([list(row.x.values()) for row in mine]).tolist() == X.tolist()
    again = made_fleet(3, 10, seed=0)
    assert all((one[0] == other[0]).all() for one, other in zip(series, again, strict=True))


def test_a_quick_run_of_tables_has_all_ways(capsys):
    assert __main__.main(["groups", "--quick"]) == 0
    table = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if line[:1] == "|"]
    assert [row[1].strip() for row in table[2:]] == list(grouped_tables.CONTESTANTS)
    found = {row[1].strip(): float(row[3]) for row in table[2:]}
    assert found["`groups=`"] > 1.5 * max(found["one model"], found["device as a column"])


def test_rows_are_scaled_by_their_own_device():
    X = np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0], [100.0, np.nan], [300.0, 1.0], [200.0, 3.0]])
    scaled = grouped_tables.scaled_by_group(X, np.array(["a"] * 3 + ["b"] * 3, dtype=object))
    np.testing.assert_allclose(scaled[:3, 0], scaled[[3, 5, 4], 0])
    assert (scaled[:3, 1] == 0.0).all()


def test_a_quick_run_has_all_contestants_and_costs(capsys):
    assert __main__.main(["fleets", "--quick"]) == 0
    table = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if line[:1] == "|"]
    assert [row[1].strip() for row in table[2:7]] == [
        "pooled",
        "a model a device",
        "fleet, separate",
        "fleet, separate, cold",
        "fleet, shared",
    ]
    costs = [row for row in table if len(row) == 8 and row[0].strip() == "5"]
    assert len(costs) == 4
    assert all(int(row[6].replace(",", "")) > 1000 for row in costs)
