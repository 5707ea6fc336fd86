"""Acknowledged delivery: a message, its acknowledgement, and what happens when either is lost.

::

          report   10 ms
    h0 ─────────────────────► platform
       ◄─────────────────────
           ack     20 ms            timeout 100 ms, 2 retries

Outages cut one direction for chosen milliseconds, so that exactly the message or exactly its
acknowledgement is lost.
"""

from __future__ import annotations

import numpy as np
import pytest
import simpy

from cosim.comms.network import Network
from cosim.comms.schema import CommsConfig
from cosim.core.message import PLATFORM, Address, Message
from cosim.core.streams import Streams

HOUR_MS = 3_600_000


def cut(start_ms: int, end_ms: int) -> dict[str, float]:
    return {"start_h": start_ms / HOUR_MS, "duration_h": (end_ms - start_ms) / HOUR_MS}


class Setup:
    """h0 and the platform, with a log of what the platform is given."""

    def __init__(self, delivery: str, up: dict[str, object], down: dict[str, object]) -> None:
        shared = {"delivery": delivery, "timeout_ms": 100, "retries": 2}
        up_latency = {"kind": "constant", "latency_ms": 10}
        down_latency = {"kind": "constant", "latency_ms": 20}
        config = CommsConfig.model_validate(
            {
                "default": shared,
                "overrides": [
                    {"direction": "uplink", "latency": up_latency, **up},
                    {"direction": "downlink", "latency": down_latency, **down},
                ],
            }
        )
        self.env = simpy.Environment()
        self.net = Network(self.env, config, [Address("h0")], Streams(1), lambda config: np.empty(0))
        self.log: list[tuple[int, int]] = []
        self.net.on_receive(PLATFORM, "report", self._receive)

    def _receive(self, message: Message) -> None:
        self.log.append((int(self.env.now), message.sequence))

    def send(self, *sequences: int) -> None:
        for sequence in sequences:
            self.net.send("uplink", 0, PLATFORM, "report", sequence, None)

    def counts(self) -> dict[str, tuple[int, int, int]]:
        """Sent, delivered and lost by link."""
        return {row.link: (row.sent, row.delivered, row.lost) for row in self.net.accounting()}

    def extras(self) -> tuple[int, int, int]:
        """Retransmitted, deduplicated, abandoned reports."""
        (row,) = [row for row in self.net.tallies() if row.kind == "report"]
        return row.retransmitted, row.deduplicated, row.abandoned


MODES = ["at_least_once", "exactly_once"]


@pytest.mark.parametrize("delivery", MODES)
def test_acknowledged_message_is_not_repeated(delivery: str) -> None:
    setup = Setup(delivery, {}, {})
    setup.send(7)
    setup.env.run()
    assert setup.log == [(10, 7)]
    assert setup.counts() == {"uplink/h0": (1, 1, 0), "downlink/h0": (1, 1, 0)}
    assert setup.extras() == (0, 0, 0)


@pytest.mark.parametrize("delivery", MODES)
def test_lost_message_is_repeated_after_the_timeout(delivery: str) -> None:
    setup = Setup(delivery, {"outages": [cut(0, 1)]}, {})
    setup.send(7)
    setup.env.run()
    assert setup.log == [(110, 7)]
    assert setup.counts() == {"uplink/h0": (2, 1, 1), "downlink/h0": (1, 1, 0)}
    assert setup.extras() == (1, 0, 0)
    # Its age counts from the first transmission.
    assert setup.net.latency_histogram()["uplink", "report"] == [(110, 1)]


@pytest.mark.parametrize(
    ("delivery", "log"), [("at_least_once", [(10, 7), (110, 7)]), ("exactly_once", [(10, 7)])]
)
def test_retry_after_a_lost_acknowledgement(delivery: str, log: list[tuple[int, int]]) -> None:
    setup = Setup(delivery, {}, {"outages": [cut(10, 11)]})
    setup.send(7)
    setup.env.run()
    assert setup.log == log
    assert setup.counts() == {"uplink/h0": (2, 2, 0), "downlink/h0": (2, 1, 1)}
    assert setup.extras() == (1, 1 if delivery == "exactly_once" else 0, 0)


