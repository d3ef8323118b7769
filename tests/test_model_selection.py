"""The search: what it tries, how it judges, that it never sees the test rows, and that it picks well."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from iotae.batch.autoencoder import BatchAutoencoder
from iotae.data import Table, TableError
from iotae.evaluation import roc_auc
from iotae.model_selection import GRID, funnel, swap_cells, swap_f1, tune
from iotae.model_selection.grid import candidates
from iotae.model_selection.synthetic_anomalies import f1_at_share
from iotae.pipeline import TableDetector
from iotae.plots import TuningDisplay
from iotae.preprocessing import Preprocessor
from iotae.simulator import simulate

SMALL = {"layers": [1, 3], "neurons": [4], "alpha": [0.01, 0.1]}


def simulated(seed=0, n=400, rate=0.1):
    stream = simulate(n, interval=600, anomaly_rate=rate, seed=seed)
    names = [name for name in stream.columns if name not in ("label", "kind")]
    return Table({name: stream.columns[name] for name in names}), stream.label.astype(bool)


def quick(**settings):
    return TableDetector(autoencoder=BatchAutoencoder(epochs=20, seed=0), seed=0, **settings)


def same_bits(first, second):
    assert first.table == second.table
    assert first.best_params == second.best_params
    probe = simulated(seed=9)[0]
    np.testing.assert_array_equal(first.best_model.score(probe), second.best_model.score(probe))
    assert first.best_model.threshold == second.best_model.threshold


# -- the test part ---------------------------------------------------------------------------------


@pytest.mark.untraced
@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("poison", [np.nan, 1e300, -7.0, "text"])
def test_what_stands_in_the_test_rows_changes_no_bit_of_the_search(labelled, poison):
    table, y = simulated()
    labels = y if labelled else None
    clean = tune(quick(), table, labels, grid=SMALL, n_splits=3)
    columns = {}
    for name in table.names:
        # as text where the poison is text: a file's column with one such cell is text altogether
        values = table.texts(name).copy() if poison == "text" else table.array(name).copy()
        is_time = values.dtype.kind == "M"
        values[clean.test_index] = (
            np.datetime64("NaT") if is_time else f"{poison}" if values.dtype.kind == "O" else poison
        )
        columns[name] = values
    poisoned = tune(quick(), Table(columns), labels, grid=SMALL, n_splits=3)
    np.testing.assert_array_equal(clean.test_index, poisoned.test_index)
    same_bits(clean, poisoned)
    if labelled:
        assert clean.test != poisoned.test  # they were poisonous indeed


def test_no_fit_and_no_score_of_the_search_is_given_a_test_row(monkeypatch):
    table, y = simulated()
    table = Table({"row": np.arange(400) ** 2.0} | {name: table.array(name) for name in table.names})
    seen = {"fit": [], "score": []}
    for method, name in (("fit", "fit"), ("score_with_notes", "score")):
        original = getattr(TableDetector, method)

        def spy(self, rows, *args, original=original, name=name, **kwargs):
            seen[name].append(set(np.sqrt(rows.array("row")).round().astype(int).tolist()))
            return original(self, rows, *args, **kwargs)

        monkeypatch.setattr(TableDetector, method, spy)
    found = tune(quick(), table, y, grid=SMALL, n_splits=3)
    train, test = (set(part.tolist()) for part in (found.train_index, found.test_index))
    assert train | test == set(range(400))
    assert not train & test
    assert len(test) == 120
    *search, refit = seen["fit"]
    *held, final = seen["score"]
    assert len(search) == len(held) == 2 * 3
    assert refit == train
    assert final == test
    for fitted, judged in zip(search, held, strict=True):
        assert fitted | judged == train
        assert not fitted & judged
    for part in (0, 3):
        assert set.union(*held[part : part + 3]) == train


def test_all_rows_are_searched_where_the_test_part_lies_elsewhere():
    table, y = simulated(n=200)
    found = tune(quick(), table, y, grid=SMALL, n_splits=2, test_size=None)
    assert found.test is None
    assert (found.train_index.size, found.test_index.size) == (200, 0)


# -- the figures -----------------------------------------------------------------------------------


def test_table_agrees_with_a_search_by_hand():
    table, y = simulated()
    found = tune(quick(), table, y, grid=SMALL, n_splits=3, seed=4)
    assert [record["rank"] for record in found.table] == sorted(record["rank"] for record in found.table)
    assert len(found.table) == 4
    for record in found.table:
        folds = [record[f"f1_fold_{k}"] for k in (1, 2, 3)]
        assert record["f1_mean"] == pytest.approx(np.mean(folds))
        assert record["f1_sd"] == pytest.approx(np.std(folds, ddof=1))
        assert record["rank"] == 1 + sum(other["f1_mean"] > record["f1_mean"] for other in found.table)
    assert found.best_params == {name: found.table[0][name] for name in SMALL}
    # one fold of one candidate, by scikit-learn
    from iotae.model_selection import _folds

    truth, part = y[found.train_index], table.take(found.train_index)
    held = _folds(truth, 3, 4, labelled=True) == 1
    assert np.bincount(truth[held]).tolist() == [84, 9]
    detector = TableDetector(autoencoder=BatchAutoencoder((4, 2, 4), epochs=20, seed=0), alpha=0.1, seed=0)
    detector.fit(part.take(~held), truth[~held])
    expected = f1_score(truth[held], detector.classify(detector.score(part.take(held))))
    (record,) = (r for r in found.table if (r["layers"], r["alpha"]) == (3, 0.1))
    assert record["f1_fold_2"] == pytest.approx(expected)


def test_best_model_is_the_refit_and_test_figures_are_its_own():
    table, y = simulated()
    found = tune(quick(), table, y, grid=SMALL, n_splits=3)
    hidden = funnel(found.best_params["layers"], found.best_params["neurons"])
    by_hand = TableDetector(
        autoencoder=BatchAutoencoder(hidden, epochs=20, seed=0), alpha=found.best_params["alpha"], seed=0
    ).fit(table.take(found.train_index), y[found.train_index])
    test = table.take(found.test_index)
    np.testing.assert_array_equal(found.best_model.score(test), by_hand.score(test))
    assert found.best_model.threshold == by_hand.threshold
    alarms = by_hand.classify(by_hand.score(test))
    assert found.test.confusion.f1 == pytest.approx(f1_score(y[found.test_index], alarms))


def test_model_goes_to_a_file_and_back(tmp_path):
    table, y = simulated()
    found = tune(quick(), table, y, grid=SMALL, n_splits=2)
    found.best_model.save(tmp_path / "model.iotae")
    again = TableDetector.load(tmp_path / "model.iotae")
    assert again.threshold == found.best_model.threshold
    np.testing.assert_array_equal(again.score(table), found.best_model.score(table))


def test_search_repeats_itself_in_one_process_and_in_two_and_leaves_its_template_alone():
    table, y = simulated(n=200)
    detector = quick()
    first = tune(detector, table, y, grid=SMALL, n_splits=2)
    same_bits(first, tune(detector, table, y, grid=SMALL, n_splits=2))
    same_bits(first, tune(detector, table, y, grid=SMALL, n_splits=2, n_jobs=2))
    assert detector.threshold == np.inf
    other = tune(detector, table, y, grid=SMALL, n_splits=2, seed=1)
    assert other.table != first.table


def test_equals_share_a_rank_and_the_first_in_the_grid_is_taken():
    table, y = simulated(n=200)
    found = tune(quick(), table, y, grid={"epochs": [7, 7], "alpha": [0.05]}, n_splits=2)
    assert [record["rank"] for record in found.table] == [1, 1]
    alone = tune(quick(), table, y, grid={"alpha": [0.05]}, n_splits=2)
    assert alone.best_params == {"alpha": 0.05}


def test_label_and_dropped_columns_are_no_features():
    table, y = simulated(n=200)
    marked = Table(
        {name: table.array(name) for name in table.names} | {"attack": y.astype(float), "note": y * 2.0}
    )
    with_label = tune(quick(label="attack", ignore=["note"]), marked, y, grid=SMALL, n_splits=2)
    without = tune(quick(), table, y, grid=SMALL, n_splits=2)
    assert with_label.table == without.table
    assert "attack" not in with_label.best_model.preprocessor.feature_names_in


# -- the criterion without labels ------------------------------------------------------------------


@pytest.mark.untraced
@pytest.mark.parametrize("seed", [0, 1])
def test_without_labels_the_bottleneck_is_found_and_the_identity_is_not(seed):
    """Two loads drive six sensors. By the error of held-out rows the widest network would win."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(1200, 2)) @ rng.normal(size=(2, 6)) + rng.normal(scale=0.1, size=(1200, 6))
    held, odd = X[:200], X[:200].copy()
    sensor = rng.integers(6, size=200)
    odd[np.arange(200), sensor] += rng.choice([-1.5, 1.5], 200) * X.std(axis=0)[sensor]
    settings = {"scoring": "reconstruction", "epochs": 300, "batch_size": 64, "seed": 0}
    grid = {"hidden_sizes": [(64,), (8, 2, 8)], "learning_rate": [1e-5, 1e-2]}
    table = Table({f"sensor {i}": column for i, column in enumerate(X[200:].T)})
    detector = TableDetector(autoencoder=BatchAutoencoder(**settings), alpha=0.05, seed=0)
    found = tune(detector, table, grid=grid, n_splits=2)
    assert found.criterion == "swaps"
    assert found.best_params == {"hidden_sizes": (8, 2, 8), "learning_rate": 1e-2}
    area, error = {}, {}
    for record in found.table:
        key = record["hidden_sizes"], record["learning_rate"]
        model = BatchAutoencoder(key[0], learning_rate=key[1], **settings).fit(X[200:])
        truth = np.repeat([0, 1], 200)
        area[key] = roc_auc(truth, np.concatenate([model.score(held), model.score(odd)]))
        error[key] = model.reconstruction_error(held).mean()
    assert max(area, key=area.get) == ((8, 2, 8), 1e-2)
    assert min(error, key=error.get) == ((64,), 1e-2)


