"""A week of 10-minute steps on a 129-bus feeder with photovoltaics, with Q(V) and without, in one process.

    python bench/bench_inverter.py

Prints the time of the power flows with the generation as it is, with Q(V) and with Q(V) and P(V), their
ratios, and the time of a whole run with its tables; leaves with 1 if Q(V) takes more than 5 times as long, or
the whole run more than 3 s. The feeder is read before: that takes seconds, once for all runs of a process.
Everything runs on one thread, which has to be said before numpy is imported.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np  # noqa: E402 - after the number of threads

from cosim.core.inverters import Inverter, Inverters  # noqa: E402 - as above
from cosim.devices.named_characteristics import P_OF_V, Q_OF_V  # noqa: E402 - as above
from cosim.engine.load import load_scenario  # noqa: E402 - as above
from cosim.engine.run import run_scenario  # noqa: E402 - as above
from cosim.grid.feeder import Feeder, load_feeder  # noqa: E402 - as above
from cosim.grid.network_file import load_network  # noqa: E402 - as above
from cosim.grid.power_flow import FlowResult, PowerFlow  # noqa: E402 - as above
from cosim.grid.voltage_control import ControlledPower  # noqa: E402 - as above

NETWORK = "simbench_rural3"
N_INTERVALS = 7 * 144
KWP = 8.0
NEEDED_RATIO, NEEDED_S = 5.0, 3.0
WEEK = [
    "time.duration_h=168",
    "communities=[]",
    "grid.interval_min=10",
    "report.figures=false",
    "groups.homes.pv.kwp=8",
    "groups.homes.pv.control={reactive: {kind: q_of_v, standard: vde_ar_n_4105}}",
]


def main() -> int:
    """Measure, print, and say whether it is fast enough."""
    network, folder = load_network(NETWORK, Path())
    feeder = load_feeder(network, folder)
    solver = PowerFlow(feeder)
    load_mw, sun = powers(feeder)
    columns = feeder.bus_positions([load.bus for load in feeder.loads])
    fed_in = load_mw.copy()
    for unit, column in enumerate(columns):
        fed_in[:, column] -= sun[:, unit] / 1000
    reactive = 0.3 * load_mw
    kinds = {
        "as it is": lambda: solver.solve(fed_in, reactive),
        "Q(V)": with_inverters(solver, columns, load_mw, sun, Inverter(KWP, q_of_v=Q_OF_V["vde_ar_n_4105"])),
        "Q(V) and P(V)": with_inverters(
            solver,
            columns,
            load_mw,
            sun,
            Inverter(KWP, KWP, q_of_v=Q_OF_V["ieee_1547_b"], p_of_v=P_OF_V["ieee_1547"]),
        ),
    }
    seconds = {}
    print(f"{NETWORK}: {feeder.n_bus} buses, {len(columns)} inverters, {N_INTERVALS} intervals")
    for name, solve in kinds.items():
        result, seconds[name] = timed(solve)
        ratio = seconds[name] / seconds["as it is"]
        highest = float(np.nanmax(result.vm_pu))
        print(
            f"{name:14} {seconds[name]:7.3f} s   {seconds[name] / N_INTERVALS * 1e3:7.4f} ms an interval   "
            f"ratio {ratio:4.1f}   {result.converged.sum()} converged, highest {highest:.4f} pu"
        )
    ratio = seconds["Q(V)"] / seconds["as it is"]
    whole_s = whole_run()
    print(f"a run of the week, meters and tables written: {whole_s:.2f} s, needed {NEEDED_S:g}")
    print(f"ratio {ratio:.1f}, needed {NEEDED_RATIO:g}")
    return 0 if ratio <= NEEDED_RATIO and whole_s <= NEEDED_S else 1


def powers(feeder: Feeder) -> tuple[np.ndarray, np.ndarray]:
    """What is drawn at each bus, MW, and what each roof could give, kW: a clear week, some haze each."""
    rng = np.random.default_rng(1)
    hour = np.arange(N_INTERVALS) / 6 % 24
    sun = np.clip(np.sin((hour - 6) / 12 * np.pi), 0.0, None)[:, None]
    load_mw = np.zeros((N_INTERVALS, feeder.n_bus))
    for load in feeder.loads:
        column = int(feeder.bus_positions([load.bus])[0])
        load_mw[:, column] += rng.gamma(2.0, 0.00025, N_INTERVALS)
    return load_mw, KWP * sun * rng.uniform(0.7, 1.0, (N_INTERVALS, len(feeder.loads)))


def with_inverters(
    solver: PowerFlow, columns: np.ndarray, load_mw: np.ndarray, sun: np.ndarray, one: Inverter
) -> Callable[[], FlowResult]:
    """The week with such an inverter at each load."""
    inverters = Inverters([one] * len(columns))
    met = inverters.conditions(sun.T, 0.0 * sun.T, np.zeros_like(sun.T))
    controlled = ControlledPower(columns, inverters, type(met)(*(part.T for part in met)))
    return lambda: solver.solve(load_mw, 0.3 * load_mw, None, controlled)


def timed(solve: Callable[[], FlowResult], repeats: int = 3) -> tuple[FlowResult, float]:
    """The result, and the least processor time of a few repetitions, s."""
    least = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        result = solve()
        least = min(least, time.process_time() - start)
    return result, least


def whole_run() -> float:
    """Processor time of a run whose feeder has been read, s."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = []
        for name in ("first", "second"):
            start = time.process_time()
            outcome = run_scenario(load_scenario("storage_village", WEEK), Path(folder) / name)
            seconds.append(time.process_time() - start)
            assert outcome.summary["pv_reactive_drawn_kvarh"]  # inverters were at work
    return seconds[1]


if __name__ == "__main__":
    sys.exit(main())
