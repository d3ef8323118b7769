"""Model files whose digest is right and whose contents are wrong: one printable line, and nothing hurt."""

import copy
import math
import time

import numpy as np
import pytest

from benchmarks import fuzz, fuzz_worker, mutations
from iotae import BatchAutoencoder, OnlineAutoencoder, serialization
from iotae._validation.schema import (
    GENERATOR,
    Array,
    Choice,
    Digits,
    Flag,
    ListOf,
    Maybe,
    Nothing,
    Number,
    Record,
    Row,
    Text,
    Whole,
    check,
)
from iotae.serialization import StateError
from iotae.stream.counters import (
    BATCHES,
    DRAWN,
    LEARNED,
    LEFT,
    PENDING,
    PIVOT,
    WITNESS_LEFT,
    WITNESS_PENDING,
)

N_FILES = 500
"""Of each kind; ``python -m benchmarks fuzz`` tries 10,000."""


@pytest.mark.parametrize("kind", fuzz_worker.KINDS)
def test_wrong_files_are_refused_or_make_a_model_that_works(kind):
    tried = fuzz.fuzz(kind, N_FILES, seed=1)
    assert not tried.failures
    assert sum(tried.counts.values()) == N_FILES
    assert min(tried.counts[found] for found in (fuzz_worker.REFUSED, fuzz_worker.LOADED)) > N_FILES // 50


def test_a_process_that_dies_or_hangs_is_a_failure_and_the_next_file_is_tried(monkeypatch):
    ends = iter([-11, -14, 0])
    outputs = iter(['> 0\n[0, "refused", ""]\n> 1\n', "> 2\n", '> 3\n[3, "refused", ""]\n'])

    def run(command, **_):
        return fuzz.subprocess.CompletedProcess(command, next(ends), next(outputs), "")

    monkeypatch.setattr(fuzz.subprocess, "run", run)
    tried = fuzz.fuzz("OnlineAutoencoder", 4)
    assert tried.counts == {
        "refused": 2,
        "FAILED: died of SIGSEGV": 1,
        "FAILED: did not end": 1,
    }
    assert [line.split(": ", 1)[0] for line in tried.failures] == [
        f"iotae failed on OnlineAutoencoder, seed 0, file {number}" for number in (1, 2)
    ]


def test_a_process_that_cannot_begin_is_an_error(monkeypatch):
    def run(command, **_):
        return fuzz.subprocess.CompletedProcess(command, 1, "", "no such kind")

    monkeypatch.setattr(fuzz.subprocess, "run", run)
    with pytest.raises(RuntimeError, match="no such kind"):
        fuzz.fuzz("OnlineAutoencoder", 4)


# -- what a file of a stream did to the process that loaded it --------------------------------------


@pytest.fixture(scope="module")
def stream():
    rng = np.random.default_rng(0)
    model = OnlineAutoencoder(seed=0, batch_size=8, max_features=16)
    for i, load in enumerate(rng.normal(size=120)):
        model.learn_one({"power": 50 + 5 * load, "latency": 20 + 3 * load, "mode": ("eco", "max")[i % 2]})
    return model.to_state()


def changed(state, *path, value):
    """A copy of a state in which one part, or one cell of an array, is another."""
    state = copy.deepcopy(state)
    owner = state
    for key in path[:-1]:
        owner = owner[key]
    owner[path[-1]] = value
    return state


def refused(state, tmp_path, match, kind="OnlineAutoencoder", build=OnlineAutoencoder.from_state):
    path = tmp_path / "model"
    path.write_bytes(mutations.sealed(kind, state))
    begin = time.perf_counter()
    with pytest.raises(StateError, match=match) as caught:
        serialization.restore(path, kind, build)
    assert time.perf_counter() - begin < 1.0
    assert str(caught.value).isprintable()
    assert "can be made of it" not in str(caught.value)


