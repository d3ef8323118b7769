"""``iotae export``: which files it takes, what it says, and what a whole program makes of it."""

import re
import subprocess
import sys

import numpy as np
import pytest

from iotae import BatchAutoencoder, OnlineAutoencoder, serialization
from iotae.cli import main
from iotae.export import to_c
from iotae.thresholds import QuantileThreshold
from tests.conftest import ROOT
from tests.export_c import GCC, needs_gcc
from tests.test_export_c import dicts, sensors


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("models")
    rows = sensors(300, 3)
    header = "s0,s1,s2\n"
    (place / "rows.csv").write_text(
        header + "".join(f"{a},{b},{c}\n" for a, b, c in np.nan_to_num(rows, nan=50))
    )
    argv = ["stream", str(place / "rows.csv"), "-o", str(place / "scored.csv")]
    assert main([*argv, "--save", str(place / "stream.iotae")]) == 0
    assert main(["fit", str(place / "rows.csv"), "-o", str(place / "table.iotae")]) == 0
    return place


def export(capsys, *argv):
    capsys.readouterr()
    code = main(["export", *map(str, argv)])
    return code, capsys.readouterr().err


def test_a_header_of_a_stream_and_its_size(folder, capsys):
    code, said = export(capsys, folder / "stream.iotae", "--format", "c", "--name", "m", "-o", folder / "m.h")
    assert code == 0
    model = serialization.restore(folder / "stream.iotae", "OnlineAutoencoder", OnlineAutoencoder.from_state)
    assert (folder / "m.h").read_text() == to_c(model, "m")
    if GCC:
        flash, state, stack = (int(n.replace(",", "")) for n in re.findall(r"([\d,]+) bytes", said))
        assert 4_000 < flash < 20_000
        assert state == 3 * (6 * 4 + 8) + 8
        assert 0 < stack < 2_000
        small = export(
            capsys, folder / "stream.iotae", "--format", "c", "--weights", "int8", "-o", folder / "small.h"
        )[1]
        assert int(re.search(r"([\d,]+) bytes", small)[1].replace(",", "")) < flash


def test_a_table_and_a_graph(folder, capsys):
    assert export(capsys, folder / "table.iotae", "--format", "c", "-o", folder / "t.h")[0] == 0
    pytest.importorskip("onnx")
    for name in ("table", "stream"):
        target = folder / f"{name}.onnx"
        code, said = export(capsys, folder / f"{name}.iotae", "--format", "onnx", "-o", target)
        assert (code, said) == (0, f"iotae: {target}: {target.stat().st_size:,} bytes\n")


def test_files_of_other_kinds_are_refused(folder, capsys, tmp_path):
    pytest.importorskip("river")
    from pyod_iotae import IoTAE as Pyod
    from river_iotae import ConformalFilter, IoTAE

    river = IoTAE(seed=0)
    for x in dicts(sensors(50, 3)):
        river.learn_one(x)
    river.save(tmp_path / "river.iotae")
    assert export(capsys, tmp_path / "river.iotae", "--format", "c", "-o", tmp_path / "r.h")[0] == 0
    filter_ = ConformalFilter(IoTAE(seed=0))
    filter_.learn_one({"a": 1.0})
    filter_.save(tmp_path / "filter.iotae")
    Pyod(random_state=0).fit(np.random.default_rng(0).normal(size=(60, 3))).save(tmp_path / "pyod.iotae")
    serialization.write(
        tmp_path / "cut.iotae", "cut", QuantileThreshold(contamination=0.1).fit([1, 2]).to_state()
    )
    serialization.write(tmp_path / "bare.iotae", "BatchAutoencoder", BatchAutoencoder(seed=0).to_state())
    for name, words in {
        "filter": "save the detector inside it",
        "pyod": "fit the same table with iotae fit",
        "cut": "export a model that iotae stream --save or iotae fit wrote",
        "bare": "holds the state of BatchAutoencoder, which cannot be exported",
    }.items():
        code, said = export(capsys, tmp_path / f"{name}.iotae", "--format", "c", "-o", tmp_path / "x.h")
        assert code == 1
        assert words in said
        assert said.startswith(f"iotae: error: {tmp_path / name}.iotae: holds")
    assert not (tmp_path / "x.h").exists()


def test_what_is_wrong_is_said_before_anything_is_written(folder, capsys, tmp_path):
    source = folder / "stream.iotae"
    for options, words in (
        (("-o", source), "as input and as output"),
        (("-o", tmp_path / "none" / "x.h"), "no folder"),
        (("-o", "-"), "expected a file name"),
        (("-o", tmp_path / "x.h", "--name", "Boiler 2"), "Got name='Boiler 2'"),
    ):
        code, said = export(capsys, source, "--format", "c", *options)
        assert code == 1
        assert words in said
    (tmp_path / "rows.csv").write_text("a,mode\n" + "".join(f"{i % 5},{'xy'[i % 2]}\n" for i in range(40)))
    argv = ["stream", str(tmp_path / "rows.csv"), "-o", str(tmp_path / "s.csv")]
    assert main([*argv, "--save", str(tmp_path / "texts.iotae")]) == 0
    code, said = export(capsys, tmp_path / "texts.iotae", "--format", "c", "-o", tmp_path / "x.h")
    assert code == 1
    assert "text features 'mode'" in said
    assert not (tmp_path / "x.h").exists()


@needs_gcc
def test_the_program_on_the_page_prints_what_the_page_shows(tmp_path):
    page = (ROOT / "docs" / "edge.md").read_text()
    python, c, shown = (
        re.search(rf"^```{what}\n(.*?)^```", page, re.M | re.S)[1] for what in ("python", "c", "text")
    )
    subprocess.run([sys.executable, "-c", python], cwd=tmp_path, check=True)
    (tmp_path / "main.c").write_text(c)
    flags = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-Os"]
    subprocess.run([GCC, *flags, "main.c", "-o", "main", "-lm"], cwd=tmp_path, check=True)
    done = subprocess.run([str(tmp_path / "main")], capture_output=True, text=True, check=True)
    assert done.stdout == shown
