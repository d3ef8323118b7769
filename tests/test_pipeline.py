"""The whole detector for tables: who it learns from, where its cut comes from, what it writes."""

from __future__ import annotations

import numpy as np
import pytest

from iotae.batch.autoencoder import BatchAutoencoder
from iotae.data import Table, TableError
from iotae.pipeline import TableDetector
from iotae.preprocessing import Preprocessor
from iotae.preprocessing.encoding import ColumnCode
from iotae.serialization import StateError, write


def traffic(rng, n=600, attacks=60):
    """Rows of a small network: what protocol, how long, how much; the last ones break the relation."""
    load = rng.normal(size=n)
    odd = np.arange(n) >= n - attacks
    table = Table(
        {
            "duration": load + rng.normal(scale=0.1, size=n),
            "bytes": np.where(odd, -3.0 * load - 3, 2.0 * load) + rng.normal(scale=0.1, size=n),
            "protocol": np.where(odd, rng.choice(["icmp", "tcp"], n), rng.choice(["tcp", "udp"], n)).astype(
                object
            ),
            "attack": np.where(odd, "neptune", "normal").astype(object),
        }
    )
    return table, odd


def quick(**settings):
    return BatchAutoencoder(seed=0, epochs=80, **settings)


@pytest.fixture(scope="module")
def fitted():
    table, odd = traffic(np.random.default_rng(0))
    return TableDetector(autoencoder=quick(), alpha=0.05, seed=0, label="attack").fit(table, odd), table, odd


def test_anomalies_score_higher(fitted):
    detector, table, odd = fitted
    scores = detector.score(table)
    assert scores[odd].mean() > 2 * scores[~odd].mean()
    assert detector.classify(scores)[odd].mean() > 0.8


def test_the_cut_is_a_quantile_of_normal_rows_that_were_held_out(fitted):
    detector, table, odd = fitted
    held = np.random.default_rng(0).permutation(np.flatnonzero(~odd))[: round(0.2 * (~odd).sum())]
    assert detector.threshold == np.quantile(detector.score(table)[held], 0.95)
    assert (detector.n_learned, detector.n_calibrated) == (540 - 108, 108)


def test_labelled_anomalies_teach_the_network_and_the_cut_nothing(rng):
    table, odd = traffic(rng)
    steps = {"preprocessor": Preprocessor(select=()), "autoencoder": quick(), "seed": 0, "label": "attack"}
    with_attacks = TableDetector(**steps).fit(table, odd)
    moved = {name: table.array(name).copy() for name in table.names}
    moved["bytes"][odd] *= 1000.0
    other = TableDetector(Preprocessor(select=()), quick(), seed=0, label="attack").fit(Table(moved), odd)
    assert other.threshold == with_attacks.threshold
    np.testing.assert_array_equal(other.score(table), with_attacks.score(table))


def test_without_labels_the_cut_is_a_quantile_of_all_rows(rng):
    table, _ = traffic(rng)
    table = table.without(["attack"])
    detector = TableDetector(autoencoder=quick(), alpha=0.1, seed=0).fit(table)
    scores = detector.score(table)
    assert detector.threshold == np.quantile(scores, 0.9)
    assert detector.classify(scores).sum() == 60


def test_few_rows_are_all_learned_from():
    table = Table({"a": [0.1, 0.2, 0.35, 0.4], "b": [1.0, 2.0, 3.0, 4.0]})
    detector = TableDetector(autoencoder=quick(), seed=0).fit(table, [0, 0, 0, 1])
    assert (detector.n_learned, detector.n_calibrated) == (3, 3)


def test_every_row_has_a_score_whatever_is_missing(rng):
    table, odd = traffic(rng)
    for missing in ("keep", "fill", "drop"):
        detector = TableDetector(Preprocessor(missing=missing), quick(), seed=0, label="attack").fit(
            table, odd
        )
        holes = Table({"duration": ["", "1", "x"], "bytes": ["", "", "2"], "protocol": ["", "tcp", "new"]})
        scores = detector.score(holes)
        assert scores.shape == (3,)
        assert np.isfinite(scores).all()
        assert (scores >= 0).all()


def test_the_paper_pipeline_learns_from_rows_that_are_no_outliers(rng):
    table, odd = traffic(rng)
    detector = TableDetector(Preprocessor.paper(), quick(), seed=0, label="attack").fit(table, odd)
    assert detector.n_learned == int(detector.preprocessor.training_mask_.sum()) <= 432
    assert detector.n_calibrated == 108


def test_the_label_is_no_feature_and_may_be_absent(fitted):
    detector, table, _ = fitted
    assert detector.preprocessor.feature_names_in == ["duration", "bytes", "protocol"]
    scores, notes = detector.score_with_notes(table)
    assert not notes
    np.testing.assert_array_equal(detector.score(table.without(["attack"])), scores)


def test_scores_do_not_hang_on_the_other_rows(fitted):
    detector, table, _ = fitted
    whole = detector.score(table)
    parts = [detector.score(table.take(np.arange(start, start + 100))) for start in range(0, 600, 100)]
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-5)


def test_a_table_without_rows_has_no_scores(fitted):
    detector, table, _ = fitted
    assert detector.score(table.take(np.array([], dtype=int))).shape == (0,)


