"""The market of a run, with latency and loss, against bare SimPy doing the same decisions and messages.

    python bench/bench_market.py

Prints the decisions a second of both and the ratio of their times, and leaves with 1 if the ratio is above 4.

Bare SimPy is what one would write for this market and nothing else: a process for each household that wakes
step after step and decides by the same formulas, a message as a timeout with a callback, numbers from
`random`. It keeps no tables, no account of its messages, no order at one instant, no draws that can be found
again. The engine writes its tables as it does by default, a row for each decision included. Both decide for
two resources, send a signal to each household and a report back in each step, and lose the same share of them
with the same mean latency.
"""

from __future__ import annotations

import math
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

import simpy

from cosim.engine.load import load_scenario
from cosim.engine.run import run_scenario

N_HOUSEHOLDS = 99
N_STEPS = 1000
STEP_MS = 3_600_000
MEAN_LATENCY_MS = 300.0
LOSS = 0.02
CAPACITIES = (90.0, 80.0)
GAIN = 5e-3
KAPPA = 0.3
N_REPEATS = 5
LARGEST_RATIO = 4.0

SETTINGS = (
    f"time.steps={N_STEPS}",
    f"time.step_s={STEP_MS // 1000}",
    "communities.market.platform.initial_signal=gradient",
    f"communities.market.platform.gain={GAIN}",
    f"comms.default.latency={{kind: exponential, mean_ms: {MEAN_LATENCY_MS}}}",
    f"comms.default.loss={{kind: bernoulli, loss_probability: {LOSS}}}",
)


class Household:
    """A household of the bare model: paper A's Community 1, or 2 where it has a fourth power."""

    def __init__(self, number: int, linear: float, target: float, quadratic: float, quartic: float) -> None:
        self.number = number
        self.linear, self.target, self.quadratic, self.quartic = linear, target, quadratic, quartic
        self.averages = [1.0, 1.0]
        self.decisions = [1, 1]
        self.signals = (11.7, 11.6)
        self.newest = 0


class BareMarket:
    """The market in bare SimPy."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.env = simpy.Environment()
        draw = self.random.randint
        first = [Household(i, 11.75, 1.74, draw(1, 10) / 4, 0.0) for i in range(50)]
        second = [
            Household(i, 11.65, 1.725, draw(1, 10) / 8, 1.25 * draw(1, 15)) for i in range(50, N_HOUSEHOLDS)
        ]
        self.households = first + second
        self.reports = [(1, 1)] * N_HOUSEHOLDS
        self.signals = (11.7, 11.6)
        self.n_decisions = 0

    def run(self) -> None:
        """All processes, to the end."""
        for household in self.households:
            self.env.process(self.live(household))
        self.env.process(self.regulate())
        self.env.run(until=N_STEPS * STEP_MS)

    def send(self, hear, content) -> None:  # type: ignore[no-untyped-def]
        """A message: lost, or a timeout with a callback."""
        if self.random.random() < LOSS:
            return
        latency_ms = round(-MEAN_LATENCY_MS * math.log1p(-self.random.random()))
        self.env.timeout(latency_ms, content).callbacks.append(hear)  # type: ignore[union-attr]

    def hear_signal(self, event: simpy.Event) -> None:
        """A household hears a signal."""
        household, number, signals = event.value
        if number > household.newest:
            household.newest = number
            household.signals = signals

    def hear_report(self, event: simpy.Event) -> None:
        """The platform hears a report."""
        number, decisions = event.value
        self.reports[number] = decisions

    def live(self, household: Household):  # type: ignore[no-untyped-def]
        """Algorithm 2 with the additive policy."""
        uniform = self.random.random
        for k in range(N_STEPS):
            first, second = household.averages
            if k:
                old, new = k / (k + 1), 1 / (k + 1)
                first = old * first + new * household.decisions[0]
                second = old * second + new * household.decisions[1]
                household.averages = [first, second]
            self.send(self.hear_report, (household.number, tuple(household.decisions)))
            target = household.target
            d = first + second - target
            shared = household.linear + (2 * household.quadratic + 4 * household.quartic * (d * d)) * d
            decisions = []
            for average, signal in zip(household.averages, household.signals, strict=True):
                gradient = shared + (average - 0.5 * target)
                decisions.append(1 if uniform() < average + KAPPA * (signal - gradient) else 0)
            household.decisions = decisions
            self.n_decisions += 1
            yield self.env.timeout(STEP_MS)

    def regulate(self):  # type: ignore[no-untyped-def]
        """Algorithm 1."""
        for k in range(N_STEPS):
            sums = [sum(column) for column in zip(*self.reports, strict=True)]
            self.signals = tuple(
                signal - GAIN * (total - capacity)
                for signal, total, capacity in zip(self.signals, sums, CAPACITIES, strict=True)
            )
            for household in self.households:
                self.send(self.hear_signal, (household, k + 1, self.signals))
            yield self.env.timeout(STEP_MS)


def time_bare(seed: int) -> float:
    """Seconds for the market in bare SimPy."""
    market = BareMarket(seed)
    start = time.process_time()
    market.run()
    seconds = time.process_time() - start
    assert market.n_decisions == N_HOUSEHOLDS * N_STEPS
    return seconds


def time_engine(seed: int) -> float:
    """Seconds for a whole run of the engine: build, simulate, write the tables."""
    loaded = load_scenario("section6_additive", SETTINGS, seed)
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        outcome = run_scenario(loaded, Path(folder) / "run")
        seconds = time.process_time() - start
    assert outcome.status == "done"
    return seconds


def main() -> int:
    """Measure by turns, print, and say whether it is fast enough."""
    time_engine(1)  # loads what is loaded once
    bare, engine = [], []
    for repeat in range(N_REPEATS):
        bare.append(time_bare(repeat))
        engine.append(time_engine(repeat))
    n = N_HOUSEHOLDS * N_STEPS
    bare_s, engine_s = statistics.median(bare), statistics.median(engine)
    ratio = statistics.median(b / a for a, b in zip(bare, engine, strict=True))
    print(f"{N_HOUSEHOLDS} households, {N_STEPS} steps, medians of {N_REPEATS}")
    print(f"bare SimPy  {bare_s:7.3f} s  {n / bare_s:9,.0f} decisions/s, each with a signal and a report")
    print(f"cosim run   {engine_s:7.3f} s  {n / engine_s:9,.0f} decisions/s, tables written")
    print(f"ratio {ratio:.2f}, at most {LARGEST_RATIO:g}")
    return 0 if ratio <= LARGEST_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