@pytest.mark.parametrize("delivery", MODES)
def test_sender_gives_up_after_its_retries(delivery: str) -> None:
    setup = Setup(delivery, {"outages": [cut(0, 1000)]}, {})
    setup.send(7)
    setup.env.run()
    assert setup.log == []
    assert setup.counts() == {"uplink/h0": (3, 0, 3)}
    assert setup.extras() == (2, 0, 1)
    assert setup.env.now == 300


def test_acknowledgement_at_the_moment_of_the_timeout_is_in_time() -> None:
    setup = Setup("at_least_once", {}, {"latency": {"kind": "constant", "latency_ms": 90}})
    setup.send(7)
    setup.env.run()
    assert setup.env.now == 100
    assert setup.counts()["uplink/h0"] == (1, 1, 0)


def test_late_acknowledgement_comes_after_a_needless_repeat() -> None:
    setup = Setup("at_least_once", {}, {"latency": {"kind": "constant", "latency_ms": 91}})
    setup.send(7)
    setup.env.run()
    assert setup.log == [(10, 7), (110, 7)]
    assert setup.extras() == (1, 0, 0)


def test_message_past_its_lifetime_is_not_repeated() -> None:
    setup = Setup("at_least_once", {"outages": [cut(0, 1)], "lifetime_ms": 99}, {})
    setup.send(7)
    setup.env.run()
    assert setup.log == []
    assert setup.extras() == (0, 0, 1)


def test_expired_message_is_not_acknowledged() -> None:
    setup = Setup("at_least_once", {"outages": [cut(0, 1)], "lifetime_ms": 105, "retries": 1}, {})
    setup.send(7)
    setup.env.run()
    assert setup.log == []
    (row,) = setup.net.accounting()
    assert (row.sent, row.lost, row.expired) == (2, 1, 1)
    assert setup.extras() == (1, 0, 1)


def test_repeats_of_one_message_do_not_hold_up_another() -> None:
    setup = Setup("exactly_once", {"outages": [cut(0, 1)]}, {})
    setup.send(1)
    setup.env.run(until=5)
    setup.send(2)
    setup.env.run()
    assert setup.log == [(15, 2), (110, 1)]


def test_message_sent_anew_under_its_old_number_is_recognised_for_a_while() -> None:
    setup = Setup("exactly_once", {}, {})
    setup.send(7)
    setup.send(7)
    setup.env.run()
    assert setup.log == [(10, 7)]
    setup.send(*range(1000, 1256))  # as many as the receiver remembers
    setup.send(7)
    setup.env.run()
    assert [sequence for _, sequence in setup.log].count(7) == 2


def test_repeat_is_recognised_however_many_messages_came_between() -> None:
    setup = Setup("exactly_once", {}, {"outages": [cut(10, 11)]})
    setup.send(7)
    setup.env.run(until=20)
    setup.send(*range(1000, 1600))  # more than the receiver remembers by number
    setup.env.run()
    assert setup.extras() == (1, 1, 0)
    assert [sequence for _, sequence in setup.log].count(7) == 1


def test_reverse_of_the_meters_link_carries_its_acknowledgements() -> None:
    env = simpy.Environment()
    config = CommsConfig.model_validate({"default": {"delivery": "exactly_once"}})
    net = Network(env, config, [], Streams(1), lambda config: np.empty(0))
    net.send("meter", -2, PLATFORM, "voltage", 0, None)
    env.run()
    assert [(row.link, row.kind, row.delivered) for row in net.accounting()] == [
        ("meter", "voltage", 1),
        ("meter/reverse", "ack", 1),
    ]


def test_acknowledgements_between_peers_go_the_other_way() -> None:
    env = simpy.Environment()
    config = CommsConfig.model_validate({"default": {"delivery": "at_least_once"}})
    net = Network(env, config, [Address("a"), Address("b")], Streams(1), lambda config: np.empty(0))
    net.send("peer", 0, 1, "offer", 0, None)
    env.run()
    assert [(row.link, row.kind) for row in net.accounting()] == [("peer/a/b", "offer"), ("peer/b/a", "ack")]
