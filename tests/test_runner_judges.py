"""What is put down of a fleet batch by batch is the whole fleet: a stream goes on bit for bit from it."""

import pytest

from iotae import OnlineAutoencoder
from iotae.fleet import Fleet
from iotae.runner.judges import DEVICE, FleetJudge
from iotae.runner.ledger import Ledger
from iotae.runner.messages import Message
from iotae.runner.partition_offsets import PartitionOffsets


def rows_of(n, *names, shift=0.0):
    return [{name: shift + (7 * i + 3 * place) % 11 for place, name in enumerate(names)} for i in range(n)]


def stream_of(*parts):
    return [(device, row) for device, rows in parts for row in rows]


# a slot that is given anew is the case that gives wrong scores instead of an error
STREAMS = {
    "blanks around a name": stream_of((" fan", rows_of(30, "x")), ("fan\t", rows_of(30, "x", shift=50.0))),
    "no name": stream_of(("", rows_of(30, "x")), ("  ", rows_of(30, "x", shift=50.0))),
    "a later feature": stream_of(("fan", rows_of(40, "x")), ("press", rows_of(40, "x", "y"))),
    "a slot given anew": stream_of(
        ("fan", rows_of(60, "x", "y")), ("press", rows_of(900, "x", "z")), ("pump", rows_of(5, "x", "z"))
    ),
}


@pytest.mark.parametrize("mode", ["separate", "shared"])
@pytest.mark.parametrize("case", STREAMS)
def test_a_fleet_goes_on_from_the_devices_that_were_put_down_when_they_changed(case, mode, tmp_path):
    model = OnlineAutoencoder(seed=0, grace_period=20, max_features=2)
    judge = FleetJudge(Fleet(model, DEVICE, mode))
    messages = [Message(device, i, row, "", (0, 0)) for i, (device, row) in enumerate(STREAMS[case])]
    with Ledger(str(tmp_path / "rows.sqlite"), {}, PartitionOffsets(True)) as ledger:
        for begin in range(0, len(messages), 20):
            new = ledger.new_of(messages[begin : begin + 20])
            judged = [judge.judge(message) for message in new]
            ledger.commit(new, judged, {"model": judge.to_state()}, judge.parts())
        resumed = FleetJudge.of_state(ledger.load()["model"], ledger.parts(), (), False)
    for message in [*messages[:30], *messages[-30:]]:
        assert resumed.judge(message) == judge.judge(message)
    # what devices were written as, and when, is no part of the fleet
    assert resumed.model.to_state()["keys"] == judge.model.to_state()["keys"]