@pytest.mark.untraced
def test_without_labels_the_simulators_anomalies_are_found_as_well_as_the_grid_allows():
    table, y = simulated(seed=3, n=1500, rate=0.05)
    grid = {
        "hidden_sizes": [(2,), (8, 4, 8), (64,)],
        "learning_rate": [1e-4, 3e-3],
        "alpha": [0.005, 0.05, 0.5],
    }
    detector = TableDetector(seed=0)
    chosen = tune(detector, table, grid=grid, n_splits=3)
    truth = y[chosen.test_index]
    test = table.take(chosen.test_index)

    def on_test(params):
        ((_, model),), (alpha,) = candidates(detector, {name: [value] for name, value in params.items()})
        model.alpha = alpha
        model.fit(table.take(chosen.train_index))
        return f1_score(truth, model.classify(model.score(test)))

    figures = [on_test({name: record[name] for name in grid}) for record in chosen.table]
    assert chosen.best_params["alpha"] == 0.05  # the share of anomalies that was expected, and is there
    assert figures[0] >= np.max(figures) - 0.05
    assert figures[0] >= np.median(figures) + 0.1


@given(st.integers(2, 40), st.integers(1, 6), st.integers(0, 1000))
def test_a_swapped_row_differs_in_one_cell_which_its_column_holds_elsewhere(n, d, seed):
    X = np.arange(n * d, dtype=np.float64).reshape(n, d)
    swapped = swap_cells(X, np.random.default_rng(seed))
    different = swapped != X
    assert (different.sum(axis=1) == 1).all()
    for row, column in np.argwhere(different):
        assert swapped[row, column] in X[:, column]
    assert X.tolist() == np.arange(n * d, dtype=np.float64).reshape(n, d).tolist()


