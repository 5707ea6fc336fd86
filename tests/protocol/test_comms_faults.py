"""One sender, one link, one fault at a time, with the exact arrivals.

::

            report
    h0 ─────────────► platform        a trace with values on both sides of the gap between two messages
                                      makes them overtake each other
"""

from __future__ import annotations

import numpy as np
import simpy

from cosim.comms.network import Network
from cosim.comms.schema import CommsConfig
from cosim.core.message import PLATFORM, Address, Message
from cosim.core.streams import Streams

HOUR_MS = 3_600_000


def arrivals(
    link: dict[str, object], times_ms: list[int], trace: tuple[float, ...] = (), direction: str = "uplink"
) -> tuple[list[tuple[int, int]], Network]:
    """(time, sequence) of each arrival, for messages sent at these times, numbered from 0."""
    env = simpy.Environment()
    config = CommsConfig.model_validate({"default": link})
    addresses = [Address("h0"), Address("h1")]
    net = Network(env, config, addresses, Streams(1), lambda config: np.array(trace))
    log: list[tuple[int, int]] = []

    def receive(message: Message) -> None:
        log.append((int(env.now), message.sequence))

    net.on_receive(PLATFORM, "report", receive)
    net.on_receive(1, "report", receive)

    def sender() -> simpy.events.ProcessGenerator:
        for sequence, time_ms in enumerate(times_ms):
            yield env.timeout(time_ms - env.now)
            if direction == "uplink":
                net.send("uplink", 0, PLATFORM, "report", sequence, None)
            else:
                net.send("peer", 0, 1, "report", sequence, None)

    env.process(sender())
    env.run()
    return log, net


TRACE = {"latency": {"kind": "trace", "file": "pings.csv"}}


def test_free_order_lets_messages_overtake_and_in_order_makes_them_wait() -> None:
    times_ms = list(range(0, 40, 10))
    # The trace's values come out in an order that seed 1 fixes; what matters is what each link makes of it.
    free, _ = arrivals(TRACE, times_ms, trace=(1.0, 100.0))
    latencies = {sequence: time_ms - times_ms[sequence] for time_ms, sequence in free}
    assert set(latencies.values()) == {1, 100}
    assert [sequence for _, sequence in free] != [0, 1, 2, 3]  # someone did overtake
    ordered, _ = arrivals({**TRACE, "ordering": "in_order"}, times_ms, trace=(1.0, 100.0))
    latest = 0
    expected = []
    for sequence, time_ms in enumerate(times_ms):
        latest = max(latest, time_ms + latencies[sequence])
        expected.append((latest, sequence))
    assert ordered == expected


def test_duplicate_has_its_own_latency() -> None:
    link = {**TRACE, "duplication_probability": 1}
    log, net = arrivals(link, [0, 1000, 2000, 3000], trace=(1.0, 100.0))
    assert sorted(sequence for _, sequence in log) == [0, 0, 1, 1, 2, 2, 3, 3]
    gaps = [max(t for t, s in log if s == each) - min(t for t, s in log if s == each) for each in range(4)]
    assert set(gaps) == {0, 99}  # both of a kind, or one of each
    (row,) = net.accounting()
    assert (row.sent, row.duplicated, row.delivered) == (4, 4, 8)


def test_duplicate_is_dropped_under_exactly_once_and_acknowledged_twice() -> None:
    link = {"duplication_probability": 1, "delivery": "exactly_once"}
    log, net = arrivals(link, [0])
    assert log == [(0, 0)]
    ack, report = net.accounting()
    assert (report.sent, report.duplicated, report.delivered) == (1, 1, 2)
    assert (ack.sent, ack.duplicated, ack.delivered) == (2, 2, 4)


def losses(net: Network) -> list[tuple[str, str, int, int, int]]:
    """Link and kind, and what was lost in an outage, on the way, and at a full queue."""
    return [
        (row.link_name, row.kind, row.lost_in_outage, row.lost_on_way, row.lost_at_queue)
        for row in net.tallies()
    ]


def test_outage_takes_what_is_sent_in_it_and_leaves_what_is_on_its_way() -> None:
    window = {"start_h": 100 / HOUR_MS, "duration_h": 50 / HOUR_MS}
    link = {"latency": {"kind": "constant", "latency_ms": 30}, "outages": [window]}
    log, net = arrivals(link, [90, 99, 100, 149, 150])
    assert log == [(120, 0), (129, 1), (180, 4)]
    assert losses(net) == [("uplink/h0", "report", 2, 0, 0)]


