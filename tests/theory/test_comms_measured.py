"""What the accounts of a run say of its links, against what was configured, for every model.

The table `messages` is judged here: losses, copies, and quantiles of the latency as counted in buckets. A
measured quantile is right if it lies between the true quantiles at the probabilities that a binomial count
leaves open.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import simpy
from numpy.typing import NDArray
from scipy import stats

from cosim.comms.histogram import EXACT_BELOW_MS
from cosim.comms.network import Network
from cosim.comms.schema import CommsConfig
from cosim.comms.tally import Account
from cosim.core.message import PLATFORM, Address, Message
from cosim.core.streams import Streams

N = 24_000
DEVIATIONS = 4.5
"""Bounds in standard deviations: a right model leaves them once in 150,000 seeds, and the seed is fixed."""
TRACE_MS = np.array([12.0, 12.0, 15.0, 40.0, 41.0, 300.0, 2500.0])

Quantile = Callable[[float], float]


def carried(
    link: Mapping[str, object], *, n: int = N, times_ms: NDArray[np.int64] | None = None
) -> tuple[Network, list[tuple[int, int]]]:
    """A link that was handed `n` messages; of each arrival its number and latency."""
    env = simpy.Environment()
    config = CommsConfig.model_validate({"default": dict(link)})
    net = Network(env, config, [Address("h0")], Streams(23), lambda config: TRACE_MS)
    arrivals: list[tuple[int, int]] = []

    def receive(message: Message) -> None:
        arrivals.append((message.sequence, int(env.now) - message.sent_ms))

    net.on_receive(PLATFORM, "report", receive)
    when = np.arange(n) if times_ms is None else times_ms

    def sender() -> simpy.events.ProcessGenerator:
        for sequence, time_ms in enumerate(when.tolist()):
            yield env.timeout(time_ms - env.now)
            net.send("uplink", 0, PLATFORM, "report", sequence, None)

    env.process(sender())
    env.run()
    return net, arrivals


def account(net: Network) -> Account:
    (row,) = [row for row in net.accounting() if row.kind == "report"]
    return row


def assert_binomial(count: int, n: int, probability: float) -> None:
    assert abs(count - n * probability) <= DEVIATIONS * math.sqrt(n * probability * (1 - probability))


LATENCIES = [
    pytest.param({"kind": "constant", "latency_ms": 70, "offset_ms": 5}, lambda p: 75.0, id="constant"),
    pytest.param({"kind": "uniform", "low_ms": 20, "high_ms": 900}, stats.uniform(20, 880).ppf, id="uniform"),
    pytest.param(
        {"kind": "normal", "mean_ms": 100, "std_ms": 80, "offset_ms": 30},
        stats.truncnorm(-1.25, np.inf, loc=130, scale=80).ppf,
        id="truncated normal",
    ),
    pytest.param(
        {"kind": "lognormal", "median_ms": 80, "sigma": 1.0, "offset_ms": 20},
        stats.lognorm(1.0, loc=20, scale=80).ppf,
        id="lognormal",
    ),
    pytest.param(
        {"kind": "lognormal", "median_ms": 600_000, "sigma": 0.7},
        stats.lognorm(0.7, scale=600_000).ppf,
        id="lognormal, ten minutes",
    ),
    pytest.param(
        {"kind": "exponential", "mean_ms": 150, "offset_ms": 10},
        stats.expon(10, 150).ppf,
        id="exponential",
    ),
    pytest.param(
        {"kind": "gamma", "mean_ms": 200, "shape": 2.5},
        stats.gamma(2.5, scale=80).ppf,
        id="gamma",
    ),
    pytest.param(
        {"kind": "trace", "file": "measured.csv"},
        lambda p: float(np.sort(TRACE_MS)[max(0, math.ceil(p * len(TRACE_MS)) - 1)]),
        id="trace",
    ),
]


def with_every_test(*ids: str) -> list[Any]:
    """Parameters of all models; those that are not named are slow."""
    return [
        pytest.param(*each.values, id=each.id, marks=() if each.id in ids else pytest.mark.slow)
        for each in LATENCIES
    ]


LOSSLESS = with_every_test("constant", "truncated normal", "lognormal, ten minutes", "trace")
LOSSY = with_every_test("lognormal")


@pytest.mark.parametrize(("latency", "quantile"), LOSSLESS)
@pytest.mark.fast_cases("trace")
def test_quantiles_in_the_accounts(latency: dict[str, object], quantile: Quantile) -> None:
    assert_quantiles(latency, quantile, {})


@pytest.mark.parametrize(("latency", "quantile"), LOSSY)
@pytest.mark.slow
def test_quantiles_of_what_is_not_lost(latency: dict[str, object], quantile: Quantile) -> None:
    assert_quantiles(latency, quantile, {"loss": {"kind": "bernoulli", "loss_probability": 0.3}})


def assert_quantiles(latency: dict[str, object], quantile: Quantile, link: dict[str, object]) -> None:
    """Median and 99 % quantile of a link's account are within what chance leaves open of the true ones."""
    row = account(carried({"latency": latency, **link})[0])
    for probability, measured in ((0.5, row.latency_p50_ms), (0.99, row.latency_p99_ms)):
        assert measured is not None
        open_ = DEVIATIONS * math.sqrt(probability * (1 - probability) / row.delivered)
        low, high = quantile(probability - open_), quantile(min(probability + open_, 1 - 1e-12))
        # Whole milliseconds; from 1024 ms on, buckets of at most 1/512 of their lower bound.
        slack = 1 / 512 if high >= EXACT_BELOW_MS else 0.0
        assert low * (1 - slack) - 0.5 <= measured <= high * (1 + slack) + 0.5