@pytest.mark.parametrize(
    ("counter", "value"),
    [
        (PENDING, 10**6),
        (PENDING, -1),
        (PENDING, 8),
        (LEARNED, 10**6),
        (BATCHES, -1),
        (LEFT, 10**6),
        (PIVOT, 10**6),
        (PIVOT, -2),
        (WITNESS_PENDING, 32),
        (WITNESS_PENDING, -1),
        (WITNESS_LEFT, 10**6),
        (DRAWN, -5),
        (DRAWN, 0),
    ],
)
def test_a_counter_that_points_outside_its_arrays_is_refused(counter, value, stream, tmp_path):
    refused(changed(stream, "stream", "counters", counter, value=value), tmp_path, "counters|counts")


@pytest.mark.parametrize(
    ("path", "value", "match"),
    [
        (("stream", "scaler", "stats", np.s_[:, 0]), -1e9, "stream.scaler.stats"),
        (("stream", "scaler", "stats", np.s_[0, 2]), 1e-300, "spreads of 0"),
        (("stream", "scaler", "head", np.s_[0, 0]), 1e9, "in order of size"),
        (("stream", "table", np.s_[0, 0]), np.nan, r"Got nan at stream.table\[0, 0\]"),
        (("stream", "counts_of_bins", np.s_[0, 0]), 1e50, "histogram|as much in each"),
        (("stream", "kinds", np.s_[0, 0]), 2.0, "stream.kinds"),
        (("stream", "matrices", np.s_[0, 1]), 1e3, "stream.matrices"),
        (("stream", "matrices", np.s_[-1, -1]), 0.0, "positive diagonal"),
        (("stream", "hidden", np.s_[0, 0]), 1e20, "stream.hidden"),
        (("network", "n_features"), 10**6, "network.parameters"),
        (("network", "hidden_sizes"), [10**9], "network.parameters"),
        (("network", "second", np.s_[0]), 0.0, "a first moment that belongs to the second"),
        (("network", "parameters", np.s_[:]), 1e5, "that stay within"),
        (("network", "generator", "state", "inc"), "2", "an odd number"),
        (("settings", "batch_size"), 10**9, "stream.pending"),
        (("settings", "alpha"), 0.5, "cut.alpha"),
        (("horizon",), np.array(np.nan), "Got nan at horizon"),
        (("counters", "n_seen"), "7", "Got '7' at counters.n_seen"),
        (("features", "registry", "table", "spare"), [0], "each of 5 slots once"),
        (("features", "registry", "sensors"), ["power", "power"], "each of one kind"),
        (("features", "registry", "table", "slots", 0), ["other", None], "the part"),
        (("features", "registry", "table", "candidates"), [[{"a": 1}, 0, 1]], "expected a name"),
        (("features", "registry", "clocks"), [["power", [0, 1, 2, 3]]], "each of one kind"),
        (("features", "n_rows"), 1, "features.n_rows"),
        (("cut", "window", "n_seen"), 10**6, "the latest"),
        (("more",), 1, "Got 'more' as the state, but expected only the names"),
    ],
)
def test_parts_that_no_stream_has_are_refused(path, value, match, stream, tmp_path):
    refused(changed(stream, *path, value=value), tmp_path, match)


def test_a_mini_batch_without_features_cannot_ask_for_more_than_its_file_holds(tmp_path):
    state = OnlineAutoencoder(seed=0).to_state()
    state["settings"]["batch_size"] = 10**9
    state["stream"]["pending"] = state["stream"]["minibatch"] = np.zeros((10**9, 0), np.float32)
    refused(state, tmp_path, "a model that takes little more than")


def test_a_matrix_half_inverted_that_cannot_be_inverted_further_is_refused(tmp_path):
    rng = np.random.default_rng(0)
    model = OnlineAutoencoder(seed=0)
    while model._state.counters[PIVOT] < 2:
        model.learn_one({f"f{i}": value for i, value in enumerate(rng.normal(size=6))})
    state = model.to_state()
    OnlineAutoencoder.from_state(copy.deepcopy(state))
    pivot, d = int(state["stream"]["counters"][PIVOT]), 6
    state["stream"]["matrices"][d + pivot, pivot] = -1.0
    refused(state, tmp_path, "inverted further")


