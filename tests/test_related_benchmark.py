"""The page on related systems: classes, figures by hand, and that every system makes a line of each split."""

import gzip

import numpy as np
import pytest

from benchmarks import nslkdd, related, related_systems
from benchmarks.related_systems import SYSTEMS, folded


def test_each_attack_has_one_class():
    names = [name for names in related.CLASSES.values() for name in names.split()]
    assert len(names) == len(set(names)) == 39
    assert related.class_of(np.array(["normal", "neptune", "perl"])).tolist() == ["normal", "DoS", "U2R"]
    with pytest.raises(ValueError, match=r"Got the attacks \['slowloris'\]"):
        related.class_of(np.array(["slowloris"]))


def test_the_figures_are_those_by_hand():
    attacks = np.array(["normal", "normal", "neptune", "smurf", "satan", "mscan"])
    said = np.array(["normal", "DoS", "DoS", "normal", "DoS", "Probe"])
    found = related.figures(said, attacks, {"normal", "neptune", "smurf", "satan"}, True)
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["F1"] == pytest.approx(2 * 3 / (2 * 3 + 1 + 1))
    assert found["classes"] == pytest.approx(3 / 6)
    assert (found["DoS"], found["Probe"], found["unseen"], found["false alarms"]) == (0.5, 1.0, 1.0, 0.5)
    assert np.isnan(found["R2L"])
    assert np.isnan(related.figures(said, attacks, set(), False)["classes"])


def test_a_row_is_folded_without_a_loss():
    X = np.arange(20.0).reshape(2, 10)
    steps = folded(X)
    assert steps.shape == (2, 8, 2)
    np.testing.assert_array_equal(steps.reshape(2, -1)[:, :10], X)


def test_every_system_has_a_line_in_both_splits_and_a_second_run_reads_them(tmp_path, monkeypatch):
    monkeypatch.setenv("IOTAE_DATA", str(tmp_path))
    monkeypatch.setattr(related, "FOLDER", tmp_path / "out")
    monkeypatch.setattr(related_systems, "UPDATES", 60)
    (tmp_path / "raw").mkdir()
    rng = np.random.default_rng(0)
    for name, attacks in ((nslkdd.TRAIN, ["normal", "neptune"]), (nslkdd.TEST, ["normal", "mscan"])):
        with gzip.open(tmp_path / "raw" / name, "wt") as file:
            file.write("duration,protocol_type,src_bytes,attack,difficulty\n")
            for label, a, b in zip(np.repeat(attacks, [300, 60]), *rng.random((2, 360)), strict=True):
                shift = 9 * (label != "normal")
                file.write(f"{a + shift},{'udp' if shift else 'tcp'},{b + shift},{label},{20 - shift}\n")
    # the command is run by the test of nslkdd; here it would cost four processes
    monkeypatch.setattr(related, "_ours", lambda split, seed: np.full(len(split.test), "normal"))
    sections = related.compare()
    assert related.compare() == sections
    tables = [section for section in sections if section.startswith("| system")]
    assert len(tables) == 2
    for table in tables:
        lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
        assert [len(line) for line in lines] == [len(related.HEADER)] * (len(SYSTEMS) + 3)
        assert [line[1] for line in lines[3:]] == ["1.000"] * len(SYSTEMS)
    unseen = related.HEADER.index("unseen")
    assert all(line.split("|")[unseen + 1].strip() == "-" for line in tables[0].splitlines()[2:])
    assert sum(line.split("|")[unseen + 1].strip() == "1.000" for line in tables[1].splitlines()) == len(
        SYSTEMS
    )
