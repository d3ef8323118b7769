"""Exported ONNX models: equal to Python on usual, missing and hostile cells, in batches of any length."""

import json

import numpy as np
import pytest

from iotae import BatchAutoencoder, OnlineAutoencoder
from iotae.data import Table
from iotae.export import to_onnx
from iotae.export.stream_figures import frozen_scores
from iotae.export.table_figures import network_scores
from iotae.pipeline import TableDetector
from iotae.preprocessing import Preprocessor
from tests.test_export_c import TABLES, hostile, learned, sensors

onnxruntime = pytest.importorskip("onnxruntime")


def session(source):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def run(graph, rows):
    return graph.run(["score", "alarm"], {"cells": np.ascontiguousarray(rows)})


@pytest.fixture(scope="module")
def stream():
    rows = sensors(3000, 7)
    model = learned(rows[:2000])
    return model, session(to_onnx(model)), hostile(rows[2000:])


def test_a_stream_scores_as_score_one(stream):
    model, graph, rows = stream
    score, alarm = run(graph, rows)
    expected = frozen_scores(model, rows)
    assert len(rows) == 1000
    assert np.abs(score - expected).max() < 1e-5
    assert (alarm == (expected > model.threshold)).all()


def test_a_batch_has_any_length_and_rows_do_not_depend_on_each_other(stream):
    _, graph, rows = stream
    whole = run(graph, rows)[0]
    assert run(graph, rows[:0])[0].shape == (0,)
    assert np.abs(run(graph, rows[7:8])[0] - whole[7:8]).max() < 1e-6
    assert np.abs(run(graph, rows[::-1])[0] - whole[::-1]).max() < 1e-6


def test_the_metadata_names_the_features_and_the_cut(stream):
    model, graph, _ = stream
    about = graph.get_modelmeta().custom_metadata_map
    assert json.loads(about["iotae.features"]) == [f"s{j}" for j in range(7)]
    assert float(about["iotae.cut"]) == model.threshold
    assert about["iotae.kind"] == "an iotae stream model"


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "leaky_relu", "elu"])
def test_streams_of_other_networks_and_short_ones(activation):
    rows = sensors(400, 3, seed=3)
    model = learned(rows[:60], activation=activation, hidden_sizes=(5, 2, 9), batch_size=4)
    score, alarm = run(session(to_onnx(model)), hostile(rows))
    assert np.abs(score - frozen_scores(model, hostile(rows))).max() < 1e-5
    assert not alarm.any()


def test_a_stream_of_one_row():
    model = learned(np.array([[1.0, 2.0]]))
    rows = hostile(np.random.default_rng(0).normal(size=(50, 2)))
    assert np.abs(run(session(to_onnx(model)), rows)[0] - frozen_scores(model, rows)).max() < 1e-5


@pytest.mark.parametrize("settings", TABLES.values(), ids=TABLES)
def test_a_table_scores_as_its_network(settings):
    rows = sensors(2000, 5)
    table = Table({f"s{j}": column for j, column in enumerate(rows[:1000].T)})
    model = BatchAutoencoder(epochs=3, seed=0, **settings[0])
    detector = TableDetector(Preprocessor(**settings[1]), model, seed=0, alpha=0.05).fit(table)
    tested = hostile(rows[1000:])
    score, expected = run(session(to_onnx(detector)), tested)[0], network_scores(detector, tested)
    assert (np.abs(score - expected) / np.maximum(expected, 1.0)).max() < 1e-5


def test_what_cannot_be_exported_is_refused():
    with pytest.raises(ValueError, match="has learned no row"):
        to_onnx(OnlineAutoencoder(seed=0))
    with pytest.raises(TypeError, match="Got a int"):
        to_onnx(3)
