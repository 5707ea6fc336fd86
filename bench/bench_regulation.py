"""Communities as arrays against the same by processes and against bare SimPy, with latency and loss.

    python bench/bench_regulation.py

Prints decisions a second, each with a signal and a report, from processor time: bare SimPy (the market of
`bench_market.py`), one household at a time, and all at once; then what of the latter goes into the yardstick
of the table `regulation` (optimum, gradients), which both routes work out for every tick. The runs keep no
table; `record.decisions` is false; what is compiled has been loaded before. Then villages whose batteries,
vehicles or heat pumps are asked, with their feeder. Last, processor time and memory of 100,000 households, or
of as many as are given, and what a decision costs there over what it costs among 1,000 in as many steps, both
without building, which stands beside it:

    python bench/bench_regulation.py 1000000

Beside each ratio stands what is aimed at. Leaves with 1 if arrays are not `NEEDED` times as fast as
processes.
"""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Sequence
from unittest.mock import patch

import bench_market

from cosim.core import compiled
from cosim.engine.builder import build
from cosim.engine.load import load_scenario
from cosim.engine.simulation import Simulation
from cosim.regulation import stretches
from cosim.regulation.record import TickRecorder
from cosim.results.store import Nowhere

N_REPEATS = 3
NEEDED = {99: 5.0, 1000: 10.0}
"""Decisions a second by arrays over those by processes."""
OVER_BARE = {99: 15, 1000: 40}
"""What is aimed at: decisions a second by arrays over those of bare SimPy."""
VILLAGE_RATIO, LARGE_S, LARGE_GIB, COST_RATIO = 20, 60, 4, 1.5
"""Likewise, with batteries over processes; and of a million households, with the cost of a decision over
that among a thousand."""
N_STEPS = {99: 2000, 1000: 960}
N_LARGE, LARGE_STEPS = 100_000, 96
VILLAGE = ("record.decisions=false", "time.duration_h=500")
STREET = ("record.decisions=false", "time.duration_h=24")
HEATED = (
    "groups.homes.ev=null",
    "groups.homes.heat_pump.power_kw=3",
    "groups.homes.heat_pump.heat={kind: building, temperature: {kind: constant, degrees_c: -3}}",
    "communities.street.resources.charging.serves=heat_pump",
)
DEVICES = {
    "batteries": ("storage_village", VILLAGE),
    "vehicles": ("ev_street", STREET),
    "heat pumps": ("ev_street", (*STREET, *HEATED)),
}


def settings(n: int, n_steps: int) -> list[str]:
    """`section6_additive` with so many households, its capacities and its gain in proportion."""
    first = n * 50 // 99
    return [
        f"time.steps={n_steps}",
        "time.step_s=900",
        f"groups.community_1.households={first}",
        f"groups.community_2.households={n - first}",
        f"communities.market.resources.consumption.capacity={90 * n / 99}",
        f"communities.market.resources.production.capacity={80 * n / 99}",
        "communities.market.platform.initial_signal=gradient",
        f"communities.market.platform.gain={5e-3 * 99 / n}",
        "comms.default.latency={kind: exponential, mean_ms: 300}",
        "comms.default.loss={kind: bernoulli, loss_probability: 0.02}",
        "record.decisions=false",
    ]


def timed(name: str, overrides: Sequence[str], route: str) -> tuple[float, float]:
    """Processor time of the simulation, s, and of that the yardstick's."""
    simulation = Simulation(
        build(load_scenario(name, [*overrides, f"engine.route={route}"], 1)),
        Nowhere(),
        lambda now_ms, events: None,
    )
    yardstick_s = 0.0
    flush = TickRecorder.flush

    def timed_flush(recorder: TickRecorder) -> None:
        nonlocal yardstick_s
        begun = time.process_time()
        flush(recorder)
        yardstick_s += time.process_time() - begun

    with patch.object(TickRecorder, "flush", timed_flush), patch.object(compiled, "PATIENCE", 0):
        begun = time.process_time()
        simulation.run()
        simulation.close()
        return time.process_time() - begun, yardstick_s


