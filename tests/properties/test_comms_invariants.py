"""What holds for any links, any traffic and any seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cosim.comms.latency import TraceLatency
from cosim.comms.network import Network
from cosim.comms.schema import CommsConfig
from cosim.core.message import METER, PLATFORM, Address, Message
from cosim.core.streams import Streams
from tests.examples import examples

N_HOUSEHOLDS = 3

probability = st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0])
latency = st.one_of(
    st.builds(lambda ms: {"kind": "constant", "latency_ms": ms}, st.sampled_from([0, 1, 30])),
    st.just({"kind": "uniform", "low_ms": 0, "high_ms": 40}),
    st.just({"kind": "normal", "mean_ms": 10, "std_ms": 20}),
    st.just({"kind": "lognormal", "median_ms": 10, "sigma": 2}),
    st.just({"kind": "exponential", "mean_ms": 20, "offset_ms": 3}),
    st.just({"kind": "gamma", "mean_ms": 20, "shape": 0.5}),
    st.just({"kind": "trace", "file": "pings.csv"}),
)
loss = st.one_of(
    st.just({"kind": "none"}),
    st.builds(lambda p: {"kind": "bernoulli", "loss_probability": p}, probability),
    st.builds(
        lambda to_bad, to_good, good, bad: {
            "kind": "gilbert_elliott",
            "probability_good_to_bad": to_bad,
            "probability_bad_to_good": to_good,
            "loss_probability_good": good,
            "loss_probability_bad": bad,
        },
        probability,
        probability,
        probability,
        probability,
    ),
)
outage = st.builds(
    lambda start, length: {"start_h": start / 3_600_000, "duration_h": length / 3_600_000},
    st.integers(0, 150),
    st.integers(1, 80),
)
keys: dict[str, st.SearchStrategy[object]] = {
    "latency": latency,
    "loss": loss,
    "duplication_probability": probability,
    "ordering": st.sampled_from(["free", "in_order"]),
    "bandwidth_kbit_per_s": st.sampled_from([None, 20.0, 100.0, 5000.0]),
    "queue_messages": st.integers(0, 3),
    "outages": st.lists(outage, max_size=2),
    "delivery": st.sampled_from(["at_most_once", "at_least_once", "exactly_once"]),
    "timeout_ms": st.sampled_from([1, 25, 60]),
    "retries": st.integers(0, 3),
    "lifetime_ms": st.sampled_from([None, 1, 30, 100]),
}


def links(**fixed: object) -> st.SearchStrategy[dict[str, object]]:
    free = {name: strategy for name, strategy in keys.items() if name not in fixed}
    return st.fixed_dictionaries({}, optional=free).map(lambda given_keys: {**given_keys, **fixed})


def configs(**fixed: object) -> st.SearchStrategy[dict[str, object]]:
    override = st.builds(
        lambda where, link: {**where, "retries": 2, **link},
        st.sampled_from(
            [{}, {"direction": "uplink"}, {"household": "h1"}, {"group": "g", "direction": "peer"}]
        ),
        links(**fixed),
    )
    return st.fixed_dictionaries({"default": links(**fixed), "overrides": st.lists(override, max_size=2)})


household = st.integers(0, N_HOUSEHOLDS - 1)
action = st.one_of(
    st.tuples(st.just("uplink"), household, st.just(PLATFORM)),
    st.tuples(st.just("downlink"), st.just(PLATFORM), household),
    st.tuples(st.just("peer"), household, household).filter(lambda each: each[1] != each[2]),
    st.just(("meter", METER, PLATFORM)),
    st.just(("broadcast", PLATFORM, 0)),
)
traffic = st.lists(st.tuples(st.integers(0, 200), action), min_size=12, max_size=60)


def make(env: simpy.Environment, config: object, seed: int, n_households: int = N_HOUSEHOLDS) -> Network:
    def read_trace(config: TraceLatency) -> NDArray[np.float64]:
        return np.array([0.0, 3.0, 3.0, 50.0])

    addresses = [Address(f"h{number}", "g" if number == 2 else None) for number in range(n_households)]
    return Network(env, CommsConfig.model_validate(config), addresses, Streams(seed), read_trace)


def schedule(env: simpy.Environment, net: Network, plan: list[tuple[int, tuple[str, int, int]]]) -> None:
    """Have each action of the plan done at its time, with the plan's index as sequence number."""

    def act(sequence: int, direction: str, sender: int, recipient: int) -> Callable[[object], None]:
        if direction == "broadcast":
            return lambda _: net.broadcast("data", sequence, None, range(N_HOUSEHOLDS))
        return lambda _: net.send(direction, sender, recipient, "data", sequence, None)  # type: ignore[arg-type]

    # Handed out by time, so that on each link a later message has a greater number.
    for sequence, (time_ms, where) in enumerate(sorted(plan, key=lambda each: each[0])):
        timeout = env.timeout(time_ms)
        assert timeout.callbacks is not None
        timeout.callbacks.append(act(sequence, *where))