def test_swaps_keep_what_a_table_and_a_frame_hold():
    import pandas as pd

    table, _ = simulated(n=50)
    swapped = swap_cells(table, np.random.default_rng(0))
    assert swapped.names == table.names
    for name in table.names:
        assert swapped.array(name).dtype == table.array(name).dtype
    frame = pd.DataFrame({"a": [1.0, 2.0, np.nan], "b": [4.0, 5.0, 6.0]}, index=[7, 8, 9])
    again = swap_cells(frame, np.random.default_rng(0))
    assert list(again.columns) == ["a", "b"]
    assert list(again.index) == [7, 8, 9]
    np.testing.assert_array_equal(again, swap_cells(frame.to_numpy(), np.random.default_rng(0)))


@pytest.mark.parametrize("X", [np.ones((1, 3)), np.ones((3, 0)), Table({"a": [1.0]})])
def test_too_little_to_swap_is_refused(X):
    with pytest.raises(ValueError, match=r"Got \d rows of \d columns, but expected two rows"):
        swap_cells(X, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"shape \(3,\), but expected \(n, d\)"):
        swap_cells(np.ones(3), np.random.default_rng(0))


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 30), st.integers(1, 30))
def test_f1_from_rates_is_scikit_learns(tp, fp, more_anomalies, more_normal):
    anomalies, normal = tp + more_anomalies, fp + more_normal
    truth = np.repeat([1, 1, 0, 0], [tp, more_anomalies, fp, more_normal])
    alarms = np.repeat([1, 0, 1, 0], [tp, more_anomalies, fp, more_normal])
    expected = f1_score(truth, alarms, zero_division=0)
    assert f1_at_share(tp / anomalies, fp / normal, anomalies / truth.size) == pytest.approx(expected)


