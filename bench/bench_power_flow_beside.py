"""Power flows of feeders beside other solvers, on the same injections: in a block and one by one.

Three feeders are trees; the fourth is one of them with its ends tied together in pairs.

    python bench/bench_power_flow_beside.py

power-grid-model (its batch, Newton-Raphson, one thread) and lightsim2grid (its Newton-Raphson on pandapower's
matrices) are no dependencies of cosim: ``pip install power-grid-model lightsim2grid``; it says so when one is
missing. pandapower's own way is `run_timeseries` with what it can reuse from step to step. All give the same
voltages to 1e-9 pu, which is checked. Rounds of all solvers take turns. Printed is the median of processor
time a power flow, cosim's with all that a run records of it (loadings, losses, slack), the others' with
voltages alone, and by how many times cosim is faster.
"""

from __future__ import annotations

import logging
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np  # noqa: E402 - after the number of threads
from ruamel.yaml import YAML  # noqa: E402 - as above

from cosim.grid.feeder import Feeder, feeder_from_net, load_feeder  # noqa: E402 - as above
from cosim.grid.power_flow import PowerFlow  # noqa: E402 - as above
from cosim.grid.reference import solve_unloaded  # noqa: E402 - as above
from cosim.grid.schema import NetworkConfig  # noqa: E402 - as above

NETWORKS = ("cigre_lv", "simbench_rural3", "kerber_vorstadtnetz_kabel_1")
MESHED = "simbench_rural3"
N_BLOCK, N_ALONE, N_SERIES, ROUNDS = 1000, 100, 50, 5
LARGEST_GAP_PU = 1e-9
Array = np.ndarray
Solve = Callable[[Array, Array], Array]
"""Voltages (pu) of each bus from what is drawn there (MW, Mvar): of T intervals, shape (T, n_bus)."""


def injections(feeder: Feeder, n: int) -> tuple[Array, Array]:
    """Loads between nothing and their nominal power, drawn by seed 0; shape (n, n_bus)."""
    random = np.random.default_rng(0)
    p_mw, q_mvar = np.zeros((2, n, feeder.n_bus))
    for element in feeder.loads:
        column = feeder.bus_positions([element.bus])[0]
        share = random.uniform(0, 1, n)
        p_mw[:, column] += element.p_mw * share
        q_mvar[:, column] += element.q_mvar * share
    return p_mw, q_mvar


class Matrices:
    """What pandapower makes of a feeder, for solvers that know no tables of its."""

    def __init__(self, feeder: Feeder) -> None:
        net = solve_unloaded(feeder)
        self.internal = net._ppc["internal"]
        self.base_mva = float(self.internal["baseMVA"])
        self.node = np.asarray(net._pd2ppc_lookups["bus"])[feeder.bus.index].astype(int)
        self.n_node = self.internal["Ybus"].shape[0]

    def drawn(self, power: Array) -> Array:
        """Power of each node from that of each bus; shape (T, n_node)."""
        nodes = np.zeros((len(power), self.n_node))
        np.add.at(nodes, (slice(None), self.node), power)
        return nodes


