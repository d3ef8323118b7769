"""What the state of a whole detector for tables must look like."""

from __future__ import annotations

from iotae._typing import State
from iotae._validation.schema import ListOf, Maybe, Number, Record, Text, refuse
from iotae.batch.grouped_schema import AnyAutoencoder, of_all_rows
from iotae.nn.state_schema import SEED
from iotae.preprocessing.state_schema import PREPROCESSOR, n_features
from iotae.thresholds import QuantileThreshold

__all__ = ["TABLE_DETECTOR"]


def _check_parts(data: State, place: str) -> None:
    fitted = of_all_rows(data["autoencoder"], data["settings"].get("group"), "autoencoder")
    group, columns = data["settings"].get("group"), data["preprocessor"]["learned"]["columns"]
    if any(code["name"] == group for code in columns):
        raise refuse(group, "settings.group", "a column that is no feature")
    made, taken = n_features(data["preprocessor"]), fitted["network"]["n_features"]
    if made != taken:
        raise refuse(made, "preprocessor", f"one that makes the {taken} features that the autoencoder takes")


TABLE_DETECTOR = Record(
    {
        "settings": Record(
            {
                "alpha": Number(0.0, 1.0, inner=True),
                "holdout": Number(0.0, 1.0, inner=True),
                "seed": SEED,
                "label": Maybe(Text()),
                "normal_value": Maybe(Text()),
                "ignore": ListOf(Text()),
                "group": Maybe(Text()),
            },
            # before tables of many devices
            optional=frozenset({"group"}),
        ),
        "preprocessor": PREPROCESSOR,
        "autoencoder": AnyAutoencoder(),
        "threshold": QuantileThreshold.SCHEMA,
    },
    (_check_parts,),
)
