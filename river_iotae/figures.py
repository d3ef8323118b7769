"""What River's model says of itself, and what a person may tell it while it runs."""

from __future__ import annotations

from typing import Any, Self

from river import base

from iotae._sharing import Unshared
from iotae._typing import State
from iotae._validation import check_count
from iotae.serialization.saved import Saved
from iotae.stream.autoencoder import OnlineAutoencoder
from iotae.stream.confirmed import Confirmed

__all__ = ["ModelOfAStream"]


class ModelOfAStream(Saved, Unshared, base.AnomalyDetector):
    """A River detector whose work is done by the core's model, with that model's figures."""

    _model: OnlineAutoencoder

    @classmethod
    def _of_params(cls, params: State) -> Self:
        """A new model with the parameters of a state, in which a tuple is a list."""
        sizes = params["hidden_sizes"]
        return cls(**{**params, "hidden_sizes": None if sizes is None else tuple(sizes)})

    @property
    def _mutable_attributes(self) -> set[str]:
        # the other settings shape what was learned so far
        return {"grace_period"}

    @property
    def grace_period(self) -> int:
        """Number of rows to take in before a row may be classified as anomalous."""
        return self._grace_period

    @grace_period.setter
    def grace_period(self, value: int) -> None:
        rows = check_count("grace_period", value, 0)
        if hasattr(self, "_model"):
            self._model.grace_period = rows
        self._grace_period = rows

    def classify(self, score: float) -> bool:
        """Whether a score is anomalous by the model's own streaming threshold."""
        return self._model.classify(score)

    def p_value(self, score: float) -> float:
        """Return the conformal p-value of a score among the latest scores, in (0, 1]."""
        return self._model.p_value(score)

    @property
    def threshold(self) -> float:
        """The current cut on the scores; infinity during the grace period."""
        return self._model.threshold

    @property
    def n_seen(self) -> int:
        """Number of rows taken in."""
        return self._model.n_seen

    @property
    def n_rejected(self) -> int:
        """Number of rows set aside because no cell was usable."""
        return self._model.n_rejected

    @property
    def n_unusable(self) -> int:
        """Number of cells set aside."""
        return self._model.n_unusable

    @property
    def confirmed(self) -> list[Confirmed]:
        """The kinds of alarm that were confirmed: number, label, kind in words, and how often."""
        return self._model.confirmed

    @property
    def n_withheld(self) -> int:
        """Number of rows not learned because their kind of alarm was confirmed as an anomaly."""
        return self._model.n_withheld

    @property
    def n_refused(self) -> int:
        """Number of rows that looked anomalous and taught nothing."""
        return self._model.n_refused

    @property
    def identifiers(self) -> list[base.typing.FeatureName]:
        """Text features that are ignored, because nearly each row has a value that was never seen."""
        return self._model.identifiers

    @property
    def left_out(self) -> list[base.typing.FeatureName]:
        """Features without a slot, of the latest row learned that had more than there are slots."""
        return self._model.left_out

    @property
    def n_doubled(self) -> int:
        """Number of rows that repeat the row before in each cell, where that is rare; they taught nothing."""
        return self._model.n_doubled

    @property
    def drift_detected(self) -> bool:
        """Whether rows that look anomalous are being adopted as a changed world."""
        return self._model.drift_detected

    def confirm_one(self, x: dict[base.typing.FeatureName, Any], label: bool | int | str) -> str:
        """Take an operator's answer to an alarm, and return the kind of alarm in words.

        Parameters
        ----------
        x
            The row that was the alarm, best before it is learned.
        label
            What it was: 0 or 'normal', so that such rows raise no alarm any more, or 1 or 'anomaly', so that
            such rows are never learned.

        """
        return self._model.confirm_one(x, label)

    def forget_confirmed(self, number: int) -> None:
        """Forget a kind of alarm that was confirmed, by its number in `confirmed`."""
        self._model.forget_confirmed(number)