def compare(n: int) -> float:
    """Print the routes' speeds for a number of households; arrays over processes."""
    n_steps = N_STEPS[n]
    bare, process, array, yardstick = [], [], [], []
    timed("section6_additive", settings(n, 200), "arrays")  # loads what is compiled
    n_first = stretches.WORTH_COMPILING + 200  # so many have the rest compiled
    timed("section6_additive", settings(3, n_first), "arrays")
    for repeat in range(N_REPEATS):
        bare.append(bench_market.N_STEPS * bench_market.N_HOUSEHOLDS / bench_market.time_bare(repeat))
        few = max(20, 20_000 // n)
        process.append(few * n / timed("section6_additive", settings(n, few), "processes")[0])
        seconds, of_yardstick = timed("section6_additive", settings(n, n_steps), "arrays")
        array.append(n_steps * n / seconds)
        yardstick.append(of_yardstick / seconds)
    ratio, over_bare = (median_ratio(array, other) for other in (process, bare))
    for name, speeds in (("bare SimPy", bare), ("processes", process), ("arrays", array)):
        print(f"{n:>9,} households  {name:<10} {statistics.median(speeds):>10,.0f} decisions/s")
    print(f"{'':>21} of the arrays' time goes into the yardstick {statistics.median(yardstick):.0%}")
    print(f"{'':>21} arrays over bare SimPy {over_bare:.1f} (aim: {OVER_BARE[n]})")
    print(f"{'':>21} arrays over processes {ratio:.1f}, at least {NEEDED[n]:g}", flush=True)
    return ratio


def median_ratio(these: Sequence[float], those: Sequence[float]) -> float:
    """Median of ratios, pair by pair."""
    return statistics.median(this / that for this, that in zip(these, those, strict=True))


def devices() -> None:
    """The routes on devices of villages."""
    for kind, (scenario, overrides) in DEVICES.items():
        with patch.object(stretches, "WORTH_COMPILING", -1):
            timed(scenario, (*overrides, "time.duration_h=8"), "arrays")
        # One after the other, for what else the machine does changes.
        pairs = [
            [timed(scenario, overrides, route) for route in ("processes", "arrays")] for _ in range(N_REPEATS)
        ]
        (process, _), (array, yardstick) = (zip(*ran, strict=True) for ran in zip(*pairs, strict=True))
        ratio = median_ratio(process, array)
        aim = f" (aim: {VILLAGE_RATIO})" if scenario == "storage_village" else ""
        print(
            f"{kind} of {scenario}, with its feeder: arrays over processes {ratio:.1f}{aim}: "
            f"{statistics.median(process):.2f} s and {statistics.median(array):.3f} s, "
            f"of which the yardstick, in both, takes {statistics.median(yardstick):.3f} s",
            flush=True,
        )


def large(n: int) -> None:
    """Processor time and memory of many households, beside a thousand in as many steps."""
    few = statistics.median(
        timed("section6_additive", settings(1000, LARGE_STEPS), "arrays")[0] for _ in range(N_REPEATS)
    )
    begun = time.process_time()
    seconds, of_yardstick = timed("section6_additive", settings(n, LARGE_STEPS), "arrays")
    whole = time.process_time() - begun
    peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    cost, cost_of_few = seconds / (n * LARGE_STEPS), few / (1000 * LARGE_STEPS)
    print(
        f"{n:>9,} households, {LARGE_STEPS} steps: {whole:.1f} s, {whole - seconds:.1f} s of it building and "
        f"{of_yardstick:.1f} s yardstick (aim for a million: {LARGE_S} s); peak {peak_gib:.2f} GiB "
        f"(aim: {LARGE_GIB})\n"
        f"{'':>21} a decision of the simulation costs {cost * 1e9:,.0f} ns, {cost / cost_of_few:.2f} times "
        f"the {cost_of_few * 1e9:,.0f} ns among a thousand in as many steps (aim: {COST_RATIO})"
    )


def main() -> int:
    """Measure, print, and say whether it is fast enough."""
    n_large = int(sys.argv[1]) if len(sys.argv) > 1 else N_LARGE
    ratios = {n: compare(n) for n in NEEDED}
    devices()
    large(n_large)
    return 0 if all(ratios[n] >= needed for n, needed in NEEDED.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