@pytest.mark.parametrize("probability", [pytest.param(0.02, marks=pytest.mark.slow), 0.5])
@pytest.mark.parametrize("loss", [pytest.param(0.0, marks=pytest.mark.slow), 0.4])
@pytest.mark.slow
def test_copies(probability: float, loss: float) -> None:
    """What is not lost is copied with the probability given; a copy travels by itself."""
    net, arrivals = carried(
        {
            "duplication_probability": probability,
            "loss": {"kind": "bernoulli", "loss_probability": loss},
            "latency": {"kind": "exponential", "mean_ms": 5000},
        }
    )
    row = account(net)
    assert_binomial(row.lost, N, loss)
    assert_binomial(row.duplicated, N - row.lost, probability)
    assert row.delivered == N - row.lost + row.duplicated
    of_one: dict[int, list[int]] = {}
    for sequence, latency_ms in arrivals:
        of_one.setdefault(sequence, []).append(latency_ms)
    pairs = [latencies for latencies in of_one.values() if len(latencies) == 2]
    assert len(pairs) == row.duplicated
    # Of two independent exponential latencies the smaller has half the mean, and its own standard deviation.
    first = np.array([min(pair) for pair in pairs])
    assert first.mean() == pytest.approx(2500, abs=DEVIATIONS * 2500 / math.sqrt(len(first)))
    assert np.mean(pairs) == pytest.approx(5000, abs=DEVIATIONS * 5000 / math.sqrt(2 * len(first)))


CHAINS = [
    pytest.param((0.05, 0.4, 0.0, 1.0), id="Gilbert", marks=pytest.mark.slow),
    pytest.param((0.05, 0.2, 0.0, 0.7), id="bad state loses 70 %", marks=pytest.mark.slow),
    pytest.param((0.1, 0.15, 0.05, 0.8), id="good state loses too"),
    pytest.param((0.9, 0.8, 0.1, 0.9), id="states alternate"),
]


