"""Files that take their names when whole: permissions, temporary files, and what a full disk leaves."""

from __future__ import annotations

import io
import os
import resource
import stat
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import pytest

from iotae import _files, serialization
from iotae.data import Table
from iotae.io.writer import write_table
from tests.conftest import ROOT

NAMES = ["out.csv", "out.csv.gz", "out.parquet", "out.iotae"]
RNG = np.random.default_rng(0)
TABLE = Table({"a": RNG.normal(size=5000), "b": RNG.normal(size=5000)})


def write(path, sources=()):
    """Write some ten kilobytes or more, as a table or as a model."""
    if path.suffix == ".iotae":
        serialization.write(path, "thing", {"a": TABLE.array("a")}, sources=sources)
        return
    from iotae.io.writer import TableWriter

    with TableWriter(path, sources=sources) as writer:
        writer.write(TABLE)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def umask(request):
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


@contextmanager
def most_bytes(size):
    """Let no file grow beyond a size, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# -- permissions -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kept", [0o600, 0o640, 0o664, 0o400])
def test_an_earlier_file_keeps_its_permissions(tmp_path, umask, name, kept):
    path = tmp_path / name
    path.touch()
    path.chmod(kept)
    write(path)
    assert path.stat().st_size > 1000
    assert mode(path) == kept


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o027, 0o077])
def test_a_file_from_memory_has_the_permissions_of_any_new_file(tmp_path, umask, name, mask):
    umask(mask)
    (tmp_path / "plain").touch()
    write(tmp_path / name)
    assert mode(tmp_path / name) == mode(tmp_path / "plain") == 0o666 & ~mask


@pytest.mark.parametrize("name", ["out.csv", "out.iotae"])
@pytest.mark.parametrize(
    ("mask", "sources", "expected"),
    [
        (0o022, [0o600], 0o600),
        (0o022, [0o640], 0o640),
        (0o022, [0o644], 0o644),
        (0o002, [0o444], 0o664),  # who may read the source may be let write what comes of it
        (0o077, [0o644], 0o600),
        (0o022, [0o644, 0o640], 0o640),
        (0o022, [0o604, 0o640], 0o600),
        (0o000, [0o644], 0o666),
    ],
)
def test_a_new_file_may_be_read_by_no_one_who_may_not_read_its_sources(
    tmp_path, umask, name, mask, sources, expected
):
    umask(mask)
    paths = [tmp_path / f"source{i}" for i in range(len(sources))]
    for path, given in zip(paths, sources, strict=True):
        path.touch()
        path.chmod(given)
    write(tmp_path / name, paths)
    assert mode(tmp_path / name) == expected


def test_standard_input_and_pipes_are_private_and_a_redirected_file_is_what_it_is(
    tmp_path, umask, monkeypatch
):
    def written(source):
        (tmp_path / "out.csv").unlink(missing_ok=True)
        write(tmp_path / "out.csv", [source])
        return mode(tmp_path / "out.csv")

    os.mkfifo(tmp_path / "pipe", 0o666)
    assert written(tmp_path / "pipe") == 0o600
    assert written("-") == 0o600
    (tmp_path / "open").touch()
    with open(tmp_path / "open") as file:
        monkeypatch.setattr("sys.stdin", file)
        assert written("-") == 0o644
    monkeypatch.setattr("sys.stdin", None)
    assert written("-") == 0o600


def test_a_group_that_could_not_read_is_given_nothing(tmp_path, umask):
    assert _files._for_group(0o640, group=1, other=1) == 0o640
    assert _files._for_group(0o640, group=1, other=2) == 0o600
    assert _files._for_group(0o664, group=1, other=2) == 0o644
    assert _files._for_group(0o604, group=1, other=2) == 0o644
    if os.geteuid():
        pytest.skip("only root may give a file to any group")
    source, earlier = tmp_path / "source", tmp_path / "earlier.iotae"
    for path in (source, earlier):
        path.touch()
        os.chown(path, 12345, 54321)
        path.chmod(0o640)
    write(tmp_path / "out.iotae", [source])
    assert mode(tmp_path / "out.iotae") == 0o600
    write(earlier)
    assert (mode(earlier), earlier.stat().st_uid, earlier.stat().st_gid) == (0o640, 12345, 54321)


def test_a_group_that_cannot_be_kept_loses_what_only_it_might_do(tmp_path, umask, monkeypatch):
    path = tmp_path / "out.iotae"
    path.touch()
    path.chmod(0o640)
    real = os.fstat

    def of_another_group(descriptor):
        fields = list(real(descriptor))
        fields[stat.ST_GID] += 1
        return os.stat_result(fields)

    def refused(*_):
        raise PermissionError

    monkeypatch.setattr(os, "fchown", refused)
    monkeypatch.setattr(os, "fstat", of_another_group)
    write(path)
    monkeypatch.undo()
    assert mode(path) == 0o600


def test_the_mask_of_the_process_is_never_touched(tmp_path, monkeypatch):
    def touched(_):
        raise AssertionError("os.umask is of all threads")

    monkeypatch.setattr(os, "umask", touched)
    for name in NAMES:
        write(tmp_path / name)
    assert names(tmp_path) == sorted(NAMES)


# -- temporary files ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_link_in_the_place_of_a_temporary_file_is_not_followed(tmp_path, name):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for middle in (str(os.getpid()), "abcdefgh"):
        (tmp_path / f".{name}.{middle}.part").symlink_to(victim)
    before = names(tmp_path)
    write(tmp_path / name)
    assert victim.read_text() == "precious"
    assert names(tmp_path) == sorted([*before, name])


def test_a_link_to_the_target_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "m.iotae").symlink_to(tmp_path / "real" / "m.iotae")
    write(tmp_path / "m.iotae")
    assert (tmp_path / "m.iotae").is_symlink()
    assert names(tmp_path / "real") == ["m.iotae"]


def test_the_temporary_file_is_private_beside_the_target_and_of_a_new_name(tmp_path):
    seen = []
    for _ in range(2):
        with _files.replacing(tmp_path / "m") as file:
            (part,) = tmp_path.glob(".m.*.part")
            seen.append(part.name)
            file.write(b"x")
        assert names(tmp_path) == ["m"]
        (tmp_path / "m").unlink()
    assert seen[0] != seen[1]


@pytest.mark.parametrize("name", NAMES)
def test_what_killed_processes_left_is_removed_and_what_is_being_written_is_not(tmp_path, name):
    dead, other = tmp_path / f".{name}.dead0000.part", tmp_path / ".b.dead0000.part"
    for path in (dead, other):
        path.write_text("rest")
    (tmp_path / f".{name}.folder00.part").mkdir()
    os.mkfifo(tmp_path / f".{name}.fifo0000.part")
    with _files.replacing(tmp_path / name):
        (alive,) = set(tmp_path.glob(f".{name}.*.part")) - {
            tmp_path / f".{name}.folder00.part",
            tmp_path / f".{name}.fifo0000.part",
        }
        assert not dead.exists()
        write(tmp_path / name)
        assert alive.exists()
    assert names(tmp_path) == sorted([f".{name}.folder00.part", f".{name}.fifo0000.part", other.name, name])


def test_a_file_taken_for_abandoned_before_it_was_locked_is_made_again(tmp_path, monkeypatch):
    real, taken = _files._lock, []

    def late(descriptor):
        if not taken:
            taken.extend(tmp_path.glob(".m.*.part"))
            taken[0].unlink()
        return real(descriptor)

    monkeypatch.setattr(_files, "_lock", late)
    serialization.write(tmp_path / "m", "thing", {})
    assert len(taken) == 1
    assert names(tmp_path) == ["m"]


# -- full disks --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_cannot_be_written_is_named_and_the_earlier_one_stays(tmp_path, name):
    path = tmp_path / name
    path.write_text("earlier")
    with pytest.raises(OSError, match=f"File too large: '{path}'"), most_bytes(5000):
        write(path)
    assert path.read_text() == "earlier"
    assert names(tmp_path) == [name]


def test_a_device_that_is_full_is_named():
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        write_table("/dev/full", TABLE)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount command here")
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("name", ["out.csv", "out.parquet", "out.iotae"])
def test_a_full_disk_is_named_and_nothing_is_left_on_it(small_disk, name):
    (small_disk / "most").write_bytes(bytes(48_000))
    with pytest.raises(OSError, match=f"No space left on device: '{small_disk / name}'"):
        write(small_disk / name)
    assert names(small_disk) == ["most"]


def test_an_error_of_the_block_keeps_its_own_file(tmp_path):
    def fail():
        with _files.replacing(tmp_path / "m"):
            raise OSError(5, "Input/output error", "input.csv")

    with pytest.raises(OSError, match=r"input\.csv"):
        fail()
    assert names(tmp_path) == []


@contextmanager
def unbuffered_pipe(monkeypatch):
    """Standard output as PYTHONUNBUFFERED makes it, on a pipe; yields its two ends."""
    out, into = os.pipe()
    text = io.TextIOWrapper(io.FileIO(into, "wb"), "utf-8", write_through=True)
    monkeypatch.setattr(sys, "stdout", text)
    try:
        yield out, into
    finally:
        text.close()
        os.close(out)


def test_a_signal_in_the_middle_of_unbuffered_output_costs_no_row():
    code = (
        "import signal, numpy as np\n"
        "from iotae.data import Table\n"
        "from iotae.io.writer import write_table\n"
        "signal.signal(signal.SIGALRM, lambda *_: None)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)\n"
        "write_table('-', Table({'watts': np.arange(200_000.0), 'state': ['on'] * 200_000}))\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.0)\n"
        "print('end')\n"
    )
    n_lines, last = 0, b""
    with subprocess.Popen(
        [sys.executable, "-u", "-c", code], cwd=ROOT, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdout is not None
        while block := process.stdout.read(8192):
            n_lines, last = n_lines + block.count(b"\n"), (last + block)[-30:]
            # the pipe stays full, so that signals come while it is waited for
            time.sleep(0.001)
    assert process.returncode == 0
    assert (n_lines, last.split(b"\n")[-3:]) == (200_002, [b"199999.0,on", b"end", b""])


def test_unbuffered_output_that_takes_only_a_part_is_an_error(monkeypatch):
    with unbuffered_pipe(monkeypatch) as (_, into):
        os.set_blocking(into, False)
        with pytest.raises(BlockingIOError, match="standard output"):
            write_table("-", Table({"watts": np.arange(200_000.0)}))
        assert not sys.stdout.closed
        os.fstat(into)
