"""The table of docs/links.md: what links of every model were measured to do, beside their configuration.

python docs/links.py    # 100,000 messages over each link; under a minute
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import simpy
from scipy import stats

from cosim.comms.histogram import EXACT_BELOW_MS
from cosim.comms.loss import GilbertElliottLoss, LossConfig
from cosim.comms.network import Network
from cosim.comms.schema import CommsConfig
from cosim.comms.tally import Account
from cosim.core.message import PLATFORM, Address, Message
from cosim.core.streams import Streams

N = 100_000
TRACE_MS = np.array([12.0, 12.0, 15.0, 40.0, 41.0, 300.0, 2500.0])

LATENCIES = [
    ("constant, 70 + 5 ms", {"kind": "constant", "latency_ms": 70, "offset_ms": 5}, lambda p: 75.0),
    ("uniform, 20 to 900 ms", {"kind": "uniform", "low_ms": 20, "high_ms": 900}, stats.uniform(20, 880).ppf),
    (
        "normal, 100 ± 80 ms, truncated at 0, + 30 ms",
        {"kind": "normal", "mean_ms": 100, "std_ms": 80, "offset_ms": 30},
        stats.truncnorm(-1.25, np.inf, loc=130, scale=80).ppf,
    ),
    (
        "lognormal, median 80 ms, sigma 1, + 20 ms",
        {"kind": "lognormal", "median_ms": 80, "sigma": 1.0, "offset_ms": 20},
        stats.lognorm(1.0, loc=20, scale=80).ppf,
    ),
    (
        "exponential, mean 150 ms, + 10 ms",
        {"kind": "exponential", "mean_ms": 150, "offset_ms": 10},
        stats.expon(10, 150).ppf,
    ),
    (
        "gamma, mean 200 ms, shape 2.5",
        {"kind": "gamma", "mean_ms": 200, "shape": 2.5},
        stats.gamma(2.5, scale=80).ppf,
    ),
    (
        "trace of 7 values",
        {"kind": "trace", "file": "measured.csv"},
        lambda p: float(np.sort(TRACE_MS)[max(0, math.ceil(p * len(TRACE_MS)) - 1)]),
    ),
]
LOSSES = [
    ("Bernoulli, 0.05", {"kind": "bernoulli", "loss_probability": 0.05}),
    ("Bernoulli, 0.5", {"kind": "bernoulli", "loss_probability": 0.5}),
    (
        "Gilbert, bursts of 4",
        {"kind": "gilbert_elliott", "probability_good_to_bad": 0.0131579, "probability_bad_to_good": 0.25},
    ),
    (
        "Gilbert–Elliott, 1 % and 60 %",
        {
            "kind": "gilbert_elliott",
            "probability_good_to_bad": 0.05,
            "probability_bad_to_good": 0.1,
            "loss_probability_good": 0.01,
            "loss_probability_bad": 0.6,
        },
    ),
]


def carried(times_ms: np.ndarray, **link: object) -> tuple[Account, CommsConfig, dict[int, int]]:
    """A link's account, its configuration, and the latency of each message that arrived."""
    env = simpy.Environment()
    config = CommsConfig.model_validate({"default": link})
    net = Network(env, config, [Address("h0")], Streams(1), lambda config: TRACE_MS)
    arrived: dict[int, int] = {}

    def receive(message: Message) -> None:
        arrived.setdefault(message.sequence, int(env.now) - message.sent_ms)

    net.on_receive(PLATFORM, "report", receive)

    def sender() -> Iterator[simpy.Event]:
        for sequence, time_ms in enumerate(times_ms.tolist()):
            yield env.timeout(time_ms - env.now)
            net.send("uplink", 0, PLATFORM, "report", sequence, None)

    env.process(sender())
    env.run()
    return net.accounting()[0], config, arrived


def row(model: str, what: str, configured: float, measured: float, low: float, high: float) -> None:
    """Print a line of the table."""
    within = "yes" if low <= measured <= high else "**no**"
    print(
        f"| {model} | {what} | {configured:.5g} | {measured:.5g} | {low:.5g} to {high:.5g} | {within} |",
        flush=True,
    )


