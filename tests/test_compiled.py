import os

from iotae import compiled


def test_kernels_compiled_from_older_sources_are_dropped(tmp_path):
    cache = tmp_path / "__pycache__"
    cache.mkdir()
    for name, age in (("old.nbi", 100), ("old.nbc", 100), ("new.nbi", 0), ("module.pyc", 100)):
        (cache / name).touch()
        os.utime(cache / name, (1_000_000 - age, 1_000_000 - age))
    (tmp_path / "room.py").touch()
    os.utime(tmp_path / "room.py", (999_950, 999_950))
    compiled._drop_stale_cache(tmp_path)
    assert sorted(path.name for path in cache.iterdir()) == ["module.pyc", "new.nbi"]


def test_a_package_without_a_cache_is_left_alone(tmp_path):
    compiled._drop_stale_cache(tmp_path)
    assert list(tmp_path.iterdir()) == []