def test_overlapping_outages_are_one() -> None:
    windows = [
        {"start_h": start / HOUR_MS, "duration_h": length / HOUR_MS}
        for start, length in ((50, 10), (10, 30), (20, 5), (40, 5))
    ]
    log, _ = arrivals({"outages": windows}, [9, 10, 27, 39, 40, 44, 45, 49, 50, 59, 60])
    assert [time_ms for time_ms, _ in log] == [9, 45, 49, 60]


def test_outage_of_a_household_cuts_peers_off_from_it() -> None:
    env = simpy.Environment()
    window = {"start_h": 0, "duration_h": 1}
    config = CommsConfig.model_validate({"overrides": [{"household": "h1", "outages": [window]}]})
    addresses = [Address("h0"), Address("h1"), Address("h2")]
    net = Network(env, config, addresses, Streams(1), lambda config: np.empty(0))
    for sender, recipient in ((0, 1), (1, 0), (0, 2)):
        net.send("peer", sender, recipient, "offer", 0, None)
    env.run()
    assert {row.link: row.lost for row in net.accounting()} == {
        "peer/h0/h1": 1,
        "peer/h1/h0": 1,
        "peer/h0/h2": 0,
    }


def test_outage_changes_no_later_fate() -> None:
    link = {
        "latency": {"kind": "exponential", "mean_ms": 30},
        "loss": {
            "kind": "gilbert_elliott",
            "probability_good_to_bad": 0.3,
            "probability_bad_to_good": 0.3,
        },
    }
    window = {"start_h": 100 / HOUR_MS, "duration_h": 50 / HOUR_MS}
    times_ms = list(range(0, 1000, 10))
    without, _ = arrivals(link, times_ms)
    with_outage, _ = arrivals({**link, "outages": [window]}, times_ms)
    assert 0 < len(with_outage) < len(without)
    assert with_outage == [each for each in without if not 10 <= each[1] < 15]


def test_queue_overflow() -> None:
    # A second for each message; one in transmission, two waiting, the rest is lost.
    link = {"bandwidth_kbit_per_s": 0.512, "queue_messages": 2}
    log, net = arrivals(link, [0, 1, 2, 3, 4, 1000, 1001])
    assert log == [(1000, 0), (2000, 1), (3000, 2), (4000, 5)]
    assert losses(net) == [("uplink/h0", "report", 0, 0, 3)]


def test_copy_may_find_the_queue_full() -> None:
    link = {"bandwidth_kbit_per_s": 0.512, "queue_messages": 0, "duplication_probability": 1}
    log, net = arrivals(link, [0])
    assert log == [(1000, 0)]
    (row,) = net.accounting()
    assert (row.sent, row.duplicated, row.delivered, row.lost) == (1, 1, 1, 1)


def test_lost_message_takes_no_transmission_time() -> None:
    window = {"start_h": 0, "duration_h": 1 / HOUR_MS}
    link = {"bandwidth_kbit_per_s": 0.512, "outages": [window]}
    log, _ = arrivals(link, [0, 1])
    assert log == [(1001, 1)]


def test_message_as_old_as_its_lifetime_arrives_and_an_older_one_expires() -> None:
    link = {"latency": {"kind": "constant", "latency_ms": 50}}
    in_time, _ = arrivals({**link, "lifetime_ms": 50}, [0])
    too_late, net = arrivals({**link, "lifetime_ms": 49}, [0])
    assert (in_time, too_late) == ([(50, 0)], [])
    (row,) = net.accounting()
    assert (row.delivered, row.expired, row.latency_p50_ms) == (0, 1, None)


def test_peer_links_queue_each_for_itself() -> None:
    env = simpy.Environment()
    config = CommsConfig.model_validate({"default": {"bandwidth_kbit_per_s": 0.512}})
    addresses = [Address("h0"), Address("h1"), Address("h2")]
    net = Network(env, config, addresses, Streams(1), lambda config: np.empty(0))
    log: list[tuple[int, int]] = []
    for household in (1, 2):
        net.on_receive(household, "offer", lambda message: log.append((int(env.now), message.recipient)))
    for recipient in (1, 1, 2):
        net.send("peer", 0, recipient, "offer", 0, None)
    env.run()
    assert log == [(1000, 1), (1000, 2), (2000, 1)]
