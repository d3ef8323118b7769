"""``iotae stream mqtt://...``: the rows of a broker's devices, to an SQLite file."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable, Hashable
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iotae.cli.terminal import announce_compiler, counted, say
from iotae.data import TableError

if TYPE_CHECKING:
    from iotae.runner.ledger import Judgement
    from iotae.stream.autoencoder import OnlineAutoencoder

__all__ = ["is_broker", "refuse_broker_options", "run_broker"]

_MOST_ROWS = 500
_NOT_HERE = {
    "label": "--label",
    "save": "--save",
    "save_every": "--save-every",
    "checkpoint": "--checkpoint",
    "checkpoint_every": "--checkpoint-every",
    "follow": "--follow",
    "safe_csv": "--safe-csv",
    "metrics": "--metrics",
    "webhook": "--webhook",
    "model": "--model",
    "labels": "--labels",
    "group": "--group",
    "group_mode": "--group-mode",
    "budget_per_day": "--budget-per-day",
}


def is_broker(events: str) -> bool:
    """Whether an input is the address of a broker.

    Examples
    --------
    >>> is_broker("mqtt://localhost/plant/#"), is_broker("mqtt.csv")
    (True, False)
    """
    return events.partition("://")[0] in ("mqtt", "mqtts")


def refuse_broker_options(args: Namespace) -> None:
    """Raise an error if options of a broker are given for a file, where nothing would come of them."""
    for name in ("alarms_to", "device_level", "client_id", "ca"):
        if vars(args)[name] is not None:
            option = f"--{name.replace('_', '-')}"
            raise TableError(
                f"Got {option} for a file, but expected it with mqtt://HOST/TOPIC: leave it out."
            )


def run_broker(args: Namespace) -> int:
    """Score and learn messages until a signal comes."""
    from iotae.cli.signals import StopSignals
    from iotae.runner.ledger import Ledger
    from iotae.runner.mqtt import Broker, BrokerAddress, takes

    given = [option for name, option in _NOT_HERE.items() if vars(args)[name]]
    if given:
        raise TableError(f"Got {given[0]} with a broker, which does not go together: leave it out.")
    if Path(args.output).suffix not in (".sqlite", ".db"):
        raise TableError(f"Got the output {args.output} for a broker's rows, but expected a .sqlite file.")
    address = BrokerAddress.of(args.events)
    if args.alarms_to is not None and takes(address.topic, args.alarms_to):
        raise TableError(
            f"Got the topic {args.alarms_to} for alarms, which {address.topic} takes in again: name another."
        )
    announce_compiler()
    # one session for each output: another output gets all messages, too
    own = blake2b(str(Path(args.output).absolute()).encode(), digest_size=6).hexdigest()
    words = {"topic": address.topic, "seed": args.seed, "alpha": args.alpha, "drop": sorted(args.drop)}
    words |= {"seq": args.seq, "device level": args.device_level}
    client = args.client_id or f"iotae-{own}"
    secrets = os.environ.get("IOTAE_MQTT_USER"), os.environ.get("IOTAE_MQTT_PASSWORD")
    with Ledger(args.output, words) as ledger:
        state = ledger.load()
        model, counts = _model_of(state, args)
        if state is not None:
            say(f"going on after {counted(counts['rows'], 'row')} in {args.output}")
        broker = Broker(address, client, args.seq, args.device_level, *secrets, args.ca)
        with broker, StopSignals() as until:
            for batch in until.stopped(broker.batches(_MOST_ROWS)):
                new = ledger.new_of(batch)
                judged = [_judged(model, _without(one.row, args.drop), args.explain) for one in new]
                counts = {
                    "rows": counts["rows"] + len(new),
                    "alarms": counts["alarms"] + sum(said.alarm for said in judged),
                }
                ledger.commit(new, judged, {"model": model.to_state(), "counts": counts})
                broker.acknowledge(batch)
                _send(ledger, args.alarms_to, broker.publish)
        say(f"{counted(counts['rows'], 'row')} scored and learned, {counted(counts['alarms'], 'alarm')}")
        for reason, n in ledger.aside().items():
            say(f"note: {n} {reason}, set aside")
        if ledger.n_doubled:
            say(f"note: {counted(ledger.n_doubled, 'message')} came again, passed over")
    return until.exit_code


def _model_of(state: Any, args: Namespace) -> tuple[OnlineAutoencoder, dict[str, int]]:
    from iotae import serialization
    from iotae.stream.autoencoder import OnlineAutoencoder

    if state is None:
        alpha = 0.01 if args.alpha is None else args.alpha
        return OnlineAutoencoder(seed=args.seed or 0, alpha=alpha), {"rows": 0, "alarms": 0}
    try:
        counts = {name: int(state["counts"][name]) for name in ("rows", "alarms")}
        return OnlineAutoencoder.from_state(state["model"]), counts
    except (LookupError, TypeError, ValueError) as error:
        raise serialization.StateError(f"{args.output}: no stream can go on with it ({error})") from error


def _without(row: dict[Hashable, Any], names: list[str]) -> dict[Hashable, Any]:
    return {name: cell for name, cell in row.items() if name not in names} if names else row


def _judged(model: OnlineAutoencoder, row: dict[Hashable, Any], explain: bool) -> Judgement:
    """Score, judge and learn a row; its reason is asked for before it is learned."""
    from math import isinf

    from iotae.runner.ledger import Judgement

    cut, reason = model.threshold, ""
    if explain:
        score = model.score_one(row)
        if score > cut:
            reason = "; ".join(model.reasons_one(row))
        model.learn_one(row)
    else:
        score, _ = model.score_learn_one(row)
    return Judgement(score, score > cut, None if isinf(cut) else cut, reason)


def _send(ledger: Any, topic: str | None, publish: Callable[[str, list[str]], int]) -> None:
    """Send what is not sent yet; what the broker does not confirm is sent again later."""
    if topic is None:
        return
    while waiting := ledger.unsent():
        n = publish(topic, [body for _, body in waiting])
        ledger.sent([key for key, _ in waiting[:n]])
        if n < len(waiting):
            return