def test_a_refused_state_is_left_as_it_was_and_a_right_one_makes_the_same_model(stream):
    wrong = changed(stream, "stream", "counters", PENDING, value=10**6)
    before = mutations.sealed("m", wrong)
    with pytest.raises(StateError):
        OnlineAutoencoder.from_state(wrong)
    assert mutations.sealed("m", wrong) == before
    again = OnlineAutoencoder.from_state(copy.deepcopy(stream))
    assert serialization.dumps("m", again.to_state()) == serialization.dumps("m", stream)


@pytest.mark.parametrize(
    ("path", "value", "match"),
    [
        (("views", "whitening", "mean", np.s_[0]), np.nan, "Got nan at views.whitening.mean"),
        (("views", "whitening", "matrix", np.s_[0, 0]), 1e30, "whitened rows that stay within"),
        (("views", "tails", 0, "knots", np.s_[0, 0]), np.nan, r"views.tails\[0\].knots"),
        (("views", "tails", 0, "knots", np.s_[0, 0]), 1e9, "values that rise"),
        (("views", "tails", 0, "span"), 0.0, "views.tails"),
        (("views", "scale", "knots", np.s_[1, -1]), 0.0, "views.scale.knots"),
        (("views", "scale", "excess"), -1.0, "views.scale.excess"),
        (("views", "scale", "reach"), 0.0, "views.scale.reach"),
        (("scaler", "columns", np.s_[1, 0]), 0.0, r"scaler.columns\[1, 0\]"),
        (("kept", "n_seen"), 0, "kept.n_seen"),
        (("settings", "epochs"), 10**9, "settings.epochs"),
        (("settings", "device"), "toaster", "a device such as"),
        (("hidden_sizes",), [], "hidden_sizes"),
        (("history",), [10**400], "history"),
        (("feature_names",), ["a"], "feature_names"),
    ],
)
def test_parts_that_no_table_model_has_are_refused(path, value, match, tmp_path):
    state = BatchAutoencoder(seed=0, epochs=1).fit(np.random.default_rng(0).normal(size=(60, 3))).to_state()
    refused(
        changed(state, *path, value=value), tmp_path, match, "BatchAutoencoder", BatchAutoencoder.from_state
    )


# -- the file around the state ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"version": 0}, "Got the format 0"),
        ({"version": True}, "Got the format True"),
        ({"version": "1"}, "Got the format 1"),
        ({"version": 2}, "written in format 2 by a later iotae"),
        ({"inner_format": 2}, "its format is not the one that was saved"),
        ({"kind": 7}, "no text"),
        ({"kind": "x" * 1000}, "no text"),
        ({"digest": None}, "damaged"),
        ({"contents": 3}, "damaged"),
        ({"extra": True}, "1 arrays that the state does not name"),
        ({"shared": True}, "names the array"),
        ({"data": {"x": float("nan")}}, "Got NaN outside an array"),
        ({"data": {"x": "@@levels 900"}}, "more than 64 levels"),
        ({"data": {"x": "@@levels 100000"}}, "RecursionError|more than 64 levels"),
        ({"data": [1]}, "Got a list"),
    ],
)
def test_what_stands_around_a_state_is_checked(change, match):
    blob = mutations.sealed(**({"kind": "thing", "data": {"a": np.arange(3)}} | change))
    with pytest.raises(StateError, match=match) as caught:
        serialization.loads(blob)
    assert str(caught.value).isprintable()


def test_a_kind_with_control_sequences_stays_on_one_printable_line(tmp_path):
    (tmp_path / "m").write_bytes(mutations.sealed("a\nb\x1b[31m\ud800", {}))
    with pytest.raises(StateError, match=r"a\\nb\\x1b\[31m\\ud800, but expected that of thing") as caught:
        serialization.read(tmp_path / "m", "thing")
    assert str(caught.value).isprintable()


def test_the_digest_covers_the_format():
    blob = serialization.dumps("thing", {"a": np.arange(3)})
    # inside the contents, where its quotes are escaped twice
    assert blob.count(rb"\"format\\\": 1") + blob.count(rb"format") >= 2
    with pytest.raises(StateError, match="damaged"):
        serialization.loads(blob.replace(rb"{\\\"format\\\": 1", rb"{\\\"format\\\": 2"))


def test_a_file_without_an_end_is_not_read_to_its_end():
    with pytest.raises(StateError, match="not a file that iotae saved"):
        serialization.read("/dev/zero")


