"""``iotae stream mqtt://...`` and ``kafka://...``: the rows of a broker's devices, to an SQLite file."""

from __future__ import annotations

from argparse import Namespace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iotae.cli.broker_options import check_broker_options, login_of, words_of_stream
from iotae.cli.groups import say_of_devices, say_set_aside
from iotae.cli.sinks import metrics_of, webhooks_of
from iotae.cli.streams import stream_model
from iotae.cli.terminal import announce_compiler, counted, say
from iotae.runner.addresses import BrokerAddress

if TYPE_CHECKING:
    from iotae.cli.signals import StopSignals
    from iotae.runner.admission import Admission
    from iotae.runner.judges import FleetJudge, ModelJudge
    from iotae.runner.ledger import Ledger
    from iotae.runner.message_loop import MessageLoop
    from iotae.runner.outbox import Deliver
    from iotae.runner.sources import MessageSource
    from iotae.runner.webhook import Webhook

__all__ = ["run_broker"]


def run_broker(args: Namespace) -> int:
    """Score and learn messages until a signal comes."""
    from iotae.cli.signals import StopSignals
    from iotae.runner.figures import StreamFigures
    from iotae.runner.ledger import Ledger
    from iotae.runner.message_loop import MessageLoop

    address = BrokerAddress.of(args.events)
    check_broker_options(args, address)
    announce_compiler()
    queues = args.alarms_to is not None or args.webhook is not None
    admission, until = _admission_of(args, address), StopSignals()
    webhook = webhooks_of(args, {}, lambda: bool(until.exit_code))
    with Ledger(args.output, words_of_stream(args, address), admission, args.keep, queues) as ledger:
        judge, counts = _judge_of(ledger, args)
        figures = StreamFigures(
            judge.model, dict(zip(("rows", "alarms"), counts, strict=True)), lambda: ledger.saved_at
        )
        source = _source_of(args, address, admission, counts[0])
        with metrics_of(args, figures.now), source, until:
            deliveries = _deliveries_of(args, source, webhook, until)
            loop = MessageLoop(source, ledger, judge, deliveries, figures, say, counts)
            loop.over(until.stopped(source.batches(loop.most)))
        _say_what_came_of_it(loop, judge, ledger)
    return until.exit_code


def _admission_of(args: Namespace, address: BrokerAddress) -> Admission:
    from iotae.runner.device_numbers import DeviceNumbers
    from iotae.runner.partition_offsets import PartitionOffsets

    return DeviceNumbers() if address.kind == "mqtt" else PartitionOffsets(args.group_mode is not None)


def _source_of(args: Namespace, address: BrokerAddress, admission: Any, rows: int) -> MessageSource:
    """The broker, not connected yet, of which so many rows were taken in."""
    # one session for each output: another output gets all messages, too
    own = blake2b(str(Path(args.output).absolute()).encode(), digest_size=6).hexdigest()
    client, login = args.client_id or f"iotae-{own}", login_of(args, address)
    if address.kind == "kafka":
        from iotae.runner.kafka import KafkaSource

        return KafkaSource(address, client, admission.next_of, args.device_field, login)
    from iotae.runner.messages import Naming
    from iotae.runner.mqtt import MqttSource

    naming = Naming(args.seq or "seq", args.epoch, args.device_level)
    return MqttSource(address, client, naming, login, goes_on=rows > 0)


def _deliveries_of(
    args: Namespace, source: MessageSource, webhooks: list[Webhook], until: StopSignals
) -> list[Deliver]:
    """Where alarms go; on a signal those that wait are left to the next run."""
    from iotae.runner.outbox import Delivered
    from iotae.runner.webhook import AlarmRefusedError

    topic = args.alarms_to
    deliveries: list[Deliver] = [] if topic is None else [lambda alarms: source.publish(topic, alarms)]
    for webhook in webhooks:

        def post(alarms: Any, webhook: Webhook = webhook) -> Delivered:
            refused: dict[int, str] = {}
            for n, (_, body) in enumerate(alarms):
                if until.exit_code:
                    return Delivered(n, refused)
                try:
                    webhook.deliver(body.encode())
                except AlarmRefusedError as error:
                    refused[n] = str(error.strerror)
            return Delivered(len(alarms), refused)

        deliveries.append(post)
    return deliveries


def _judge_of(ledger: Ledger, args: Namespace) -> tuple[ModelJudge | FleetJudge, tuple[int, int]]:
    """What the file was learned by, or something new, and the rows and alarms so far."""
    from iotae._validation.schema import check
    from iotae.fleet import Fleet
    from iotae.runner.judges import DEVICE, FleetJudge, ModelJudge
    from iotae.runner.state_schema import LEDGER
    from iotae.serialization.tree import made
    from iotae.stream.autoencoder import OnlineAutoencoder

    state = ledger.load()
    if state is None:
        if args.group_mode is None:
            return ModelJudge(stream_model(args), args.drop, args.explain), (0, 0)
        return FleetJudge(Fleet(stream_model(args), DEVICE, args.group_mode), args.drop, args.explain), (0, 0)

    def judge_of(data: Any) -> ModelJudge | FleetJudge:
        check(data, LEDGER)
        if args.group_mode is None:
            return ModelJudge(OnlineAutoencoder.from_state(data["model"]), args.drop, args.explain)
        return FleetJudge.of_state(data["model"], ledger.parts(), args.drop, args.explain)

    judge = made(args.output, "stream", state, judge_of)
    counts = state["counts"]["rows"], state["counts"]["alarms"]
    say(f"going on after {counted(counts[0], 'row')} in {args.output}")
    return judge, counts


def _say_what_came_of_it(loop: MessageLoop, judge: ModelJudge | FleetJudge, ledger: Ledger) -> None:
    from iotae.runner.judges import FleetJudge

    say(f"{counted(loop.rows, 'row')} scored and learned, {counted(loop.alarms, 'alarm')}")
    if isinstance(judge, FleetJudge):
        say_of_devices(judge.model)
    else:
        say_set_aside(judge.model)
    for reason, n in ledger.aside().items():
        say(f"note: {n} {reason}, set aside")
    if ledger.n_doubled:
        say(f"note: {counted(ledger.n_doubled, 'message')} came again, passed over")
    if n_waiting := ledger.outbox.n_waiting():
        say(f"note: {counted(n_waiting, 'alarm')} not sent yet: the next run sends what waits")
    if n_refused := ledger.outbox.n_set_aside():
        say(f"note: {counted(n_refused, 'alarm')} refused for good, in the table 'refused' of the output")