def power_grid_model(feeder: Feeder) -> tuple[Solve, Solve]:
    """power-grid-model in a batch, and one by one."""
    from pandapower.pypower.idx_brch import BR_B, BR_G, BR_R, BR_X, SHIFT, TAP
    from pandapower.pypower.idx_bus import BASE_KV
    from power_grid_model import PowerGridModel, initialize_array

    matrices = Matrices(feeder)
    branch, n = matrices.internal["branch"].real, matrices.n_node
    base_v = matrices.internal["bus"][:, BASE_KV].real * 1e3
    node = initialize_array("input", "node", n)
    node["id"], node["u_rated"] = np.arange(n), base_v
    line = initialize_array("input", "generic_branch", len(branch))
    first, last = branch[:, 0].astype(int), branch[:, 1].astype(int)
    ohm = base_v[last] ** 2 / (matrices.base_mva * 1e6)
    line["id"] = n + np.arange(len(branch))
    line["from_node"], line["to_node"], line["from_status"], line["to_status"] = first, last, 1, 1
    line["r1"], line["x1"], line["b1"] = branch[:, BR_R] * ohm, branch[:, BR_X] * ohm, branch[:, BR_B] / ohm
    line["g1"], line["sn"] = branch[:, BR_G] / ohm, 1e6
    line["k"], line["theta"] = (
        np.where(branch[:, TAP] == 0, 1.0, branch[:, TAP]),
        np.radians(branch[:, SHIFT]),
    )
    source = initialize_array("input", "source", len(matrices.internal["ref"]))
    source["id"], source["node"] = n + len(branch) + np.arange(len(source)), matrices.internal["ref"]
    source["status"], source["u_ref"], source["sk"] = 1, np.abs(matrices.internal["V"])[source["node"]], 1e30
    load = initialize_array("input", "sym_load", n)
    load["id"], load["node"], load["status"] = n + len(branch) + len(source) + np.arange(n), np.arange(n), 1
    load["type"], load["p_specified"], load["q_specified"] = 0, 0.0, 0.0
    model = PowerGridModel({"node": node, "generic_branch": line, "source": source, "sym_load": load})

    def block(p_mw: Array, q_mvar: Array) -> Array:
        update = initialize_array("update", "sym_load", (len(p_mw), n))
        update["id"] = load["id"]
        update["p_specified"], update["q_specified"] = (
            matrices.drawn(p_mw) * 1e6,
            matrices.drawn(q_mvar) * 1e6,
        )
        solved = model.calculate_power_flow(
            update_data={"sym_load": update},
            error_tolerance=1e-11,
            threading=-1,
            output_component_types=["node"],
        )
        return np.asarray(solved["node"]["u_pu"])[:, matrices.node]

    def alone(p_mw: Array, q_mvar: Array) -> Array:
        rows = [block(p_mw[row : row + 1], q_mvar[row : row + 1]) for row in range(len(p_mw))]
        return np.concatenate(rows)

    return block, alone


def lightsim2grid(feeder: Feeder) -> tuple[Solve, Solve]:
    """lightsim2grid's solver, one interval after another, each from the last one's voltages: it has no block
    for matrices given to it."""
    from lightsim2grid import algorithm

    matrices = Matrices(feeder)
    newton = algorithm.NR_KLU()
    admittance = matrices.internal["Ybus"].tocsc()
    reference = np.asarray(matrices.internal["ref"], dtype=np.int32)
    held = np.zeros(0, dtype=np.int32)
    free = np.setdiff1d(np.arange(matrices.n_node), reference).astype(np.int32)
    weights = np.zeros(matrices.n_node)
    weights[reference] = 1.0 / len(reference)
    start = np.asarray(matrices.internal["V"], dtype=complex)

    def one_by_one(p_mw: Array, q_mvar: Array) -> Array:
        injected = -(matrices.drawn(p_mw) + 1j * matrices.drawn(q_mvar)) / matrices.base_mva
        voltages = np.empty((len(p_mw), matrices.n_node))
        for row, power in enumerate(injected):
            newton.solve(admittance, start.copy(), power, reference, weights, held, free, 20, 1e-11)
            voltages[row] = newton.get_Vm()
        return voltages[:, matrices.node]

    return one_by_one, one_by_one


def run_timeseries(feeder: Feeder) -> tuple[Solve, Solve]:
    """pandapower's `run_timeseries`, which reuses the admittance matrix."""
    import copy

    import pandapower as pp
    import pandas as pd
    from pandapower.control import ConstControl
    from pandapower.timeseries import DFData, OutputWriter
    from pandapower.timeseries import run_timeseries as run

    def series(p_mw: Array, q_mvar: Array) -> Array:
        net = copy.deepcopy(feeder.net)
        live = feeder.bus.index[feeder.bus.supplied]
        loads = pp.create_loads(net, live, p_mw=0.0, q_mvar=0.0)
        for name, power in (("p_mw", p_mw), ("q_mvar", q_mvar)):
            data = DFData(pd.DataFrame(power[:, feeder.bus.supplied]))
            ConstControl(net, "load", name, loads, list(range(len(live))), data, recycle=True)
        writer = OutputWriter(net, range(len(p_mw)), log_variables=[("res_bus", "vm_pu")])
        run(net, range(len(p_mw)), verbose=False, numba=False, tolerance_mva=1e-11)
        return np.asarray(writer.output["res_bus.vm_pu"], dtype=float)

    return series, series


