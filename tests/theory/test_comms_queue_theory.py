"""The transmitter's queue against queueing theory: M/D/1, Erlang's loss formula, Lindley's recursion."""

from __future__ import annotations

import math

import numpy as np
import pytest
import simpy
from numpy.typing import NDArray

from cosim.comms.network import Network
from cosim.comms.schema import CommsConfig
from cosim.core.message import PLATFORM, Address
from cosim.core.streams import Streams


def poisson_times_ms(mean_gap_ms: float, n_arrivals: int) -> NDArray[np.int64]:
    gaps = -mean_gap_ms * np.log1p(-Streams(4).field("test.arrivals").row(0, n_arrivals))
    return np.floor(np.cumsum(gaps)).astype(np.int64)


def sojourns_ms(times_ms: NDArray[np.int64], **link: object) -> tuple[dict[int, int], Network]:
    """Time from sending to arrival, by sequence number, of those that arrived."""
    env = simpy.Environment()
    config = CommsConfig.model_validate({"default": link})
    net = Network(env, config, [Address("h0")], Streams(1), lambda config: np.empty(0))
    sojourns: dict[int, int] = {}
    net.on_receive(
        PLATFORM,
        "report",
        lambda message: sojourns.__setitem__(message.sequence, int(env.now) - message.sent_ms),
    )

    def sender() -> simpy.events.ProcessGenerator:
        for sequence, time_ms in enumerate(times_ms.tolist()):
            yield env.timeout(time_ms - env.now)
            net.send("uplink", 0, PLATFORM, "report", sequence, None)

    env.process(sender())
    env.run()
    return sojourns, net


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
@pytest.mark.fast_cases("0.6")
def test_mean_waiting_time_is_that_of_m_d_1(load: float) -> None:
    # 64 bytes at 0.512 kbit/s take a second, so whole milliseconds are fine enough for Poisson arrivals.
    service_ms = 1000
    times_ms = poisson_times_ms(service_ms / load, 40_000)
    sojourns, _ = sojourns_ms(times_ms, bandwidth_kbit_per_s=0.512, queue_messages=100_000)
    waits = np.array([sojourns[sequence] for sequence in range(len(times_ms))]) - service_ms
    expected_ms = load * service_ms / (2 * (1 - load))  # Pollaczek-Khinchine, no variance of service
    batches = waits.reshape(40, -1).mean(axis=1)  # of 1000 messages: nearly independent
    error_ms = batches.std(ddof=1) / math.sqrt(len(batches))
    assert error_ms < 0.05 * expected_ms
    assert waits.mean() == pytest.approx(expected_ms, abs=4 * error_ms)
    # An arrival finds an idle transmitter with probability 1 - load.
    assert np.mean(waits == 0) == pytest.approx(1 - load, abs=0.02)


@pytest.mark.parametrize("load", [0.5, 2.0])
def test_without_room_to_wait_losses_follow_erlang(load: float) -> None:
    times_ms = poisson_times_ms(1000 / load, 20_000)
    sojourns, net = sojourns_ms(times_ms, bandwidth_kbit_per_s=0.512, queue_messages=0)
    blocked = load / (1 + load)  # Erlang's formula for one server; any distribution of service
    deviation = math.sqrt(blocked * (1 - blocked) / len(times_ms))
    (tally,) = net.tallies()
    assert tally.lost_at_queue / len(times_ms) == pytest.approx(blocked, abs=5 * deviation)
    assert set(sojourns.values()) == {1000}


@pytest.mark.parametrize("queue_messages", [0, 1, 3, 1000])
@pytest.mark.parametrize("kbit_per_s", [37.0, 511.0, 3000.0])
def test_departures_follow_lindley_to_the_microsecond(queue_messages: int, kbit_per_s: float) -> None:
    service_us = round(64 * 8 * 1000 / kbit_per_s)
    times_ms = poisson_times_ms(service_us / 1000 / 0.95, 2000)
    # The reference: serve one by one, and count who has not begun when a message comes.
    begins_us: list[int] = []
    expected: dict[int, int] = {}
    free_us = 0
    for sequence, time_ms in enumerate(times_ms.tolist()):
        now_us = time_ms * 1000
        waiting = sum(1 for begin_us in begins_us if begin_us > now_us)
        if free_us > now_us and waiting >= queue_messages:
            continue
        begins_us = [*begins_us[-1001:], max(now_us, free_us)]
        free_us = begins_us[-1] + service_us
        expected[sequence] = math.ceil(free_us / 1000) - time_ms
    sojourns, net = sojourns_ms(times_ms, bandwidth_kbit_per_s=kbit_per_s, queue_messages=queue_messages)
    assert sojourns == expected
    assert net.accounting()[0].lost == len(times_ms) - len(expected)


def test_submillisecond_transmissions_add_up() -> None:
    # 64 bytes at 2048 kbit/s take 250 µs: four to a millisecond, not one.
    sojourns, _ = sojourns_ms(np.zeros(40, dtype=np.int64), bandwidth_kbit_per_s=2048, queue_messages=100)
    assert [sojourns[sequence] for sequence in range(40)] == [1 + sequence // 4 for sequence in range(40)]


def test_travel_time_comes_after_the_queue() -> None:
    link = {"bandwidth_kbit_per_s": 0.512, "queue_messages": 10}
    times_ms = np.array([0, 0, 0])
    queued, _ = sojourns_ms(times_ms, **link)
    travelled, _ = sojourns_ms(times_ms, **link, latency={"kind": "constant", "latency_ms": 10_000})
    assert queued == {0: 1000, 1: 2000, 2: 3000}
    # Messages travel side by side: the latency is added once to each, and delays nobody else.
    assert travelled == {0: 11_000, 1: 12_000, 2: 13_000}
