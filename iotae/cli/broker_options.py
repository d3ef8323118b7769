"""Which options go with a broker, which with a file, and what is made of them."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path
from typing import Any

from iotae.cli.paths import check_output
from iotae.data import TableError
from iotae.runner.addresses import BrokerAddress
from iotae.runner.sources import Login

__all__ = ["check_broker_options", "login_of", "refuse_broker_options", "words_of_stream"]

_DEFAULTS = {"format": "auto"}
_FILES_ALONE = (
    *("label", "save", "save_every", "checkpoint", "checkpoint_every", "follow", "labels", "group"),
    *("prefix", "safe_csv", "format", "sep", "decimal", "thousands", "time", "time_format", "budget_per_day"),
)
_INSTEAD = {
    "--group": "--group-mode has a model for each device; --device-level or --device-field says which it is",
    "--checkpoint": "the output is the checkpoint, leave it out",
    "--follow": "it is always so, leave it out",
}
_BROKERS_ALONE = ("seq", "epoch", "device_level", "device_field", "client_id", "ca", "keep")
_ONE_KIND = {
    "mqtt": ("seq", "epoch", "device_level"),
    "kafka": ("device_field",),
}


def _given(args: Namespace, names: tuple[str, ...]) -> str | None:
    """The first of some options that was given, as it is written."""
    for name in names:
        value = vars(args)[name]
        # the first level of a topic is 0
        if value is not None and value is not False and value not in ("", [], _DEFAULTS.get(name)):
            return f"--{name.replace('_', '-')}"
    return None


def refuse_broker_options(args: Namespace) -> None:
    """Raise an error if options of a broker are given for a file, where nothing would come of them."""
    if option := _given(args, _BROKERS_ALONE):
        raise TableError(
            f"Got {option} for a file, but expected it with mqtt://HOST/TOPIC or kafka://HOST/TOPIC: leave "
            "it out."
        )


def check_broker_options(args: Namespace, address: BrokerAddress) -> None:
    """Raise an error if options do not go with a broker of this kind, or with each other."""
    if option := _given(args, _FILES_ALONE):
        advice = _INSTEAD.get(option, "leave it out")
        raise TableError(f"Got {option} with a broker, which does not go together: {advice}.")
    for kind, names in _ONE_KIND.items():
        if kind != address.kind and (option := _given(args, names)):
            raise TableError(
                f"Got {option} with {address.kind}://, but expected it with {kind}://: leave it out."
            )
    if args.ca is not None and not address.tls:
        raise TableError(f"Got --ca with {address.kind}://, which has no TLS: use {address.kind}s://.")
    if args.group_mode is not None and args.model is not None:
        raise TableError("Got --model with --group-mode: a saved fleet keeps its own, leave it out.")
    if Path(args.output).suffix not in (".sqlite", ".db"):
        raise TableError(
            f"Got the output {args.output} for a broker's rows, but expected a .sqlite file: name one with "
            "-o."
        )
    check_output(args.output)
    _check_device_level(args, address)
    if args.alarms_to is None:
        return
    if Path(args.alarms_to).suffix in (".sqlite", ".db"):
        raise TableError(
            f"Got --alarms-to {args.alarms_to} with a broker, but expected a topic: the alarms are in "
            f"{args.output} already, in the rows whose alarm is 1."
        )
    if address.kind == "mqtt":
        from iotae.runner.mqtt import takes

        comes_back = takes(address.topic, args.alarms_to)
    else:
        comes_back = address.topic == args.alarms_to
    if comes_back:
        raise TableError(
            f"Got the topic {args.alarms_to} for alarms, which {address.topic} takes in again: name another."
        )


def _check_device_level(args: Namespace, address: BrokerAddress) -> None:
    """Raise an error if no topic that is read has such a level."""
    levels = address.topic.split("/")
    if levels[0] == "$share":
        levels = levels[2:]
    if args.device_level is not None and levels[-1] != "#" and args.device_level >= len(levels):
        raise TableError(
            f"Got --device-level {args.device_level}, but the levels of {address.topic} are 0 to "
            f"{len(levels) - 1}: name the one that is the device."
        )


def login_of(args: Namespace, address: BrokerAddress) -> Login:
    """Name and password, from the environment alone, and the certificates."""
    user, password, mechanism = (
        os.environ.get(f"IOTAE_{address.kind.upper()}_{what}") for what in ("USER", "PASSWORD", "MECHANISM")
    )
    return Login(user, password, args.ca, mechanism)


def words_of_stream(args: Namespace, address: BrokerAddress) -> dict[str, Any]:
    """What a stream is started with: what its rows and scores depend on."""
    words = {"topic": address.topic, "seed": args.seed, "alpha": args.alpha, "drop": sorted(args.drop)}
    if address.kind == "mqtt":
        words |= {"seq": args.seq or "seq", "device level": args.device_level}
    # what is not given is not put down, so that files from before there was such an option stay good
    others = {
        "kind": None if address.kind == "mqtt" else address.kind,
        "epoch": args.epoch,
        "device field": args.device_field,
        "group mode": args.group_mode,
        "model": None if args.model is None else str(Path(args.model).absolute()),
    }
    return words | {name: value for name, value in others.items() if value is not None}
