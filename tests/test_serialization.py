import os
import resource
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from iotae import serialization

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | hnp.arrays(
        st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_]), hnp.array_shapes(min_dims=0)
    )
)
keys = st.text(max_size=8) | st.sampled_from(["__array__", "___array__", "____array__", "x__array__"])
trees = st.dictionaries(
    keys,
    st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)
    ),
)


def same(a, b):
    if isinstance(a, np.ndarray):
        return (
            isinstance(b, np.ndarray)
            and a.dtype == b.dtype
            and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        )
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


@settings(max_examples=150)
@given(trees)
def test_any_state_comes_back_as_it_was(tree):
    blob = serialization.dumps("thing", tree)
    kind, back = serialization.loads(blob)
    assert kind == "thing"
    assert same(tree, back)
    assert serialization.dumps("thing", back) == blob


@settings(max_examples=150)
@given(st.binary(max_size=300), st.integers(0, 10_000), st.integers(0, 255))
def test_corrupt_bytes_are_refused_and_never_run(noise, place, byte):
    blob = bytearray(serialization.dumps("thing", {"a": np.arange(20), "b": {"c": [1, "x"]}}))
    for broken in (bytes(noise), bytes(blob[: place % len(blob)])):
        with pytest.raises(serialization.StateError):
            serialization.loads(broken)
    blob[place % len(blob)] = byte
    with suppress(serialization.StateError):
        # a byte of the alignment's padding may change without changing a thing
        assert same({"a": np.arange(20), "b": {"c": [1, "x"]}}, serialization.loads(bytes(blob))[1])


@pytest.mark.parametrize("bad", [{"f": print}, {"f": {1, 2}}, {1: 2}, {"o": object()}])
def test_what_needs_code_is_refused(bad):
    with pytest.raises(TypeError, match="Got"):
        serialization.dumps("thing", bad)


def test_foreign_later_and_other_files_say_what_they_are(tmp_path, monkeypatch):
    from safetensors.numpy import save_file

    save_file({"w": np.zeros(3)}, tmp_path / "foreign")
    with pytest.raises(serialization.StateError, match=r"foreign.*not one that iotae wrote"):
        serialization.read(tmp_path / "foreign")
    serialization.write(tmp_path / "model", "Apple", {})
    with pytest.raises(serialization.StateError, match="holds the state of Apple, but expected that of Pear"):
        serialization.read(tmp_path / "model", "Pear")
    monkeypatch.setattr(serialization, "FORMAT", 99)
    serialization.write(tmp_path / "later", "Apple", {})
    monkeypatch.undo()
    with pytest.raises(serialization.StateError, match="upgrade iotae"):
        serialization.read(tmp_path / "later")
    with pytest.raises(FileNotFoundError):
        serialization.read(tmp_path / "absent")


def test_a_full_disk_leaves_the_earlier_file(tmp_path):
    target = tmp_path / "model.iotae"
    serialization.write(target, "thing", {"a": np.arange(3)})
    # a file-size limit stands in for the full disk: the write fails half way
    code = (
        "import resource, signal, sys, numpy as np\n"
        "from iotae import serialization\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        f"serialization.write({str(target)!r}, 'thing', {{'a': np.zeros(100_000)}})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "OSError" in done.stderr
    assert serialization.read(target)[1]["a"].tolist() == [0, 1, 2]
    assert [p.name for p in tmp_path.iterdir()] == ["model.iotae"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 4096


def test_kill_9_while_writing_leaves_a_whole_file(tmp_path):
    target = tmp_path / "model.iotae"
    code = (
        "import numpy as np, itertools\n"
        "from iotae import serialization\n"
        f"serialization.write({str(target)!r}, 'thing', {{'a': np.zeros(200_000)}})\n"
        "print('ready', flush=True)\n"
        "for i in itertools.count():\n"
        f"    serialization.write({str(target)!r}, 'thing', {{'a': np.full(200_000, float(i))}})\n"
    )
    for delay in (0.0, 0.01, 0.03, 0.05):
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        child.stdout.readline()
        try:
            child.wait(timeout=delay)
        except subprocess.TimeoutExpired:
            child.kill()
        child.wait()
        child.stdout.close()
        a = serialization.read(target)[1]["a"]
        assert a.size == 200_000
        assert (a == a[0]).all()


def test_files_get_ordinary_permissions(tmp_path):
    serialization.write(tmp_path / "m", "thing", {})
    (tmp_path / "plain").touch()
    assert os.stat(tmp_path / "m").st_mode == os.stat(tmp_path / "plain").st_mode


def test_what_is_no_ordinary_file_is_left_alone_and_a_link_stays_a_link(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not an ordinary file"):
        serialization.write(tmp_path / "pipe", "thing", {})
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    serialization.write(tmp_path / "link", "thing", {"a": 1})
    assert (tmp_path / "link").is_symlink()
    assert serialization.read(tmp_path / "real")[1] == {"a": 1}
    with pytest.raises(FileNotFoundError, match="no such folder"):
        serialization.write(tmp_path / "no" / "model", "thing", {})


@pytest.mark.parametrize("error", [KeyError, TypeError, ValueError, AttributeError, IndexError])
def test_contents_that_make_no_sense_are_a_state_error(error, tmp_path):
    def build(data):
        raise error("nonsense")

    serialization.write(tmp_path / "m", "thing", {})
    with pytest.raises(serialization.StateError, match=r"m: no thing can be made of it \("):
        serialization.restore(tmp_path / "m", "thing", build)
    assert serialization.restore(tmp_path / "m", "thing", dict) == {}