# -- scikit-learn ----------------------------------------------------------------------------------


@pytest.mark.parametrize("scoring", ["f1", swap_f1])
def test_scikit_learns_grid_search_tunes_the_pyod_model(scoring):
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    from pyod_iotae import IoTAE

    table, y = simulated(seed=1, n=600)
    X = Preprocessor().fit(table).transform(table)[0]
    grid = {"hidden_neuron_list": [[4], [8, 4, 8]], "lr": [3e-3], "contamination": [0.01, 0.1, 0.4]}
    search = GridSearchCV(
        IoTAE(random_state=0, epoch_num=20),
        grid,
        scoring=scoring,
        cv=StratifiedKFold(3, shuffle=True, random_state=0),
    )
    search.fit(X, y.astype(int))
    assert search.best_params_["contamination"] == 0.1
    assert search.best_estimator_.decision_scores_.shape == (600,)
    assert 0 < search.best_score_ < 1


def test_the_scorer_needs_no_labels_and_repeats_itself():
    from pyod_iotae import IoTAE

    table, _ = simulated(n=300)
    X = Preprocessor().fit(table).transform(table)[0]
    model = IoTAE(random_state=0, contamination=0.1).fit(X)
    assert swap_f1(model, X) == swap_f1(model, X, None, seed=0)
    assert len({swap_f1(model, X, seed=seed) for seed in range(5)}) > 1
    with pytest.raises(ValueError, match="Got anomaly_share=1"):
        swap_f1(model, X, anomaly_share=1)


# -- the figure ------------------------------------------------------------------------------------


def records():
    grid = {"layers": [1, 3, 5], "learning_rate": [1e-3], "alpha": [0.002, 0.005, 0.01, 0.02, 0.05, 0.1]}
    figures = np.random.default_rng(0).uniform(0.2, 0.9, 18).tolist()
    made = [
        {"layers": layers, "learning_rate": 1e-3, "alpha": alpha, "f1_sd": 0.05, "f1_fold_1": 0.5}
        for layers in grid["layers"]
        for alpha in grid["alpha"]
    ]
    table = [record | {"f1_mean": figure} for record, figure in zip(made, figures, strict=True)]
    table.sort(key=lambda record: -record["f1_mean"])
    return [{"rank": i} | record for i, record in enumerate(table, start=1)]


def test_figure_takes_the_table_as_it_is():
    table = records()
    display = TuningDisplay.from_results(table)
    assert {name: display.best[name] for name in ("layers", "alpha", "f1_mean")} == {
        name: table[0][name] for name in ("layers", "alpha", "f1_mean")
    }
    assert len(display.plot().ax_) == 2


