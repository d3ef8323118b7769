"""Model files whose digest is right and whose contents are wrong: one printable line, and nothing hurt."""

import contextlib
import copy
import math
import sqlite3
import time

import numpy as np
import pytest

from benchmarks import fuzz, fuzz_inputs, fuzz_worker, mutations
from iotae import BatchAutoencoder, OnlineAutoencoder, serialization
from iotae._validation.schema import (
    GENERATOR,
    Array,
    Choice,
    Digits,
    Flag,
    ListOf,
    MapOf,
    Maybe,
    Nothing,
    Number,
    Record,
    Row,
    Text,
    Whole,
    check,
)
from iotae.cli import main
from iotae.data import TableError
from iotae.fleet import Fleet
from iotae.io import jsonl
from iotae.quality import ColumnRule, PacketChecker, Rules, read_rules
from iotae.runner.device_numbers import DeviceNumbers
from iotae.runner.ledger import Judgement, Ledger
from iotae.runner.messages import Message
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
from pyod_iotae import SequenceIoTAE

N_FILES = 30
"""Of each kind; ``python -m benchmarks fuzz`` tries 10,000."""

_KINDS = list(fuzz_worker.KINDS)


@pytest.mark.parametrize("kinds", [_KINDS[i::4] for i in range(4)], ids=range(4))
def test_wrong_files_are_refused_or_make_what_works(kinds):
    for kind, tried in fuzz.fuzz(kinds, N_FILES, seed=1).items():
        assert not tried.failures
        assert sum(tried.counts.values()) == N_FILES
        # a broker's messages are never refused, each by itself is set aside
        outcomes = {fuzz_worker.LOADED} if kind in fuzz_inputs.INPUTS else fuzz_worker.OUTCOMES
        assert min(tried.counts[found] for found in outcomes) > 0, kind


def test_a_process_that_dies_or_hangs_is_a_failure_and_the_next_file_is_tried(monkeypatch):
    ends = iter([-11, -14, 0])
    outputs = iter(
        [
            '["a", 0]\n["a", 0, "refused", ""]\n["a", 1]\n',
            '["a", 2]\n["a", 2, "refused", ""]\n["b", 0]\n',
            '["b", 1]\n["b", 1, "refused", ""]\n',
        ]
    )
    asked = []

    def run(command, **_):
        asked.append(command[3:])
        return fuzz.subprocess.CompletedProcess(command, next(ends), next(outputs), "")

    monkeypatch.setattr(fuzz.subprocess, "run", run)
    tried = fuzz.fuzz(["a", "b"], 3)
    assert asked == [["0", "0", "3", "a", "b"], ["0", "2", "3", "a", "b"], ["0", "1", "3", "b"]]
    assert tried["a"].counts == {"refused": 2, "FAILED: died of SIGSEGV": 1}
    assert tried["b"].counts == {"refused": 1, "FAILED: did not end": 1}
    assert [line.split(": ", 1)[0] for one in tried.values() for line in one.failures] == [
        "iotae failed on a, seed 0, file 1",
        "iotae failed on b, seed 0, file 0",
    ]


def test_a_process_that_cannot_begin_is_an_error(monkeypatch):
    def run(command, **_):
        return fuzz.subprocess.CompletedProcess(command, 1, "", "no such kind")

    monkeypatch.setattr(fuzz.subprocess, "run", run)
    with pytest.raises(RuntimeError, match="no such kind"):
        fuzz.fuzz(["OnlineAutoencoder"], 4)


# -- what the benchmark has found --------------------------------------------------------------------


def test_a_fleet_with_counts_beyond_those_of_a_float_or_without_its_models_is_refused(tmp_path):
    fleet = Fleet(OnlineAutoencoder(seed=0))
    fleet.learn_one({"device": "a", "power": 1.0})
    state = fleet.to_state()
    for place, value, match in (
        (("n_rows",), np.array([2**63 - 1]), "Got 9223372036854775807 at n_rows"),
        (("models",), {}, "the names template"),
        (("models", "more"), {}, "the names template"),
    ):
        refused(changed(state, *place, value=value), tmp_path, match, "Fleet", Fleet.from_state)


def test_a_rule_of_texts_that_has_a_range_is_refused(tmp_path):
    state = PacketChecker(rules=Rules({"mode": ColumnRule(kind="text")})).to_state()
    for name, value in (("least", 0), ("unit", "W"), ("sentinels", [85.0])):
        wrong = changed(state, "rules", 0, name, value=value)
        refused(wrong, tmp_path, "numbers, where there is", "PacketChecker", PacketChecker.from_state)