OTHERS = {
    "power-grid-model": power_grid_model,
    "lightsim2grid": lightsim2grid,
    "run_timeseries": run_timeseries,
}


def read(name: str) -> Feeder:
    """A feeder that cosim brings along."""
    folder = Path(__file__).resolve().parent.parent / "networks"
    network = NetworkConfig.model_validate(YAML(typ="safe").load(folder / f"{name}.yaml"))
    return load_feeder(network, folder)


def meshed(feeder: Feeder) -> Feeder:
    """The feeder with lines between its ends, one to the next but one."""
    import copy

    import pandapower as pp

    net = copy.deepcopy(feeder.source.net)
    n_lines = Counter([*feeder.line.from_bus.tolist(), *feeder.line.to_bus.tolist()])
    ends = [bus for bus in feeder.bus.index[feeder.bus.supplied].tolist() if n_lines[bus] == 1]
    for first, second in zip(ends[::2], ends[1::2], strict=False):
        pp.create_line_from_parameters(net, first, second, 0.1, 0.2, 0.08, 800.0, 0.27)
    return feeder_from_net(net, feeder.network)


def measure(name: str, feeder: Feeder) -> None:
    """Time all solvers on one feeder, and print."""
    p_mw, q_mvar = injections(feeder, N_BLOCK)
    flow = PowerFlow(feeder)

    def block(p: Array, q: Array) -> Array:
        return flow.solve(p, q).vm_pu

    def alone(p: Array, q: Array) -> Array:
        return np.concatenate([flow.solve(p[row : row + 1], q[row : row + 1]).vm_pu for row in range(len(p))])

    solvers: dict[str, tuple[Solve, Solve]] = {"cosim": (block, alone)}
    for other, make in OTHERS.items():
        try:
            solvers[other] = make(feeder)
        except ImportError as error:
            print(f"{name}: {other} is not installed ({error})")
    expected = block(p_mw[:N_SERIES], q_mvar[:N_SERIES])
    times: dict[tuple[str, str], list[float]] = {}
    for _ in range(ROUNDS):
        for solver, (in_block, one_by_one) in solvers.items():
            for way, solve in (("block", in_block), ("alone", one_by_one)):
                n = N_SERIES if solver == "run_timeseries" else N_BLOCK if way == "block" else N_ALONE
                start = time.process_time()
                found = solve(p_mw[:n], q_mvar[:n])
                times.setdefault((solver, way), []).append((time.process_time() - start) / n * 1e6)
                gap = float(np.nanmax(np.abs(found[:N_SERIES] - expected)))
                if gap > LARGEST_GAP_PU:
                    raise SystemExit(f"{name}: {solver} is {gap:.1e} pu off")
    print(f"{name}: {feeder.n_bus} buses, microseconds a power flow")
    own = {way: statistics.median(times["cosim", way]) for way in ("block", "alone")}
    for solver in solvers:
        shown = {way: statistics.median(times[solver, way]) for way in own}
        ratios = ", ".join(f"{way} {shown[way]:8.1f} ({shown[way] / own[way]:5.2f} x cosim)" for way in own)
        print(f"  {solver:<17} {ratios}", flush=True)


def main() -> int:
    """All feeders."""
    logging.getLogger("pandapower").setLevel(logging.ERROR)  # else it asks for numba at each call
    for name in NETWORKS:
        measure(name, read(name))
    measure(f"{MESHED} meshed", meshed(read(MESHED)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
