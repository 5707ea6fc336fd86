"""A year of hourly power flows on a 129-bus feeder against pandapower's `runpp`, on the same injections.

    python bench/bench_power_flow.py

Prints the time of both and their ratio, and leaves with 1 if the ratio is below 200. The `runpp` loop is what
a user of pandapower would write: one load a bus, powers written, `runpp` with its defaults, results read; a
sample of its intervals is timed. Both run on one thread, which has to be said before numpy is imported.
"""

from __future__ import annotations

import copy
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np  # noqa: E402 - after the number of threads
from ruamel.yaml import YAML  # noqa: E402 - as above

from cosim.grid.background import Background  # noqa: E402 - as above
from cosim.grid.feeder import Feeder, load_feeder  # noqa: E402 - as above
from cosim.grid.power_flow import FlowResult, PowerFlow  # noqa: E402 - as above
from cosim.grid.schema import GridConfig, NetworkConfig  # noqa: E402 - as above

NETWORK = "simbench_rural3"
N_INTERVALS = 8760
N_SAMPLED = 40
N_ALONE = 400
NEEDED_RATIO = 200


def main() -> int:
    """Measure, print, and say whether it is fast enough."""
    folder = Path(__file__).resolve().parent.parent / "networks"
    network = NetworkConfig.model_validate(YAML(typ="safe").load(folder / f"{NETWORK}.yaml"))
    feeder = load_feeder(network, folder)
    grid, start_time = GridConfig(network=NETWORK), datetime(2016, 1, 1, tzinfo=UTC)
    p_mw, q_mvar = Background(feeder, feeder.elements, grid, start_time, N_INTERVALS).power(0, N_INTERVALS)
    power_flow = PowerFlow(feeder)
    power_flow.solve(p_mw[:200], q_mvar[:200])

    start = time.perf_counter()
    result = power_flow.solve(p_mw, q_mvar)
    year_s = time.perf_counter() - start
    start = time.perf_counter()
    for row in range(N_ALONE):
        power_flow.solve(p_mw[row : row + 1], q_mvar[row : row + 1])
    alone_s = (time.perf_counter() - start) / N_ALONE

    rows = np.linspace(0, N_INTERVALS - 1, N_SAMPLED).astype(int)
    call_s, gap_pu = time_runpp(feeder, p_mw, q_mvar, rows, result)
    ratio = call_s * N_INTERVALS / year_s
    print(f"{NETWORK}: {feeder.n_bus} buses, {N_INTERVALS} intervals, {result.converged.sum()} converged")
    print(f"cosim, in blocks     {year_s:8.3f} s a year   {year_s / N_INTERVALS * 1e3:8.4f} ms an interval")
    print(f"cosim, one by one    {alone_s * N_INTERVALS:8.3f} s a year   {alone_s * 1e3:8.4f} ms an interval")
    print(
        f"runpp ({N_SAMPLED} sampled)  {call_s * N_INTERVALS:8.1f} s a year   "
        f"{call_s * 1e3:8.4f} ms an interval"
    )
    print(f"largest voltage difference {gap_pu:.1e} pu (runpp at its default tolerance)")
    print(f"ratio {ratio:.0f}, needed {NEEDED_RATIO}")
    return 0 if ratio >= NEEDED_RATIO else 1


def time_runpp(
    feeder: Feeder, p_mw: np.ndarray, q_mvar: np.ndarray, rows: np.ndarray, result: FlowResult
) -> tuple[float, float]:
    """Seconds a call of `runpp` on some intervals, and the largest difference of voltages, pu."""
    import pandapower as pp

    net = copy.deepcopy(feeder.net)
    pp.create_loads(net, feeder.bus.index, p_mw=0.0)
    pp.runpp(net, numba=False)
    gap_pu = 0.0
    start = time.perf_counter()
    for row in rows:
        net.load["p_mw"] = p_mw[row]
        net.load["q_mvar"] = q_mvar[row]
        pp.runpp(net, numba=False)
        gap_pu = max(gap_pu, float(np.nanmax(np.abs(net.res_bus.vm_pu.to_numpy() - result.vm_pu[row]))))
    return (time.perf_counter() - start) / len(rows), gap_pu


if __name__ == "__main__":
    sys.exit(main())