def test_shares_belong_to_columns_and_sum_to_the_score(fitted):
    detector, table, _ = fitted
    names, shares = detector.explain(table)
    assert names == ["duration", "bytes", "protocol"]
    np.testing.assert_allclose(shares.sum(axis=1), detector.score(table), rtol=1e-5)
    assert (shares >= 0).all()


def test_a_saved_detector_scores_bit_for_bit_the_same(fitted, tmp_path):
    detector, table, _ = fitted
    detector.save(tmp_path / "model.iotae")
    back = TableDetector.load(tmp_path / "model.iotae")
    np.testing.assert_array_equal(back.score(table), detector.score(table))
    assert back.threshold == detector.threshold
    assert (back.label, back.alpha, back.seed) == ("attack", 0.05, 0)


def test_the_same_seed_gives_the_same_bytes(rng, tmp_path):
    table, odd = traffic(rng)
    for name in ("a", "b"):
        TableDetector(autoencoder=quick(), seed=3, label="attack").fit(table, odd).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_file_of_another_kind_is_refused(tmp_path):
    write(tmp_path / "other", "Something", {})
    with pytest.raises(StateError, match="expected that of TableDetector"):
        TableDetector.load(tmp_path / "other")


@pytest.mark.parametrize("setting", [{"alpha": 0.0}, {"alpha": 1.0}, {"holdout": 0.0}, {"holdout": 1.5}])
def test_wrong_settings(setting):
    with pytest.raises(ValueError, match="but expected"):
        TableDetector(**setting)


def test_labels_must_fit_the_table():
    with pytest.raises(TableError, match="labels of shape"):
        TableDetector().fit(Table({"a": [1.0, 2.0]}), [1])


@pytest.mark.parametrize("wrong", [2, -1, np.nan])
def test_labels_other_than_0_and_1_are_refused(rng, wrong):
    table = Table({"x": rng.normal(size=50)})
    labels = np.zeros(50)
    labels[7] = wrong
    with pytest.raises(ValueError, match=r"y\[7\]="):
        TableDetector(seed=0).fit(table, labels)


def test_fit_leaves_the_callers_objects_as_they_were(rng):
    table, odd = traffic(rng)
    preprocessor, autoencoder = Preprocessor(), quick()
    detector = TableDetector(preprocessor, autoencoder, seed=0, label="attack").fit(table, odd)
    assert not autoencoder.clean
    assert autoencoder.history == []
    with pytest.raises(TableError, match="call fit first"):
        preprocessor.report()
    assert detector.autoencoder.clean
    # what an earlier fit was told is not remembered
    again, first = detector.fit(table), TableDetector(autoencoder=quick(), seed=0, label="attack").fit(table)
    assert not again.autoencoder.clean
    np.testing.assert_array_equal(again.score(table), first.score(table))


def test_a_fit_that_fails_leaves_the_earlier_one(fitted):
    detector, table, _ = fitted
    scores = detector.score(table)
    with pytest.raises(TableError, match="no row that is labelled normal"):
        detector.fit(table, np.ones(table.n_rows))
    np.testing.assert_array_equal(detector.score(table), scores)


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("steps", [{}, {"outliers": "iqr"}, {"missing": "drop"}])
def test_a_table_is_encoded_once_and_no_row_is_scored_twice(labelled, steps, rng, monkeypatch):
    table, odd = traffic(rng)
    encoded, scored = [], []
    encode, score = ColumnCode.encode, BatchAutoencoder.score
    monkeypatch.setattr(
        ColumnCode, "encode", lambda self, part: encoded.append(part.n_rows) or encode(self, part)
    )
    monkeypatch.setattr(BatchAutoencoder, "score", lambda self, X: scored.append(len(X)) or score(self, X))
    detector = TableDetector(Preprocessor(**steps), quick(), seed=0, label="attack")
    detector.fit(table, odd if labelled else None)
    assert sum(encoded) == 3 * table.n_rows
    assert sum(scored) == (detector.n_calibrated if labelled else table.n_rows - detector.n_learned)


def test_a_verdict_is_score_classify_and_explain_of_the_alarms_at_once(fitted):
    detector, table, _ = fitted
    verdict = detector.judge(table, explain=True)
    np.testing.assert_array_equal(verdict.scores, detector.score(table))
    np.testing.assert_array_equal(verdict.alarms, detector.classify(verdict.scores))
    names, shares = detector.explain(table)
    assert detector.columns == names
    np.testing.assert_allclose(verdict.shares, shares[verdict.alarms], rtol=1e-5)
    assert detector.judge(table).shares is None
    assert detector.judge(table.take(np.arange(0)), explain=True).shares.shape == (0, 3)


def test_a_noisy_meter_does_not_make_an_alarm_of_every_later_row(rng):
    n = 1000
    energy = 300.0 * np.arange(2 * n) / n + 9.0 * rng.normal(size=2 * n)
    columns = {"energy": energy, "watts": rng.normal(size=2 * n), "volts": 230 + rng.normal(size=2 * n)}
    earlier, later = (Table({name: values[k : k + n] for name, values in columns.items()}) for k in (0, n))

    def share_of_alarms(preprocessor=None):
        detector = TableDetector(preprocessor, quick(), alpha=0.05, seed=0).fit(earlier)
        return detector.classify(detector.score(later)).mean()

    assert share_of_alarms() < 0.12
    assert share_of_alarms(Preprocessor(select=("counter", "constant"))) > 0.8