def assert_accounted(net: Network) -> None:
    for row in net.accounting():
        assert row.sent + row.duplicated == row.delivered + row.lost + row.expired + row.in_flight, row
        assert min(row[2:8]) >= 0
    assert sum(row.in_flight for row in net.accounting()) == len(list(net.in_flight()))
    for row, causes in zip(net.accounting(), net.tallies(), strict=True):
        assert row[:2] == (causes.link_name, causes.kind)
        assert row.lost == causes.lost_in_outage + causes.lost_on_way + causes.lost_at_queue


@given(configs(), traffic, st.integers(0, 5))
@settings(max_examples=examples(50), deadline=None)
def test_every_message_is_accounted_for_at_every_instant(
    config: object, plan: list[tuple[int, tuple[str, int, int]]], seed: int
) -> None:
    env = simpy.Environment()
    net = make(env, config, seed)
    handled: Counter[str] = Counter()

    def handler(message: Message) -> None:
        handled[message.kind] += 1
        assert_accounted(net)  # in the middle of a delivery, too
        if message.kind == "data" and message.recipient != PLATFORM:
            net.send("uplink", message.recipient, PLATFORM, "reply", message.sequence, None)

    for address in (PLATFORM, *range(N_HOUSEHOLDS)):
        net.on_receive(address, "data", handler)
        net.on_receive(address, "reply", handler)
    schedule(env, net, plan)
    while env.peek() < float("inf"):
        env.step()
        assert_accounted(net)
        assert type(env.now) is int
    delivered = Counter[str]()
    deduplicated = Counter[str]()
    for row, extra in zip(net.accounting(), net.tallies(), strict=True):
        assert row.in_flight == 0
        assert extra.retransmitted <= row.sent
        delivered[row.kind] += row.delivered
        deduplicated[row.kind] += extra.deduplicated
    for kind in ("data", "reply"):
        assert handled[kind] == delivered[kind] - deduplicated[kind]
    assert sum(count for rows in net.latency_histogram().values() for _, count in rows) == delivered.total()


@given(configs(delivery="exactly_once"), traffic, st.integers(0, 5))
@settings(max_examples=examples(40), deadline=None)
def test_exactly_once_hands_nothing_over_twice(
    config: object, plan: list[tuple[int, tuple[str, int, int]]], seed: int
) -> None:
    env = simpy.Environment()
    net = make(env, config, seed)
    handled: Counter[tuple[int, int, int]] = Counter()
    for address in (PLATFORM, *range(N_HOUSEHOLDS)):
        net.on_receive(address, "data", lambda m: handled.update([(m.sender, m.recipient, m.sequence)]))
    schedule(env, net, plan)
    env.run()
    assert set(handled.values()) <= {1}
    # Who was told that a message was given up knows of each that did not arrive.
    wanted = sum(N_HOUSEHOLDS if where[0] == "broadcast" else 1 for _, where in plan)
    assert wanted - handled.total() <= sum(row.abandoned for row in net.tallies())


