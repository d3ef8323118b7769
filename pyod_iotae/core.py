"""The core's model with a PyOD detector's settings, and its errors in PyOD's names."""

from __future__ import annotations

import copy
import re
from typing import Any

import numpy as np

from iotae._random import draw_seed
from iotae.batch.autoencoder import BatchAutoencoder
from iotae.batch.grouped import GroupedAutoencoder

__all__ = ["core_of"]

_NAMES = {
    "hidden_sizes": "hidden_neuron_list",
    "activation": "hidden_activation_name",
    "learning_rate": "lr",
    "epochs": "epoch_num",
    "seed": "random_state",
}
"""The core's names of settings that PyOD calls otherwise."""

_SHARE = 0.1
"""The share of each group's rows above the common cut, where contamination is no number."""

_NAMED = re.compile(rf"\b({'|'.join(_NAMES)})(?==)")


def core_of(detector: Any) -> BatchAutoencoder | GroupedAutoencoder:
    """Return an unfitted model of the core with a detector's settings, or one for each group.

    With groups, the share of the rows above the common cut is ``contamination``, where it is a number.

    Raises
    ------
    ValueError
        If a setting cannot be used; the message names the detector's own argument.

    Examples
    --------
    >>> from pyod_iotae import IoTAE
    >>> core_of(IoTAE(epoch_num=0))
    Traceback (most recent call last):
    ValueError: Got epoch_num=0, but expected a whole number of at least 1.
    """
    random = detector.random_state
    if isinstance(random, (np.random.RandomState, np.random.Generator)):
        draw = random.randint if isinstance(random, np.random.RandomState) else random.integers
        random = int(draw(2**31 - 1))
    try:
        model = BatchAutoencoder(
            hidden_sizes=detector.hidden_neuron_list,
            activation=detector.hidden_activation_name,
            learning_rate=detector.lr,
            epochs=detector.epoch_num,
            batch_size=detector.batch_size,
            dropout_rate=detector.dropout_rate,
            scaling="standard" if detector.preprocessing else "none",
            clean=detector.clean,
            # drawn here, so that a second look at the rows holds out the same
            seed=draw_seed(None if random is None else int(random)),
            device=detector.device,
            # the core trains what it is given
            network=copy.deepcopy(detector.network),
            progress=detector.verbose == 1,
        )
    except ValueError as error:
        raise ValueError(_NAMED.sub(lambda found: _NAMES[found[1]], str(error))) from error
    if detector.groups is None:
        return model
    share = detector.contamination if detector.threshold == "contamination" else detector.alpha
    return GroupedAutoencoder(model, float(share) if isinstance(share, (int, float, np.number)) else _SHARE)
