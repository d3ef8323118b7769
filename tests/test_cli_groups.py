"""``iotae stream --group``: many devices in one file."""

import numpy as np
import pytest

from iotae import OnlineAutoencoder
from iotae.cli import main
from iotae.fleet import Fleet
from iotae.io import read_table
from iotae.runner.figures import StreamFigures


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    lines = []
    for i in range(300):
        at = f"2026-01-01T{i // 60:02d}:{i % 60:02d}:00"
        for name, scale in (("007", 1.0), ("7", 100.0), ("", 1.0)):
            if (name == "7" and i > 150) or (not name and i % 10):
                continue
            load = rng.normal()
            lines.append(f"{at},{name},{scale * (5 + load):.4f},{scale * (3 - load):.4f}")
    lines[-1] = f"{at},007,500.0,300.0"
    return lines


@pytest.fixture
def file(rows, tmp_path):
    path = tmp_path / "fleet.csv"
    path.write_text("\n".join(["at,device_id,power,flow", *rows]) + "\n")
    return path


@pytest.mark.parametrize("mode", ["separate", "shared"])
def test_devices_are_judged_apart_and_told_of(file, tmp_path, capsys, mode):
    out = tmp_path / "scored.csv"
    words = ["stream", str(file), "--group", "device_id", "--group-mode", mode, "--explain", "-o", str(out)]
    assert main(words) == 0
    said = capsys.readouterr().err
    scored = read_table(out)
    alarms = scored.array("alarm").astype(float)
    cuts = scored.array("threshold").astype(float)
    assert len(set(cuts[~np.isnan(cuts)])) == 1
    # no device may raise an alarm in its first rows
    assert np.isnan(cuts[:100]).all()
    # the last row has the readings of the other device
    assert alarms[-1] == 1.0
    assert "power" in str(scored.array("reason")[-1]) or "flow" in str(scored.array("reason")[-1])
    assert "3 devices; most alarms: 007" in said
    assert "without a device_id, taken for one more device: 30 rows" in said
    assert "gap: 7 has been silent for 8,940 s" in said


def test_a_saved_fleet_goes_on_bit_for_bit(file, rows, tmp_path, capsys):
    whole, first, second = (tmp_path / name for name in ("whole.csv", "first.csv", "second.csv"))
    model = str(tmp_path / "fleet.iotae")
    head = "at,device_id,power,flow"
    first.write_text("\n".join([head, *rows[:300]]) + "\n")
    second.write_text("\n".join([head, *rows[300:]]) + "\n")
    group = ["--group", "device_id"]
    assert main(["stream", str(file), *group, "-o", str(whole)]) == 0
    assert main(["stream", str(first), *group, "--save", model, "-o", str(tmp_path / "a.csv")]) == 0
    assert main(["stream", str(second), *group, "--model", model, "-o", str(tmp_path / "b.csv")]) == 0
    assert "going on with a fleet of 3 devices and 300 rows" in capsys.readouterr().err
    parts = (tmp_path / "a.csv").read_text().splitlines() + (tmp_path / "b.csv").read_text().splitlines()[1:]
    assert whole.read_text().splitlines() == parts
    assert main(["info", model]) == 0
    told = capsys.readouterr().out
    assert "3 devices" in told
    assert "device_id" in told


def test_wrong_words_are_named(file, tmp_path, capsys):
    out, model = ["-o", str(tmp_path / "out.csv")], str(tmp_path / "m.iotae")

    def fails(*words):
        assert main(["stream", str(file), *words, *out]) == 1
        return capsys.readouterr().err

    assert "Got no column 'unit' for --group" in fails("--group", "unit")
    assert "a column has one use" in fails("--group", "at", "--drop", "at")
    assert "Got --group-mode without --group" in fails("--group-mode", "shared")
    assert main(["stream", str(file), "--group", "device_id", "--save", model, *out]) == 0
    capsys.readouterr()
    assert "was made with --group device_id" in fails("--model", model, "--group", "power")
    assert "use iotae stream --model with --group" in fails("--model", model)
    assert "Got --model with --group-mode" in fails(
        "--model", model, "--group", "device_id", "--group-mode", "shared"
    )


