"""The network's own rules: addresses, kinds, accounts, histograms, and two ways to the same fate."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Sequence

import numpy as np
import pytest
import simpy

from cosim.comms.latency import TraceLatency
from cosim.comms.network import Network
from cosim.comms.schema import CommsConfig
from cosim.core.errors import InputError
from cosim.core.message import METER, PLATFORM, Address, Message, is_fresher
from cosim.core.streams import Streams

HOUSEHOLDS = [Address("h000", "north"), Address("h001", "north"), Address("h002", "south")]


def network(
    env: simpy.Environment,
    default: dict[str, object] | None = None,
    overrides: Sequence[dict[str, object]] = (),
    seed: int = 1,
) -> Network:
    config = CommsConfig.model_validate({"default": default or {}, "overrides": overrides})
    return Network(env, config, HOUSEHOLDS, Streams(seed), lambda config: np.array([5.0, -1.0]))


@pytest.mark.parametrize(
    ("direction", "sender", "recipient"),
    [
        ("uplink", PLATFORM, 0),
        ("uplink", 3, PLATFORM),
        ("uplink", 0, 1),
        ("downlink", 0, PLATFORM),
        ("downlink", PLATFORM, 3),
        ("downlink", METER, 0),
        ("peer", 1, 1),
        ("peer", 0, PLATFORM),
        ("meter", METER, 0),
        ("sideways", 0, 1),
    ],
)
def test_addresses_that_a_direction_does_not_join(direction: str, sender: int, recipient: int) -> None:
    net = network(simpy.Environment())
    with pytest.raises(ValueError, match=f"no {direction} link"):
        net.send(direction, sender, recipient, "report", 0, None)  # type: ignore[arg-type]
    assert net.accounting() == []


def test_unknown_recipient_of_a_broadcast() -> None:
    with pytest.raises(ValueError, match="households are 0 to 2"):
        network(simpy.Environment()).broadcast("signal", 0, None, [7])


def test_kind_of_acknowledgements_is_taken() -> None:
    with pytest.raises(ValueError, match="'ack'"):
        network(simpy.Environment()).send("uplink", 0, PLATFORM, "ack", 0, None)


def test_names_of_links() -> None:
    net = network(simpy.Environment())
    net.send("meter", METER, PLATFORM, "voltage", 0, None)
    net.send("peer", 2, 0, "offer", 0, None)
    net.send("uplink", 1, PLATFORM, "report", 0, None)
    net.broadcast("signal", 0, None, [1])
    assert [row.link for row in net.accounting()] == [
        "downlink/h001",
        "meter",
        "peer/h002/h000",
        "uplink/h001",
    ]


def test_message_without_a_handler_is_delivered_and_dropped() -> None:
    env = simpy.Environment()
    net = network(env)
    net.send("uplink", 0, PLATFORM, "report", 0, None)
    env.run()
    assert net.accounting() == [("uplink/h000", "report", 1, 0, 1, 0, 0, 0, 0, 0)]


def test_message_carries_what_was_sent() -> None:
    env = simpy.Environment(initial_time=500)
    net = network(env, {"latency": {"kind": "constant", "latency_ms": 7}})
    received: list[tuple[int, Message]] = []
    net.on_receive(PLATFORM, "report", lambda message: received.append((int(env.now), message)))
    payload = {"p_kw": 1.5}
    net.send("uplink", 2, PLATFORM, "report", 9, payload)
    assert [(each.arrival_ms, each.link) for each in net.in_flight()] == [(507, "uplink/h002")]
    env.run()
    assert received == [(507, Message(2, PLATFORM, "report", 9, 500, payload))]
    assert received[0][1].payload is payload
    assert type(env.now) is int
    assert list(net.in_flight()) == []


def test_accounts_tell_kinds_apart_and_give_quantiles() -> None:
    env = simpy.Environment()
    net = network(env, {"latency": {"kind": "constant", "latency_ms": 30}})
    for sequence in range(4):
        net.send("uplink", 0, PLATFORM, "report", sequence, None)
    net.send("uplink", 0, PLATFORM, "hello", 0, None)
    env.run(until=30)
    assert [row[:4] + row[7:] for row in net.accounting()] == [
        ("uplink/h000", "hello", 1, 0, 1, None, None),
        ("uplink/h000", "report", 4, 0, 4, None, None),
    ]
    env.run()
    assert [row[4:] for row in net.accounting()] == [(1, 0, 0, 0, 30, 30), (4, 0, 0, 0, 30, 30)]


def test_histogram_is_by_direction_and_kind() -> None:
    env = simpy.Environment()
    net = network(
        env,
        {"latency": {"kind": "constant", "latency_ms": 30}},
        [{"household": "h001", "latency": {"kind": "constant", "latency_ms": 5}}],
    )
    net.broadcast("signal", 0, None, [0, 1, 2])
    net.send("uplink", 1, PLATFORM, "report", 0, None)
    env.run()
    assert net.latency_histogram() == {
        ("downlink", "signal"): [(5, 1), (30, 2)],
        ("uplink", "report"): [(5, 1)],
    }


def test_bad_trace_is_found_before_the_run() -> None:
    with pytest.raises(InputError, match=r"pings\.csv"):
        network(
            simpy.Environment(), {}, [{"group": "south", "latency": {"kind": "trace", "file": "pings.csv"}}]
        )


def test_trace_is_read_by_file_and_column() -> None:
    asked: list[tuple[str, str]] = []

    def read(config: TraceLatency) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        asked.append((config.file, config.column))
        return np.array([12.0])

    config = CommsConfig.model_validate(
        {"default": {"latency": {"kind": "trace", "file": "pings.csv", "column": "rtt_ms"}}}
    )
    env = simpy.Environment()
    net = Network(env, config, HOUSEHOLDS, Streams(1), read)
    net.broadcast("signal", 0, None, [0, 1, 2])
    env.run()
    assert asked == [("pings.csv", "rtt_ms")]
    assert env.now == 12


FAST_LINK = {
    "latency": {"kind": "gamma", "mean_ms": 80, "shape": 2},
    "loss": {"kind": "bernoulli", "loss_probability": 0.2},
}


def run_log(default: dict[str, object], seed: int = 1) -> tuple[list[tuple[object, ...]], list[object]]:
    """What 60 broadcasts, each answered by reports and peer messages, leave behind."""
    env = simpy.Environment()
    net = network(env, default, seed=seed)
    log: list[tuple[object, ...]] = []

    def at_household(message: Message) -> None:
        log.append((env.now, message.sender, message.recipient, message.kind, message.sequence))
        if message.kind == "signal":
            net.send("uplink", message.recipient, PLATFORM, "report", message.sequence, None)
            net.send("peer", message.recipient, (message.recipient + 1) % 3, "offer", message.sequence, None)

    for household in range(3):
        net.on_receive(household, "signal", at_household)
        net.on_receive(household, "offer", at_household)
    net.on_receive(
        PLATFORM, "report", lambda m: log.append((env.now, m.sender, m.recipient, m.kind, m.sequence))
    )

    def platform() -> simpy.events.ProcessGenerator:
        for step in range(60):
            net.broadcast("signal", step, None, [0, 1, 2])
            yield env.timeout(100)

    env.process(platform())
    env.run()
    return log, list(net.accounting())


def test_short_way_and_long_way_give_the_same_fates() -> None:
    # An outage after the end changes nothing but the way a transmission is computed.
    late_outage = [{"start_h": 1000, "duration_h": 1}]
    assert run_log(FAST_LINK) == run_log({**FAST_LINK, "outages": late_outage})


def test_one_way_chain_that_never_leaves_good_equals_bernoulli() -> None:
    chain = {
        "kind": "gilbert_elliott",
        "probability_good_to_bad": 0,
        "probability_bad_to_good": 1,
        "loss_probability_good": 0.2,
    }
    assert run_log(FAST_LINK) == run_log({**FAST_LINK, "loss": chain})


def test_same_seed_same_events_other_seed_others() -> None:
    assert run_log(FAST_LINK) == run_log(FAST_LINK)
    assert run_log(FAST_LINK)[0] != run_log(FAST_LINK, seed=2)[0]


def test_common_random_numbers_between_links_that_differ() -> None:
    slower = {**FAST_LINK, "latency": {"kind": "gamma", "mean_ms": 800, "shape": 2}}

    def lost(default: dict[str, object]) -> list[int]:
        return [row.lost for row in run_log(default)[1] if row.kind == "signal"]  # type: ignore[attr-defined]

    assert lost(FAST_LINK) == lost(slower)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length_of_the_run() -> None:
    env = simpy.Environment()

    def report(net: Network) -> simpy.events.ProcessGenerator:
        sequence = 0
        while True:
            net.send("uplink", 0, PLATFORM, "report", sequence, None)
            sequence += 1
            yield env.timeout(1000)

    tracemalloc.start()
    try:
        net = network(env, {**FAST_LINK, "delivery": "exactly_once", "duplication_probability": 1})
        env.process(report(net))
        env.run(until=2_000_000)  # by now every cache is full
        before = tracemalloc.get_traced_memory()[0]
        env.run(until=5_000_000)
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert after - before < 60_000  # 20 bytes for each of the 3,000 messages; a message takes over 100


def test_comms_loads_neither_siblings_nor_heavy_packages() -> None:
    code = (
        "import sys, cosim.comms.network, cosim.comms.schema;"
        "bad = ('pandapower', 'pandas', 'matplotlib', 'scipy.optimize', 'cosim.devices', 'cosim.grid',"
        " 'cosim.results');"
        "print([name for name in bad if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_fresher() -> None:
    assert is_fresher(0, None)
    assert is_fresher(4, 3)
    assert not is_fresher(3, 3)
    assert not is_fresher(2, 3)
