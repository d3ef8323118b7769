"""A stream's model as bytes that outlive the process: exact, and refused where they are not its own."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotae import OnlineAutoencoder
from iotae.serialization import StateError
from iotae.stream import sealed as sealed_module
from iotae.stream.sealed import Sealed

SETTINGS = {"hidden_sizes": (6, 2), "grace_period": 20, "alpha": 0.05, "batch_size": 8, "seed": 4}


def mixed_rows(n_rows):
    """Numbers, a state as text, the time, and now and then a missing cell."""
    rng = np.random.default_rng(0)
    for t, (load, noise) in enumerate(rng.normal(size=(n_rows, 2))):
        row = {"watts": 50 + 5 * load, "amps": 2 + load + 0.1 * noise, "state": "on" if load > 0 else "off"}
        row["time"] = f"2026-01-{1 + t // 100:02}T{t % 24:02}:00:00"
        yield row if t % 17 else {**row, "amps": None}


def taught(rows=300, **changed):
    model = OnlineAutoencoder(**{**SETTINGS, **changed})
    for row in mixed_rows(rows):
        model.learn_one(row)
    return model


@pytest.fixture(scope="module")
def blob():
    return Sealed(OnlineAutoencoder(**SETTINGS)).pack(taught())


def test_a_seed_of_numpy_is_that_number(blob):
    assert Sealed(OnlineAutoencoder(**SETTINGS | {"seed": np.int64(4)})).pack(taught()) == blob


def test_a_model_goes_on_bit_for_bit(blob):
    model, again = taught(), Sealed(OnlineAutoencoder(**SETTINGS)).unpack(blob)
    for row in islice(mixed_rows(500), 300, None):
        assert again.score_learn_one(row) == model.score_learn_one(row)
    assert (again.n_seen, again.n_rejected, again.threshold) == (
        model.n_seen,
        model.n_rejected,
        model.threshold,
    )


@pytest.mark.parametrize(
    "other",
    [{"hidden_sizes": (6, 3)}, {"alpha": 0.01}, {"batch_size": 16}, {"seed": 5}, {"activation": "relu"}],
    ids=str,
)
def test_bytes_of_other_settings_are_refused(blob, other):
    with pytest.raises(StateError, match="of other settings or of another version of iotae"):
        Sealed(OnlineAutoencoder(**{**SETTINGS, **other})).unpack(blob)


def test_bytes_of_another_version_are_refused(blob, monkeypatch):
    monkeypatch.setattr(sealed_module, "_FORMAT", 0)
    with pytest.raises(StateError, match="begin anew in an empty checkpoint folder"):
        Sealed(OnlineAutoencoder(**SETTINGS)).unpack(blob)


@settings(deadline=None)
@given(data=st.data())
def test_damage_is_told(blob, data):
    place = data.draw(st.integers(0, len(blob) - 1))
    damaged = data.draw(
        st.sampled_from([blob[:place], blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :]])
    )
    with pytest.raises(StateError):
        Sealed(OnlineAutoencoder(**SETTINGS)).unpack(damaged)


def test_a_newcomer_begins_as_the_model_that_has_the_settings():
    sealed = Sealed(taught())
    one, other = sealed.unpack(sealed.newcomer), taught()
    for row in islice(mixed_rows(340), 300, None):
        assert one.score_learn_one(row) == other.score_learn_one(row)