def test_a_budget_is_kept_by_the_time_of_the_rows(file, tmp_path, capsys):
    out, words = str(tmp_path / "out.csv"), ["stream", str(file), "--group", "device_id", "--alpha", "0.1"]
    assert main([*words, "-o", out]) == 0
    without = read_table(out).array("alarm").astype(float).sum()
    capsys.readouterr()
    kept = ["--budget-per-day", "20", "--explain", "-o", out]
    assert main([*words, *kept, "--save", str(tmp_path / "m.iotae")]) == 0
    scored = read_table(out)
    alarms, cuts = scored.array("alarm").astype(float), scored.array("threshold").astype(float)
    assert 1 <= alarms.sum() < without
    assert (scored.array("score").astype(float)[alarms > 0] > cuts[alarms > 0]).all()
    assert [bool(reason) for reason in scored.array("reason")] == (alarms > 0).tolist()
    assert "above the cut, but no alarm because of the budget: " in capsys.readouterr().err
    # a saved fleet keeps its budget, spent as it is
    assert main([*words[:4], "--model", str(tmp_path / "m.iotae"), "-o", out]) == 0
    assert "because of the budget" in capsys.readouterr().err
    for more, said in (
        (["--group", "device_id", "--drop", "at"], "no column tells the time"),
        ([], "Got --budget-per-day without --group"),
    ):
        assert main(["stream", str(file), *more, "--budget-per-day", "2", "-o", out]) == 1
        assert said in capsys.readouterr().err


@pytest.mark.parametrize("mode", ["separate", "shared"])
@pytest.mark.parametrize(
    ("scales", "levels", "said"),
    [
        ((1.0, 1.05, 0.95), (50.0, 50.3, 49.7), "look alike"),
        ((1.0, 20.0, 0.1), (50.0, 900.0, 3.0), "look unlike"),
        ((1.0, 1.6, 0.7), (50.0, 51.5, 48.7), None),
        ((1.0, 20.0), (50.0, 900.0), None),
    ],
)
def test_a_hint_says_which_mode_is_for_such_devices(tmp_path, capsys, mode, scales, levels, said):
    rng = np.random.default_rng(3)
    lines = ["unit,power,flow"]
    for load in rng.normal(size=310):
        for k, (scale, level) in enumerate(zip(scales, levels, strict=True)):
            noise = 0.2 * rng.normal(size=2)
            lines.append(f"u{k},{level + scale * (load + noise[0])},{level - scale * (load + noise[1])}")
    (tmp_path / "fleet.csv").write_text("\n".join(lines) + "\n")
    words = ["--group", "unit", "--group-mode", mode, "-o", str(tmp_path / "out.csv")]
    assert main(["stream", str(tmp_path / "fleet.csv"), *words]) == 0
    hints = [line for line in capsys.readouterr().err.splitlines() if "hint: " in line]
    assert len(hints) == (said is not None)
    if said is not None:
        assert f"hint: 3 devices {said}" in hints[0]
        favoured = {"look unlike": "separate is for such", "look alike": "where memory is short"}[said]
        assert favoured in hints[0] or "separate, as now, is for such" in hints[0]


@pytest.mark.parametrize("mode", ["separate", "shared"])
def test_what_no_device_could_use_is_told_as_without_devices(rows, tmp_path, capsys, mode):
    spoiled = [
        line.replace(line.split(",")[2], "err") if i % 50 == 49 else line for i, line in enumerate(rows)
    ]
    n = sum("err" in line for line in spoiled)
    half = len(spoiled) // 2
    file, out = tmp_path / "spoiled.csv", str(tmp_path / "scored.csv")
    words = ["stream", str(file), "--group", "device_id", "--group-mode", mode, "-o", out]
    told = f"not learned: 1 row without a usable cell; not used: {n} cells"
    for some in (spoiled[:half], [*spoiled, ",007,,"]):
        file.write_text("\n".join(["at,device_id,power,flow", *some]) + "\n")
        assert main([*words, "--checkpoint", str(tmp_path / "state")]) == 0
    assert told in capsys.readouterr().err
    assert main(words) == 0
    assert told in capsys.readouterr().err


def test_the_metrics_of_a_fleet_count_what_it_could_not_use():
    fleet = Fleet(OnlineAutoencoder(seed=0), key="device")
    for watts in [1.0, 2.0, 3.0] * 20 + ["err", None]:
        fleet.learn_one({"device": "pump", "watts": watts})
    told = StreamFigures(fleet, {}).now()
    assert (told.rows_set_aside, told.cells_set_aside) == (2, 1)