def burst_shares(chain: tuple[float, float, float, float], longest: int) -> NDArray[np.float64]:
    """Share of the bursts of 1, 2, ..., `longest` losses and of more.

    A burst of L is a delivery, L losses and a delivery: pi S A^L S 1, with A the chain's step where the
    message is lost, and S where it is not.
    """
    to_bad, to_good, loss_good, loss_bad = chain
    step = np.array([[1 - to_bad, to_bad], [to_good, 1 - to_good]])
    lost, kept = np.diag([loss_good, loss_bad]) @ step, np.diag([1 - loss_good, 1 - loss_bad]) @ step
    before = np.array([to_good, to_bad]) / (to_good + to_bad) @ kept
    shares = []
    for _ in range(longest):
        before = before @ lost
        shares.append((before @ kept).sum())
    total = (np.array([to_good, to_bad]) / (to_good + to_bad) @ kept @ lost).sum()
    return np.asarray(np.append(shares, total - sum(shares)) / total)


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.slow
def test_lengths_of_bursts(chain: tuple[float, float, float, float]) -> None:
    keys = (
        "probability_good_to_bad",
        "probability_bad_to_good",
        "loss_probability_good",
        "loss_probability_bad",
    )
    net, arrivals = carried({"loss": {"kind": "gilbert_elliott", **dict(zip(keys, chain, strict=True))}})
    lost = np.ones(N, dtype=bool)
    lost[[sequence for sequence, _ in arrivals]] = False
    assert account(net).lost == lost.sum()
    lengths = np.array([len(list(run)) for is_lost, run in itertools.groupby(lost) if is_lost])
    longest = 6
    observed = [int(np.sum(lengths == length)) for length in range(1, longest + 1)]
    observed.append(int(np.sum(lengths > longest)))
    expected = burst_shares(chain, longest) * len(lengths)
    assert expected.min() > 5
    assert stats.chisquare(observed, expected).pvalue > 1e-4


def waiting_shares(load: float, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """P(W <= t) in M/D/1, t in service times (Erlang 1909)."""
    shares = []
    for t in times.tolist():
        behind = [load * (k - t) for k in range(math.floor(t) + 1)]
        shares.append(
            (1 - load) * math.fsum(x**k / math.factorial(k) * math.exp(-x) for k, x in enumerate(behind))
        )
    return np.array(shares)


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
@pytest.mark.fast_cases("0.8")
def test_waiting_times_are_distributed_as_in_m_d_1(load: float) -> None:
    service_ms = 1000
    gaps = -service_ms / load * np.log1p(-Streams(9).field("test.arrivals").row(0, N))
    net, arrivals = carried(
        {"bandwidth_kbit_per_s": 0.512, "queue_messages": 10**6},
        times_ms=np.floor(np.cumsum(gaps)).astype(np.int64),
    )
    waits = (np.array([latency for _, latency in sorted(arrivals)]) - service_ms) / service_ms
    # A millisecond is a thousandth of the service time: half of one centres what whole milliseconds cut off.
    times = np.array([0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0])
    below = waits[:, np.newaxis] <= times + 0.0005
    batches = below.reshape(40, -1, len(times)).mean(axis=1)
    errors = batches.std(axis=0, ddof=1) / math.sqrt(len(batches))
    assert np.all(errors < 0.02)
    assert np.all(np.abs(below.mean(axis=0) - waiting_shares(load, times)) <= DEVIATIONS * errors + 0.001)
    # The account's quantiles are those of the waits, to half a millisecond and a bucket.
    row = account(net)
    assert row.latency_p50_ms == pytest.approx(service_ms * (1 + np.quantile(waits, 0.5)), rel=1 / 400)
    assert row.latency_p99_ms == pytest.approx(service_ms * (1 + np.quantile(waits, 0.99)), rel=1 / 400)


@pytest.mark.parametrize("loss", [pytest.param(0.1, marks=pytest.mark.slow), 0.5])
@pytest.mark.parametrize("retries", [0, 1, 3])
@pytest.mark.fast_cases("3-0.5")
def test_acknowledged_delivery_loses_what_is_lost_every_time(loss: float, retries: int) -> None:
    """A message is gone with p^(r+1), and sent again while it or its acknowledgement is lost."""
    n = 10_000
    net, arrivals = carried(
        {
            "loss": {"kind": "bernoulli", "loss_probability": loss},
            "delivery": "at_least_once",
            "retries": retries,
            "timeout_ms": 100,
            "latency": {"kind": "constant", "latency_ms": 10},
        },
        n=n,
    )
    assert_binomial(n - len({sequence for sequence, _ in arrivals}), n, loss ** (retries + 1))
    again = 1 - (1 - loss) ** 2
    turns = np.arange(1, retries + 2)
    shares = again ** (turns - 1) * np.where(turns <= retries, 1 - again, 1.0)
    mean = float(shares @ turns)
    deviation = math.sqrt(float(shares @ turns**2) - mean**2)
    assert account(net).sent / n == pytest.approx(mean, abs=DEVIATIONS * deviation / math.sqrt(n) + 1e-9)
