"""The ablation's variants: every target exists, a swap reaches all who hold it, each is another model."""

import os
import subprocess
import sys
import types

import pytest

from benchmarks import ablation, swaps, variants
from tests.conftest import ROOT

TARGETS = sorted(
    {target for group in (variants.STREAM, variants.TABLE) for swap in group.values() for target in swap}
)


@pytest.mark.parametrize("target", TARGETS)
def test_each_target_exists_and_gets_what_it_is_not(target):
    present = swaps.resolve(target)[2]
    for group in (variants.STREAM, variants.TABLE):
        for swap in group.values():
            replacement = swap.get(target)
            assert replacement is None or (
                replacement != present and callable(replacement) == callable(present)
            )


@pytest.mark.parametrize(
    "target", ["iotae.nowhere:x", "iotae.stream.calls:_gone", "iotae.batch.scoring:JoinedScore.gone"]
)
def test_a_target_that_is_gone_is_an_error(target):
    with pytest.raises(
        ValueError, match=rf"Got the target '{target}', but .* give the name that the product uses"
    ):
        swaps.resolve(target)


@pytest.fixture
def product(monkeypatch):
    """Two modules of a product, of which the second has taken a function of the first under another name."""
    home, user = types.ModuleType("iotae.made_home"), types.ModuleType("iotae.made_user")
    exec("LIMIT = 3\ndef usual(x): return x\nclass Model:\n    def height(self): return LIMIT", vars(home))
    exec("def call(x): return taken(x)", vars(user))
    user.taken = home.usual
    monkeypatch.setattr(swaps, "_our_modules", lambda: [home, user])
    for module in (home, user):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return home, user


def test_a_swap_reaches_functions_settings_and_methods_wherever_they_are_held(product):
    home, user = product
    swaps.swap({"iotae.made_home:usual": lambda x: -x, "iotae.made_home:LIMIT": 5})
    assert (home.usual(2), user.call(2), home.Model().height()) == (-2, -2, 5)
    swaps.swap({"iotae.made_home:Model.height": lambda self: "other"})
    assert home.Model().height() == "other"


def test_a_swap_that_changes_nothing_or_comes_too_late_is_refused(product):
    user = product[1]
    with pytest.raises(ValueError, match="but that is what it is"):
        swaps.swap({"iotae.made_home:LIMIT": 3})
    user.taken.signatures = ["(float64,)"]
    with pytest.raises(RuntimeError, match=r"kernel iotae\.made_home:usual compiled already"):
        swaps.swap({"iotae.made_home:LIMIT": 5})
    swaps.swap({})


SMOKE = """
import numpy as np
from benchmarks import ablation, datasets, runner
from benchmarks.dataset import Dataset

def tiny(kind, name):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2)) @ rng.normal(size=(2, 4)) + 0.1 * rng.normal(size=(300, 4))
    y = (np.arange(300) % 10 == 7).astype(np.int8)
    X[y == 1] = rng.normal(size=(30, 4))
    return Dataset("tiny", X, y, ("a", "b", "c", "d"), True)

datasets.load = tiny
print(*ablation.measure({collection!r}, {name!r}, [({protocol!r}, "stream", "tiny", 0, 300)])[0])
"""


def figures(collection, name, protocol):
    """What a variant makes of a tiny set, with the kernels as plain NumPy: compiling takes longer."""
    code = SMOKE.format(collection=f"benchmarks.variants:{collection}", name=name, protocol=protocol)
    environment = {
        **os.environ,
        "NUMBA_DISABLE_JIT": "1",
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return tuple(map(float, done.stdout.split()))


@pytest.mark.parametrize(
    ("collection", "protocol", "names"),
    [
        ("STREAM", "stream", ("mean surprise alone", "no autoencoder", "nothing expected of a sensor")),
        (
            "TABLE",
            "table_unlabelled",
            ("Mahalanobis distance only", "reconstruction error alone (the paper's)"),
        ),
    ],
)
def test_a_variant_is_another_model(collection, protocol, names):
    found = [
        figures(collection, name, protocol) for name in (next(iter(getattr(variants, collection))), *names)
    ]
    assert len(set(found)) == len(found)
    assert all(0 <= auc <= 1 for auc, _ in found)


def test_a_variant_runs_in_a_process_of_its_own_and_is_stored(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    jobs = [("stream", "stream", "simulator", 0, 200)]
    first = ablation.run(jobs, "benchmarks.variants:STREAM", "no context", tmp_path)
    (stored,) = tmp_path.glob("*.json")
    stored.write_text("[[0.5, 0.25]]")
    assert ablation.run(jobs, "benchmarks.variants:STREAM", "no context", tmp_path) == [[0.5, 0.25]]
    assert 0 <= first[0][0] <= 1
    with pytest.raises(RuntimeError, match="The variant 'no such' failed: KeyError: 'no such'"):
        ablation.run(jobs, "benchmarks.variants:STREAM", "no such", tmp_path)
