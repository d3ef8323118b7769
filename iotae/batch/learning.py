"""What a table's model learns from scaled rows: the autoencoder, the network of the cells, and the views."""

from __future__ import annotations

from typing import NamedTuple

from iotae._typing import Float32, Int64
from iotae.batch.categories import column_weights
from iotae.batch.cells import CellView
from iotae.batch.forest import Forest
from iotae.batch.row_selection import choose_rows
from iotae.batch.scoring import JoinedScore
from iotae.nn.network import Network
from iotae.nn.training import Engine, Training, propagate_rows, train_network

__all__ = ["CLEAN_UPDATES", "UPDATES", "Learned", "Rows", "learn_views"]

UPDATES, CLEAN_UPDATES = 100, 600
"""Updates, not epochs, are capped; clean rows may be learned for longer."""


class Rows(NamedTuple):
    """Scaled rows (n, d) with NaN for missing, their weights (n,), the categories, and if all are normal."""

    rows: Float32
    weights: Float32
    categories: Int64 | None
    clean: bool


class Learned(NamedTuple):
    """The loss of each pass, what the autoencoder makes of all rows (n, d), and the fitted views."""

    history: list[float]
    output: Float32
    views: JoinedScore


def learn_views(network: Network, given: Rows, how: Training, engine: Engine, progress: bool) -> Learned:
    """Choose rows, train the autoencoder in place, and fit the views of the score."""
    rows, weights, categories, clean = given
    references, training = choose_rows(rows, clean, network.generator, categories)
    history = train_network(network, rows[training], weights[training], how, engine, progress)
    latent, output = propagate_rows(network, rows, engine)
    residual = rows - output
    cells = CellView(rows.shape[1], categories).fit(rows[training], weights[training], clean, network.seed)
    if not clean:
        references = references[cells.in_order(rows[references])]
    counts = column_weights(categories, rows.shape[1])
    # a state of the machine that is rare by right is a small group, too
    hears_forest = not clean and categories is None
    forest = Forest().fit(rows, network.seed) if hears_forest else None
    views = JoinedScore(cells, clean, forest).fit(
        (rows[training], latent[training], residual[training]),
        (rows, latent, residual),
        rows[references],
        counts,
    )
    return Learned(history, output, views)