def test_no_text_of_the_figure_overlaps_its_neighbour_or_leaves_the_figure():
    figure = TuningDisplay.from_results(records()).plot().figure_
    figure.draw_without_rendering()
    for axes in figure.axes:
        boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
        assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
    for text in figure.findobj(match=lambda artist: hasattr(artist, "get_fontsize")):
        if text.get_text().strip() and text.get_visible():
            assert text.get_fontsize() >= 8
            box = text.get_window_extent()
            assert box.x0 >= 0 and box.x1 <= figure.bbox.x1  # noqa: PT018


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"width": [3]}, "Got 'width' in the grid, but expected names among layers, neurons"),
        ({"alpha": []}, r"Got alpha=\[\] in the grid, but expected a list"),
        ({"alpha": 0.1}, "Got alpha=0.1 in the grid"),
        ({"activation": "tanh"}, "Got activation='tanh' in the grid"),
        ({"alpha": [0.1, 1.0]}, "Got alpha=1.0"),
        ({"layers": [1]}, "Got layers in the grid, but expected layers and neurons, or hidden_sizes"),
        ({"layers": [1], "neurons": [4], "hidden_sizes": [(4,)]}, "Got hidden_sizes, layers, neurons"),
        ({"layers": [2], "neurons": [4]}, "Got layers=2, but expected an odd number"),
        ({"layers": [1], "neurons": [0]}, "Got neurons=0"),
        ({"learning_rate": [1e-3, -1]}, "Got learning_rate=-1"),
        ({"hidden_sizes": [(4,), (0,)]}, "Got hidden_sizes="),
    ],
)
def test_a_wrong_grid_is_refused_before_anything_is_fitted(grid, message, monkeypatch):
    monkeypatch.setattr(TableDetector, "fit", lambda *_: pytest.fail("fitted"))
    table, y = simulated(n=100)
    with pytest.raises(ValueError, match=message):
        tune(quick(), table, y, grid=grid)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_splits": 1}, "Got n_splits=1"),
        ({"n_splits": 8}, "Got 63 rows without and 7 with an anomaly to search with, but expected 16 and 8"),
        ({"test_size": 1.5}, "Got test_size=1.5"),
        ({"anomaly_share": 0}, "Got anomaly_share=0"),
        ({"seed": -1}, "Got seed=-1"),
    ],
)
def test_wrong_settings_are_refused(settings, message):
    table, y = simulated(n=100)
    with pytest.raises(ValueError, match=message):
        tune(quick(), table, y, grid=SMALL, **settings)


def test_labels_must_fit_the_table_and_hold_anomalies():
    table, y = simulated(n=100)
    with pytest.raises(TableError, match=r"Got labels of shape \(99,\) for 100 rows"):
        tune(quick(), table, y[1:], grid=SMALL)
    with pytest.raises(ValueError, match="0 with an anomaly to search with"):
        tune(quick(), table, np.zeros(100), grid=SMALL)


def test_grid_takes_arrays_and_the_default_is_small_before_large():
    networks, alphas = candidates(quick(), {"learning_rate": np.logspace(-3, -2, 3)})
    assert [model.autoencoder.learning_rate for _, model in networks] == pytest.approx(
        [1e-3, 3.1623e-3, 1e-2], rel=1e-4
    )
    assert alphas == [0.1]
    assert all(list(values) == sorted(values) for values in GRID.values())


def test_recut_moves_the_cut_and_nothing_else(tmp_path):
    table, y = simulated()
    detector = quick(alpha=0.2).fit(table, y)
    before, scores = detector.threshold, detector.score(table)
    fresh = quick(alpha=0.05).fit(table, y)
    assert detector.recut(0.05).threshold == fresh.threshold > before
    assert detector.alpha == 0.05
    np.testing.assert_array_equal(detector.score(table), scores)
    with pytest.raises(ValueError, match="contamination=0"):
        detector.recut(0)
    assert detector.threshold == fresh.threshold
    detector.save(tmp_path / "model.iotae")
    loaded = TableDetector.load(tmp_path / "model.iotae")
    assert loaded.alpha == 0.05
    with pytest.raises(TableError, match="not fitted here"):
        loaded.recut(0.1)