def main() -> None:
    """Print the table; bounds leave out one right link in a hundred."""
    print("| model | what | configured | measured | bounds of 99 % | within |")
    print("|---|---|---|---|---|---|")
    steady = np.arange(N)
    for model, latency, quantile in LATENCIES:
        account, _, _ = carried(steady, latency=latency)
        for p, measured in ((0.5, account.latency_p50_ms), (0.99, account.latency_p99_ms)):
            ranks = stats.binom.ppf([0.005, 0.995], N, p) / N
            low, high = quantile(ranks[0]), quantile(ranks[1])
            low, high = low - _counted_within(low), high + _counted_within(high)
            row(model, f"{100 * p:g} % quantile [ms]", quantile(p), measured, low, high)
    for model, loss in LOSSES:
        _loss(model, loss, steady)
    account, _, _ = carried(steady, duplication_probability=0.1)
    row(
        "duplication, 0.1",
        "share copied",
        0.1,
        account.duplicated / N,
        *stats.binom.interval(0.99, N, 0.1) / np.array(N),
    )
    for load in (0.3, 0.6, 0.8):
        _queue(load)


def mean_burst_length(config: LossConfig) -> float:
    """Mean number of messages lost in a row, over all runs of losses; 0 where nothing is ever lost.

    Notes
    -----
    Runs end as often as a loss is followed by a delivery, so the mean is P(lost) / P(lost, then delivered).
    With losses in every bad state and in no good one it is 1 / P(bad to good).
    """
    rate = config.rate()
    if rate == 0:
        return 0.0
    if not isinstance(config, GilbertElliottLoss):
        return 1 / (1 - rate) if rate < 1 else math.inf
    bad = config.bad_share()
    good_loss, bad_loss = config.loss_probability_good, config.loss_probability_bad
    to_bad, to_good = config.probability_good_to_bad, config.probability_bad_to_good
    ends_from_good = (1 - bad) * good_loss * ((1 - to_bad) * (1 - good_loss) + to_bad * (1 - bad_loss))
    ends_from_bad = bad * bad_loss * (to_good * (1 - good_loss) + (1 - to_good) * (1 - bad_loss))
    ends = ends_from_good + ends_from_bad
    return rate / ends if ends > 0 else math.inf


def _counted_within(latency_ms: float) -> float:
    """How exactly a latency is counted: to the millisecond, from 1024 ms on in buckets of 1/512 of it."""
    return 0.5 + (latency_ms / 512 if latency_ms >= EXACT_BELOW_MS else 0.0)


def _loss(model: str, loss: dict[str, object], steady: np.ndarray) -> None:
    account, config, arrived = carried(steady, loss=loss)
    given = config.default.loss
    rate, burst = given.rate(), mean_burst_length(given)
    memory = 1 - loss.get("probability_good_to_bad", 1.0) - loss.get("probability_bad_to_good", 0.0)
    deviation = math.sqrt(rate * (1 - rate) / N * (1 + memory) / (1 - memory))
    row(model, "share lost", rate, account.lost / N, rate - 2.576 * deviation, rate + 2.576 * deviation)
    lost = np.ones(N, dtype=bool)
    lost[list(arrived)] = False
    lengths = np.array([len(list(run)) for is_lost, run in itertools.groupby(lost) if is_lost])
    error = 2.576 * lengths.std() / math.sqrt(len(lengths))
    row(model, "mean burst [messages]", burst, lengths.mean(), burst - error, burst + error)


def _queue(load: float) -> None:
    """Poisson arrivals at a transmitter that takes a second: M/D/1."""
    gaps_ms = -1000 / load * np.log1p(-Streams(4).field("docs.arrivals").row(0, N))
    _, _, arrived = carried(
        np.floor(np.cumsum(gaps_ms)).astype(np.int64), bandwidth_kbit_per_s=0.512, queue_messages=10**6
    )
    waits_ms = np.array([arrived[sequence] for sequence in range(N)]) - 1000
    expected = 1000 * load / (2 * (1 - load))
    batches = waits_ms.reshape(50, -1).mean(axis=1)
    error = 2.68 * batches.std(ddof=1) / math.sqrt(len(batches))
    model = f"queue, load {load:g} (M/D/1)"
    row(model, "mean wait [ms]", expected, waits_ms.mean(), expected - error, expected + error)
    share = (waits_ms == 0).reshape(50, -1).mean(axis=1)
    error = 2.68 * share.std(ddof=1) / math.sqrt(len(share)) + 0.001
    row(model, "share that need not wait", 1 - load, share.mean(), 1 - load - error, 1 - load + error)


if __name__ == "__main__":
    main()
