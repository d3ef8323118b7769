"""The cache of compiled kernels: never stale, shared safely, and not needed."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from iotae import _compiled
from tests.conftest import ROOT

needs_numba = pytest.mark.skipif(not _compiled.COMPILED, reason="numba is not installed: nothing is compiled")


def package_of(tmp_path, **modules):
    """A package named iotae with the compiler's module, and kernels in folders of their own."""
    package = tmp_path / "iotae"
    for name in ("", *modules):
        folder = package / name
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text('"""."""\n')
    shutil.copy(ROOT / "iotae" / "_compiled.py", package)
    for name, source in modules.items():
        (package / name / "kernels.py").write_text(textwrap.dedent(source))
    return package


CALLEE = """
    from iotae._compiled import compiled
    @compiled
    def level(x):
        return x + {level}
"""
CALLER = """
    from iotae._compiled import compiled
    from iotae.nn.kernels import level
    @compiled
    def twice(x):
        return 2.0 * level(x)
"""
RUN = "from iotae.stream.kernels import twice; print(twice(1.0), file=__import__('sys').stdout)"


def run(folder, code=RUN, **environment):
    kept = {key: value for key, value in os.environ.items() if not key.startswith("NUMBA")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=folder,
        env=kept | {"PYTHONPATH": str(folder)} | environment,
    )
    assert done.returncode == 0, done.stderr
    return done


@needs_numba
def test_a_caller_in_another_folder_never_runs_an_old_callee(tmp_path):
    package = package_of(tmp_path, nn=CALLEE.format(level=1.0), stream=CALLER)
    assert run(tmp_path).stdout == "4.0\n"
    # an update may well bring sources that are older than what was compiled before
    callee = package / "nn" / "kernels.py"
    callee.write_text(textwrap.dedent(CALLEE.format(level=5.0)))
    os.utime(callee, (1_000_000, 1_000_000))
    assert run(tmp_path).stdout == "12.0\n"
    assert len(list((package / "__pycache__").glob("kernels-*"))) == 1


def test_kernels_and_what_they_read_lie_in_the_folders_that_name_the_cache():
    decorated = re.compile(r"^@(compiled|compiled_or|compiled_roughly|inlined)\b", re.MULTILINE)
    package = ROOT / "iotae"
    holders = {
        path.parent.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if decorated.search(path.read_text()) and path.name != "_compiled.py"
    }
    assert holders
    assert holders <= set(_compiled._FLOORS)


@needs_numba
def test_two_processes_compile_at_once(tmp_path):
    package_of(tmp_path, nn=CALLEE.format(level=1.0), stream=CALLER)
    code = "from iotae.stream.kernels import twice; print(twice({}))"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code.format(number)],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in ("1.0", "1", "1.0", "True")
    ]
    assert [process.communicate()[0] for process in started] == ["4.0\n"] * 4
    # and what they left behind is right
    assert [run(tmp_path, code.format(n)).stdout for n in ("1.0", "1", "True")] == ["4.0\n"] * 3


@needs_numba
def test_the_command_says_once_that_it_compiles_and_a_library_call_is_silent(tmp_path):
    package_of(tmp_path, nn=CALLEE.format(level=1.0), stream=CALLER)
    assert run(tmp_path).stderr == ""
    speaking = "from iotae._compiled import say_on_standard_error; say_on_standard_error();" + RUN
    fresh = str(tmp_path / "fresh")
    lines = run(tmp_path, speaking, NUMBA_CACHE_DIR=fresh).stderr.splitlines()
    assert len(lines) == 1
    assert "compiling" in lines[0]
    # the command writes its messages in a form of its own
    told = speaking.replace(
        "say_on_standard_error()", "say_on_standard_error(lambda line: print('told', line))"
    )
    said = run(tmp_path, told, NUMBA_CACHE_DIR=str(tmp_path / "other"))
    assert said.stdout.startswith("told compiling for this processor, this once")
    assert said.stderr == ""
    assert run(tmp_path, speaking, NUMBA_CACHE_DIR=fresh).stderr == ""


@needs_numba
def test_no_folder_to_write_means_compiling_in_memory(tmp_path):
    package = package_of(tmp_path, nn=CALLEE.format(level=1.0), stream=CALLER)
    # a file where each folder would be: not even root can write there
    (package / "__pycache__").write_text("")
    (tmp_path / "home").write_text("")
    nowhere = {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": "", "PYTHONDONTWRITEBYTECODE": "1"}
    speaking = "from iotae._compiled import say_on_standard_error; say_on_standard_error();" + RUN
    done = run(tmp_path, speaking, **nowhere)
    assert done.stdout == "4.0\n"
    assert "no folder can be written" in done.stderr


@needs_numba
def test_a_user_who_may_write_nowhere_compiles_in_memory_and_is_told_once():
    if os.geteuid() or shutil.which("setpriv") is None:
        pytest.skip("only root may run a process as another user, with setpriv")
    nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    # tmp_path may be closed to other users
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        package_of(folder, nn=CALLEE.format(level=1.0), stream=CALLER)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        speaking = "from iotae._compiled import say_on_standard_error; say_on_standard_error();" + RUN
        environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONPATH": name}
        done = subprocess.run(
            [*nobody, sys.executable, "-c", speaking],
            capture_output=True,
            text=True,
            cwd=folder,
            env=environment,
        )
        if "Permission denied" in done.stderr:
            pytest.skip("another user may not read this Python")
        assert (done.returncode, done.stdout) == (0, "4.0\n"), done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert "no folder can be written" in done.stderr
        assert not list(folder.rglob("__pycache__"))


def test_only_one_module_knows_the_compiler():
    importing = re.compile(r"^\s*(import|from) numba\b", re.MULTILINE)
    holders = {
        path.relative_to(ROOT).as_posix()
        for package in ("iotae", "pyod_iotae", "river_iotae")
        for path in (ROOT / package).rglob("*.py")
        if importing.search(path.read_text())
    }
    assert holders == {"iotae/_compiled.py"}


def test_a_disabled_compiler_counts_as_none(tmp_path):
    code = "from iotae._compiled import COMPILED; print(COMPILED)"
    assert run(ROOT, code, NUMBA_DISABLE_JIT="1").stdout == "False\n"


def test_without_the_compiler_a_model_warns_once_and_says_what_to_install():
    code = """
import warnings
from iotae import OnlineAutoencoder
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    OnlineAutoencoder(), OnlineAutoencoder()
print(*(f"{w.category.__name__}: {w.message}" for w in caught), sep="\\n")
"""
    lines = run(ROOT, code, NUMBA_DISABLE_JIT="1").stdout.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("RuntimeWarning")
    assert "pip install" in lines[0]


@needs_numba
def test_a_cache_file_that_was_cut_short_is_made_anew(tmp_path):
    package = package_of(tmp_path, nn=CALLEE.format(level=1.0), stream=CALLER)
    assert run(tmp_path).stdout == "4.0\n"
    kept = list((package / "__pycache__").rglob("*.nbc"))
    assert kept
    for path in kept:
        path.write_bytes(b"")
    assert run(tmp_path).stdout == "4.0\n"


@needs_numba
def test_a_filled_folder_that_cannot_be_written_is_read(tmp_path, monkeypatch):
    name = f"kernels-{_compiled._digest(tmp_path)}"
    filled = tmp_path / "cache" / name / "somewhere"
    filled.mkdir(parents=True)
    (filled / "kernel.nbi").touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))

    def refused(*_, **__):
        raise PermissionError

    monkeypatch.setattr(_compiled.tempfile, "TemporaryFile", refused)
    assert _compiled._cache_folder(tmp_path) == filled.parent