def test_a_contamination_that_is_an_array_is_refused(tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 2))
    state = SequenceIoTAE(window_size=4, random_state=0).fit(X).to_state()
    wrong = changed(state, "params", "contamination", value=np.zeros(2))
    refused(wrong, tmp_path, "params.contamination", "pyod_iotae.SequenceIoTAE", SequenceIoTAE.from_state)


@pytest.mark.parametrize(
    ("path", "value", "match"),
    [
        (("counts", "rows"), -1, "counts.rows"),
        (("counts", "alarms"), 10**6, "one for each row"),
        (("length",), 10**400, "length"),
        (("model",), [], "model"),
        (("source", "line_end"), "\ud800", "source.line_end"),
        (("source", "notation", "separator"), "", "a mark that can stand between cells"),
        (("source", "notation", "names"), ["a", "a"], "source.notation.names"),
        (("source", "notation", "evidence", "a", "present"), 1.5, "evidence.a.present"),
        (("source", "notation", "evidence", "a", "times", "dmy", 1), "2026-01-01T00:00:00Z", "time zone"),
        (("source", "notation", "evidence", "a", "times", "mdy", 2), "soon", "time zone"),
    ],
)
def test_a_checkpoint_that_no_run_has_written_is_refused_in_one_line(path, value, match, tmp_path, capsys):
    events, state = tmp_path / "events.csv", tmp_path / "state"
    argv = ["stream", events, "-o", tmp_path / "out.csv", "--checkpoint", state]
    events.write_text("a,b\n1,2\n3,4\n")
    assert main(list(map(str, argv))) == 0
    saved = state / "checkpoint.iotae"
    data = serialization.read(saved)[1]
    saved.write_bytes(mutations.sealed("StreamCheckpoint", changed(data, "state", *path, value=value)))
    capsys.readouterr()
    assert main(list(map(str, argv))) == 1
    said = capsys.readouterr().err
    assert said.startswith("iotae: error: ")
    assert said.count("\n") == 1
    assert match in said


def test_an_error_obeys_no_terminal_and_has_a_bounded_length(tmp_path, capsys):
    (tmp_path / "answers.csv").write_bytes(b"row,\x1b]0;title\x07" + b"x" * 5000 + b"\n1,2\n")
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    argv = ["stream", tmp_path / "a.csv", "-o", tmp_path / "o.csv", "--labels", tmp_path / "answers.csv"]
    assert main(list(map(str, argv))) == 1
    said = capsys.readouterr().err
    assert r"\x1b]0;title\x07" in said
    assert said[:-1].isprintable()
    assert len(said) < 1000


def test_an_object_that_is_deeper_than_calls_may_be_costs_its_line_alone(tmp_path, monkeypatch, capsys):
    flat = jsonl.flat

    def as_in_a_newer_python(value, name=""):
        if "deep" in value:
            raise RecursionError("maximum recursion depth exceeded")
        return flat(value, name)

    monkeypatch.setattr(jsonl, "flat", as_in_a_newer_python)
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n{"deep": [[1]]}\n{"a": 2}\n')
    assert main(["stream", str(tmp_path / "a.jsonl"), "-o", str(tmp_path / "out.csv")]) == 0
    said = capsys.readouterr().err
    assert "note: 1 lines that are no JSON object, set aside" in said
    assert "2 rows scored and learned" in said


def test_rules_that_are_too_deep_to_be_read_are_refused(tmp_path):
    (tmp_path / "rules.toml").write_text("[columns.a]\nsentinels = " + "[" * 5000)
    with pytest.raises(TableError, match="as TOML"):
        read_rules(tmp_path / "rules.toml")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ("update devices set last_seq = 'x'", "expected a whole number and a text"),
        ("update devices set device = x'00'", "expected a whole number and a text"),
        ("update model set state = 7", "expected bytes"),
        ("pragma user_version = -1", "of version -1"),
    ],
)
def test_a_ledger_that_was_changed_is_refused(change, match, tmp_path):
    path = str(tmp_path / "rows.sqlite")
    with Ledger(path, {}, DeviceNumbers()) as ledger:
        batch = ledger.new_of([Message("a", 1, {"x": 1.0}, "", (1, 1))])
        ledger.commit(batch, [Judgement(0.5, False, None, "")], {})
    with contextlib.closing(sqlite3.connect(path)) as base, base:
        base.execute(change)
    with pytest.raises((TableError, StateError), match=match), Ledger(path, {}, DeviceNumbers()) as ledger:
        ledger.load()
    # the lock is free again
    with contextlib.suppress(TableError, StateError), Ledger(path, {}, DeviceNumbers()) as ledger:
        ledger.load()


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
        (MapOf(Flag()), [{}, {"a": True}], [[], {"a": 1}, None]),
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