def test_a_state_of_too_many_levels_cannot_be_saved_either():
    state = {}
    for _ in range(70):
        state = {"x": state}
    with pytest.raises(ValueError, match="more than 64 levels"):
        serialization.dumps("thing", state)


# -- the schemas themselves ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        (Whole(1, 3), [1, 3], [0, 4, True, 1.0, "1", None, 10**400]),
        (Whole(0, 1, flags=True), [0, True], [2, 1.0]),
        (Number(0.0, 1.0), [0, 0.5, 1], [-0.1, math.nan, math.inf, "0", False, 10**400]),
        (Number(np.float64(0.0), np.float64(1.0), inner=True), [0.5], [0.0, 1.0, 10**400]),
        (Flag(), [True, False], [0, 1, None]),
        (Text(3), ["", "a\nb"], ["abcd", 1, None]),
        (Text(plain=True), ["a b"], ["a\nb", "\x1b"]),
        (Digits(8), ["0", "255"], ["256", "-1", "1.0", "", "٣", 1, "9" * 5000]),
        (Choice("a", "b"), ["a"], ["c", None, ["a"]]),
        (Nothing(), [None], [0, ""]),
        (Maybe(Whole()), [None, 1], ["x"]),
        (ListOf(Whole(), 2, least=1, distinct=True), [[1], [1, 2]], [[], [1, 1], [1, 2, 3], (1,), {}]),
        (Row(Whole(), Text()), [[1, "a"]], [[1], ["a", 1], "ab"]),
        (
            Record({"a": Whole(), "b": Whole()}, optional=frozenset("b")),
            [{"a": 1}, {"a": 1, "b": 2}],
            [{}, {"b": 1}, {"a": 1, "c": 2}, [], {"a": "x"}],
        ),
        (
            Array(np.float64, 2, "n", low=[[0.0], [-1.0]], high=1.0),
            [np.zeros((2, 0)), np.array([[0.0], [-1.0]])],
            [
                np.zeros((2, 1), np.float32),
                np.zeros((3, 1)),
                np.zeros(2),
                np.array([[-1.0], [0.0]]),
                np.full((2, 1), np.nan),
                [[0.0], [0.0]],
            ],
        ),
        (
            Array(np.float64, "n", missing=True),
            [np.array([np.nan, 1.0])],
            [np.array([np.inf]), np.array([-np.inf])],
        ),
        (Array(np.float64, "n", whole=True), [np.array([1.0, -2.0])], [np.array([0.5])]),
        (Array(np.bool_, "n"), [np.array([True])], [np.array([1])]),
    ],
)
def test_a_schema_takes_what_it_says_and_nothing_else(schema, good, bad):
    for value in good:
        check(value, schema)
    for value in bad:
        with pytest.raises(StateError, match=r"^Got .*, but expected .*\.$") as caught:
            check(value, schema)
        assert len(str(caught.value)) < 300


def test_dimensions_of_one_name_agree_throughout_a_state_but_not_between_the_parts_of_a_list():
    pair = Record({"x": Array(np.float64, "n"), "y": Record({"z": Array(np.float64, "n", "n")})})
    check({"x": np.zeros(2), "y": {"z": np.zeros((2, 2))}}, pair)
    for shape in ((3, 3), (2, 3), (3, 2)):
        with pytest.raises(StateError, match=r"at y\.z"):
            check({"x": np.zeros(2), "y": {"z": np.zeros(shape)}}, pair)
    check([np.zeros(1), np.zeros(2)], ListOf(Array(np.float64, "n")))
    with pytest.raises(StateError, match="float64"):
        check(np.zeros((2, 3)), Array(np.float64, "n", "n"))


def test_a_generator_of_another_kind_is_refused():
    good = {
        "bit_generator": "PCG64",
        "state": {"state": "1", "inc": "3"},
        "has_uint32": 0,
        "uinteger": 0,
    }
    check(good, GENERATOR)
    for change in ({"bit_generator": "MT19937"}, {"state": {"state": "1", "inc": "2"}}, {"has_uint32": 2}):
        with pytest.raises(StateError):
            check(good | change, GENERATOR)