@given(configs(ordering="in_order", delivery="at_most_once"), traffic, st.integers(0, 5))
@settings(max_examples=examples(40), deadline=None)
def test_in_order_never_reorders(
    config: object, plan: list[tuple[int, tuple[str, int, int]]], seed: int
) -> None:
    env = simpy.Environment()
    net = make(env, config, seed)
    seen: dict[tuple[int, int], list[int]] = {}
    for address in (PLATFORM, *range(N_HOUSEHOLDS)):
        net.on_receive(
            address, "data", lambda m: seen.setdefault((m.sender, m.recipient), []).append(m.sequence)
        )
    schedule(env, net, plan)
    env.run()
    for sequences in seen.values():
        assert sequences == sorted(sequences)


@given(configs(), traffic, st.integers(0, 5))
@settings(max_examples=examples(25), deadline=None)
def test_one_household_more_changes_no_others_messages(
    config: object, plan: list[tuple[int, tuple[str, int, int]]], seed: int
) -> None:
    def run(n_households: int) -> tuple[dict[int, list[tuple[object, ...]]], list[object]]:
        env = simpy.Environment()
        net = make(env, config, seed, n_households)
        logs: dict[int, list[tuple[object, ...]]] = {}
        for address in (PLATFORM, *range(n_households)):
            net.on_receive(
                address,
                "data",
                lambda m: logs.setdefault(m.sender if m.sender >= 0 else m.recipient, []).append(
                    (env.now, m.sender, m.recipient, m.sequence)
                ),
            )
        if n_households > N_HOUSEHOLDS:  # the one more is busy, and its events come first
            newcomer = N_HOUSEHOLDS
            for time_ms in range(0, 200, 7):
                timeout = env.timeout(time_ms)
                assert timeout.callbacks is not None
                timeout.callbacks.append(
                    lambda event: [  # type: ignore[arg-type]
                        net.send("uplink", newcomer, PLATFORM, "data", env.now, None),  # type: ignore[arg-type]
                        net.broadcast("data", 1000 + int(env.now), None, [newcomer]),
                        net.send("peer", newcomer, 0, "noise", env.now, None),  # type: ignore[arg-type]
                    ]
                )
        schedule(env, net, plan)
        env.run()
        rows = [row for row in net.accounting() if f"h{N_HOUSEHOLDS}" not in row.link and row.kind == "data"]
        return {sender: logs.get(sender, []) for sender in range(N_HOUSEHOLDS)}, list(rows)

    assert run(N_HOUSEHOLDS) == run(N_HOUSEHOLDS + 1)


@given(configs(), traffic, st.integers(0, 5))
@settings(max_examples=examples(40), deadline=None)
def test_same_seed_same_events(
    config: object, plan: list[tuple[int, tuple[str, int, int]]], seed: int
) -> None:
    def run() -> tuple[list[tuple[object, ...]], list[object], object]:
        env = simpy.Environment()
        net = make(env, config, seed)
        log: list[tuple[object, ...]] = []
        for address in (PLATFORM, *range(N_HOUSEHOLDS)):
            net.on_receive(
                address, "data", lambda m: log.append((env.now, m.sender, m.recipient, m.sequence))
            )
        schedule(env, net, plan)
        env.run()
        return log, list(net.accounting()), net.latency_histogram()

    assert run() == run()


@given(st.lists(st.tuples(household, st.booleans()), min_size=1, max_size=60), st.integers(0, 5))
@settings(max_examples=examples(40), deadline=None)
def test_order_of_sending_among_households_changes_no_fate(turns: list[tuple[int, bool]], seed: int) -> None:
    """The k-th message of a household meets the same fate, whoever sends before or after it."""
    link = {
        "latency": {"kind": "exponential", "mean_ms": 20},
        "loss": {"kind": "bernoulli", "loss_probability": 0.3},
    }

    def run(order: list[int]) -> set[tuple[int, int, int]]:
        env = simpy.Environment()
        net = make(env, {"default": link}, seed)
        arrivals: set[tuple[int, int, int]] = set()
        net.on_receive(PLATFORM, "data", lambda m: arrivals.add((m.sender, m.sequence, int(env.now))))
        sent = Counter[int]()
        for sender in order:
            net.send("uplink", sender, PLATFORM, "data", sent[sender], None)
            sent[sender] += 1
        env.run()
        return arrivals

    order = [sender for sender, _ in turns]
    assert run(order) == run(sorted(order)) == run(order[::-1])
