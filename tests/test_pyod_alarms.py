"""The PyOD detector's calibrated cuts: what they learn from, what they promise, what they refuse."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from iotae import BatchAutoencoder
from pyod_iotae import IoTAE, alarms, tables

MODES = ("conformal", "tail")


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    loadings = rng.normal(size=(2, 5))
    return rng.normal(size=(8000, 2)) @ loadings + 0.3 * rng.normal(size=(8000, 5))


@pytest.fixture(scope="module", params=MODES)
def fitted(request, rows):
    return IoTAE(threshold=request.param, alpha=0.02, random_state=0).fit(rows[:4000])


def test_the_network_learns_nothing_from_the_rows_held_out(fitted, rows):
    held = alarms.held_out(4000, fitted.threshold, 0.02, 0)
    assert held.sum() == 800
    core = BatchAutoencoder(seed=0).fit(rows[:4000][~held])
    np.testing.assert_array_equal(core.score(rows[:4000]), fitted.decision_scores_)


def test_new_normal_rows_are_alarms_as_often_as_asked_for(fitted, rows):
    rate = fitted.predict(rows[4000:]).mean()
    assert 0.02 / 3 < rate < 1.5 * 0.02
    p = fitted.predict_pvalue(rows[4000:])
    for level in (0.5, 0.2, 0.05):
        assert (p <= level).mean() == pytest.approx(level, rel=0.35)


def test_labels_predictions_p_values_and_the_cut_agree(fitted, rows):
    assert fitted.threshold_ == fitted.cut_.threshold
    np.testing.assert_array_equal(fitted.labels_, fitted.predict(rows[:4000]))
    probe = np.vstack([rows[4000:4500], 20 * rows[:20]])
    np.testing.assert_array_equal(
        fitted.predict(probe) == 1, fitted.predict_pvalue(probe) <= 0.02 * (1 + 1e-9)
    )
    assert fitted.predict(probe)[-20:].mean() > 0.9
    labels, confidence = fitted.predict(probe, return_confidence=True)
    assert ((confidence >= 0) & (confidence <= 1)).all()
    assert labels.shape == (520,)
    assert np.isfinite(fitted.predict_proba(probe)).all()


def test_a_tail_tells_apart_what_conformal_p_values_cannot(rows):
    far = rows[:1] * np.array([[10.0], [20.0], [40.0]])
    p = {mode: IoTAE(threshold=mode, random_state=0).fit(rows[:2000]).predict_pvalue(far) for mode in MODES}
    assert len(set(p["conformal"])) == 1
    assert p["tail"][0] > p["tail"][1] > p["tail"][2] > 0


def test_saved_cloned_and_refitted(fitted, rows, tmp_path):
    fitted.save(tmp_path / "m.iotae")
    back = IoTAE.load(tmp_path / "m.iotae")
    assert back.get_params() == fitted.get_params()
    assert back.threshold_ == fitted.threshold_
    np.testing.assert_array_equal(back.predict_pvalue(rows[:100]), fitted.predict_pvalue(rows[:100]))
    again = clone(fitted).fit(rows[:4000])
    assert again.threshold_ == fitted.threshold_
    for model in (back, again):
        model.partial_fit(rows[4000:6000])
    assert back.threshold_ == again.threshold_ != fitted.threshold_
    assert back.decision_scores_.shape == (2000,)
    plain = IoTAE(random_state=0).fit(rows[:500])
    plain.save(tmp_path / "plain.iotae")
    assert IoTAE.load(tmp_path / "plain.iotae").cut_ is None


def test_held_out_rows_are_bounded_and_at_least_what_the_rate_asks_for():
    assert alarms.held_out(1_000_000, "conformal", 0.01, 0).sum() == 10_000
    assert alarms.held_out(1000, "conformal", 0.003, 0).sum() == 333
    assert alarms.held_out(500, "tail", 0.01, 0).sum() == 200
    assert not alarms.held_out(10, "contamination", None, 0).any()


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"threshold": "quantile"}, "threshold='quantile', but expected one of 'contamination', 'conformal'"),
        ({"threshold": "tail"}, "Got 300 rows with threshold='tail' .* at least 400"),
        (
            {"threshold": "conformal", "alpha": 0.001},
            "at least 1998, of which 999 are held out",
        ),
        ({"alpha": 0.01}, "alpha=0.01 with threshold='contamination', but expected threshold='conformal'"),
        ({"threshold": "conformal", "alpha": 1.0}, "alpha=1.0, but expected"),
        ({"threshold": "tail", "alpha": 0.5}, "alpha=0.5 with threshold='tail'"),
        ({"threshold": "tail", "contamination": "auto"}, "contamination='auto'.* pass alpha"),
        ({"contamination": "most"}, "contamination='most', but expected a share"),
    ],
)
def test_bad_parameters_are_refused_at_fit(params, words, rows):
    with pytest.raises(ValueError, match=words):
        IoTAE(**params).fit(rows[:300])


def test_what_needs_held_out_rows_says_so(rows):
    class Cutter:
        def fit(self, scores): ...

    with pytest.raises(ValueError, match="pass alpha, e"):
        IoTAE(contamination=Cutter(), threshold="conformal").fit(rows[:300])
    with pytest.raises(ValueError, match="expected 'conformal' or 'tail' at fit"):
        IoTAE(random_state=0).fit(rows[:300]).predict_pvalue(rows[:3])


@pytest.mark.parametrize("mode", ["contamination", "conformal"])
def test_weights_are_checked_once_and_a_mixed_frame_is_read_once(mode, monkeypatch):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"watts": rng.normal(size=500), "mode": rng.choice(["eco", "max"], 500)})
    calls = []
    for module, name in ((alarms, "check_row_weights"), (tables, "_table")):
        known = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *args, known=known, name=name: calls.append(name) or known(*args)
        )
    IoTAE(threshold=mode, random_state=0).fit(frame, sample_weight=np.ones(500))
    assert sorted(calls) == ["_table", "check_row_weights"]


@pytest.mark.parametrize("mode", MODES)
def test_contamination_still_stands_for_alpha_and_says_so(mode, rows):
    with pytest.warns(FutureWarning, match="pass alpha=0.02") as told:
        old = IoTAE(threshold=mode, contamination=0.02, random_state=0).fit(rows[:1000])
    assert told[0].filename == __file__
    new = IoTAE(threshold=mode, alpha=0.02, random_state=0).fit(rows[:1000])
    assert old.threshold_ == new.threshold_
    assert new.cut_.alpha == 0.02
    # the default stands for alpha's own, without a word
    plain = IoTAE(threshold=mode, random_state=0).fit(rows[:1000])
    assert plain.cut_.alpha == 0.1
    # a contamination beside alpha does not count
    both = IoTAE(threshold=mode, alpha=0.02, contamination="auto", random_state=0).fit(rows[:1000])
    assert both.threshold_ == new.threshold_


def test_an_automatic_contamination_is_three_robust_deviations_above_the_median(rows, tmp_path):
    table = np.vstack([rows[:950], 15 * rows[:50]])
    clf = IoTAE(contamination="auto", random_state=0).fit(table)
    scores = clf.decision_scores_
    spread = 1.4826 * np.median(np.abs(scores - np.median(scores)))
    assert clf.threshold_ == pytest.approx(np.median(scores) + 3 * spread, rel=1e-12)
    assert clf.labels_[-50:].mean() > 0.9
    assert 0.03 < clf.labels_.mean() < 0.15
    np.testing.assert_array_equal(clf.predict(table), clf.labels_)
    assert np.isfinite(clf.predict_confidence(table)).all()
    assert set(clf.predict_with_rejection(table, c_r=0.1)) <= {-2, 0, 1}
    assert clone(clf).fit(table).threshold_ == clf.threshold_
    clf.save(tmp_path / "m.iotae")
    assert IoTAE.load(tmp_path / "m.iotae").partial_fit(table).contamination == "auto"
    with pytest.raises(ValueError, match="expected 'conformal' or 'tail'"):
        clf.predict_pvalue(table)


def test_an_automatic_cut_of_equal_scores_makes_no_outliers():
    assert IoTAE(contamination="auto", random_state=0).fit(np.ones((50, 2))).labels_.sum() == 0
