"""Networks of pandapower and SimBench against plain `runpp`: docs/networks_checked.md.

python docs/networks_checked.py                # solves all (ten minutes) and writes docs/networks_checked.md
python docs/networks_checked.py case9 case14   # solves these and prints their rows
"""

from __future__ import annotations

import copy
import inspect
import math
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pandapower as pp
import pandapower.networks
import pyarrow.parquet as pq
import yaml

from cosim.core.errors import InputError, Problem
from cosim.engine.load import load_scenario
from cosim.engine.run import run_scenario

PAGE = Path(__file__).with_suffix(".md")
SIMBENCH_GRIDS = ("rural1", "rural2", "rural3", "semiurb4", "semiurb5", "urban6")
LOSSES = ("line", "trafo", "trafo3w", "impedance", "tcsc", "dcline", "line_dc")
VOLTAGE_PU, LOADING_POINTS, POWER_MW = 1e-9, 1e-6, 1e-6
"""Beyond these a network differs."""

Net = Any


class Checked(NamedTuple):
    """What came of a network.

    Attributes
    ----------
    name : str
        Function of `pandapower.networks`, or SimBench code.
    n_bus : int
        Number of buses.
    route : str
        ``zbus`` or ``runpp``; empty where it was not solved.
    vm_pu, loading_points, power_mw : float
        Largest difference of voltages, of loadings (percentage points), and of slack power and losses.
    said : str
        The sentence that refuses it, or why there is no judge; of a solved network what was warned of.
    """

    name: str
    n_bus: int
    route: str = ""
    vm_pu: float = math.nan
    loading_points: float = math.nan
    power_mw: float = math.nan
    said: str = ""

    @property
    def agrees(self) -> bool:
        """Whether it was solved and nothing differs by more than rounding."""
        return (
            self.vm_pu <= VOLTAGE_PU and self.loading_points <= LOADING_POINTS and self.power_mw <= POWER_MW
        )


def networks() -> dict[str, Callable[[], Net]]:
    """What makes each network: the functions of `pandapower.networks` that need no argument, and SimBench."""
    found: dict[str, Callable[[], Net]] = {}
    for name, function in sorted(vars(pandapower.networks).items()):
        if inspect.isfunction(function) and function.__module__.startswith("pandapower.networks"):
            parameters = inspect.signature(function).parameters.values()
            needed = (p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty for p in parameters)
            if not name.startswith("_") and not any(needed):
                found[name] = function
    for grid in SIMBENCH_GRIDS:
        for scenario in (0, 1, 2):
            code = f"1-LV-{grid}--{scenario}-sw"
            found[code] = lambda code=code: _simbench(code)  # type: ignore[misc]
    return found


def _simbench(code: str) -> Net:
    import simbench

    net = simbench.get_simbench_net(code)
    del net["profiles"]  # 35,136 quarter hours of 200 profiles; here its nominal powers are compared
    return net


def checked(name: str, make: Callable[[], Net], folder: Path) -> Checked:
    """Save a network as JSON, let cosim solve it, and compare with plain `runpp`."""
    random.seed(0)  # pandapower draws some networks from Python's generator
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = make()
        pp.to_json(net, str(folder / f"{name}.json"))
        judge, cause = _judged(net)
    if cause:
        return Checked(name, len(net.bus), said=f"not solved by runpp either: {cause}")
    scenario = folder / f"{name}.yaml"
    scenario.write_text(yaml.safe_dump(_scenario(name)), encoding="utf-8")
    doubts: list[Problem] = []
    try:
        loaded = load_scenario(str(scenario))
        outcome = run_scenario(loaded, folder / f"{name}-run", warn=doubts.extend)
    except InputError as error:
        return Checked(name, len(net.bus), said=f"refused: {error.problems[0]}")
    return _compared(name, judge, outcome.folder, [each.message for each in doubts])


def _judged(net: Net) -> tuple[Net, str]:
    """A solved copy, and why it is not solved."""
    judge, cause = copy.deepcopy(net), ""
    if "tap_changer_type" in judge.trafo:  # without it pandapower 3 ignores the taps of SimBench's scenarios
        known = judge.trafo.tap_side.notna() & judge.trafo.tap_step_percent.gt(0)
        judge.trafo.loc[known & judge.trafo.tap_changer_type.isna(), "tap_changer_type"] = "Ratio"
    for options in ({"tolerance_mva": 1e-11, "max_iteration": 30}, {}):
        try:
            pp.runpp(judge, numba=False, **options)
        except Exception as error:
            cause = str(error)
        else:
            return judge, ""
    return judge, cause


def _scenario(name: str) -> dict[str, Any]:
    """An hour of the network's own powers, without a household."""
    return {
        "name": "check",
        "time": {"start": "2020-01-01T00:00:00Z", "duration_h": 1},
        "grid": {"network": f"{name}.json", "background": "nominal"},
        "report": {"figures": False},
    }


def _compared(name: str, judge: Net, folder: Path, said: list[str]) -> Checked:
    """What a run wrote against the judge."""
    flow = pq.read_table(folder / "tables" / "power_flow.parquet").to_pylist()[0]
    if flow["status"] != "converged":
        return Checked(name, len(judge.bus), said=f"{flow['status']}: {flow['cause']}")
    loading = max(
        _apart(folder, f"{table}_loading", table, "loading_percent", judge[f"res_{table}"].loading_percent)
        for table in ("line", "trafo", "trafo3w")
    )
    slack = judge.gen.slack.astype(bool) & judge.gen.in_service.astype(bool)
    powers = {
        "p_slack_mw": judge.res_ext_grid.p_mw.sum() + judge.res_gen.p_mw[slack].sum(),
        "q_slack_mvar": judge.res_ext_grid.q_mvar.sum() + judge.res_gen.q_mvar[slack].sum(),
        "losses_mw": sum(judge[f"res_{table}"].pl_mw.sum() for table in LOSSES if len(judge[table])),
    }
    return Checked(
        name,
        len(judge.bus),
        flow["route"],
        _apart(folder, "bus_voltage", "bus", "vm_pu", judge.res_bus.vm_pu),
        loading,
        max(abs(flow[key] - value) for key, value in powers.items()),
        "; ".join(said),
    )


def _apart(folder: Path, table: str, key: str, column: str, expected: Any) -> float:
    """Largest difference; infinite where a number stands against none."""
    if not len(expected):
        return 0.0
    rows = pq.read_table(folder / "tables" / f"{table}.parquet").to_pydict()
    found = dict(zip(rows[key], rows[column], strict=True))
    first = np.array([found[int(index)] for index in expected.index], dtype=float)
    second = expected.to_numpy(float)
    if (np.isnan(first) != np.isnan(second)).any():
        return math.inf
    return float(np.nanmax(np.abs(first - second), initial=0.0))


def page(rows: list[Checked]) -> str:
    """The page's text."""
    n_fast = sum(row.route == "zbus" for row in rows)
    n_slow = sum(row.route == "runpp" for row in rows)
    solved = [row for row in rows if row.agrees]
    head = f"""# Networks that were checked

Each network that `pandapower.networks` makes without an argument, and each low-voltage grid of SimBench in
scenarios 0, 1 and 2, was saved by `pandapower.to_json`, named by a scenario (`grid: {{network: FILE.json}}`)
and run for an hour, without households. The judge is pandapower's `runpp` on the network as it was
before, to 1e-11 MVA. Voltages agree to {VOLTAGE_PU:g} pu, loadings to {LOADING_POINTS:g} percentage points,
the power of the external grids and the losses to {POWER_MW:g} MW, in {len(solved)} of {len(rows)} networks:
{n_fast} by the fast fixed point, {n_slow} by `runpp` interval by interval, because they hold generators or
other elements of a given voltage. SimBench's transformers have taps without a type, which pandapower 3 leaves
out; the judge has them as ratios, as cosim completes them, with a warning.

`python docs/networks_checked.py` makes this page; a test goes through the same networks. Differences are
rounded up to a power of ten.

| network | buses | solved by | voltage [pu] | loading [points] | power [MW] | what was said |
|---|---|---|---|---|---|---|
"""
    return head + "".join(f"{line}\n" for line in map(row_text, rows))


def row_text(row: Checked) -> str:
    """A network's row of the table."""
    said = " ".join(row.said.replace("|", "/").split())
    said = said if len(said) <= 300 else f"{said[:300]} …"
    numbers = " | ".join(_bound(value) for value in (row.vm_pu, row.loading_points, row.power_mw))
    return f"| `{row.name}` | {row.n_bus:,} | {row.route or '–'} | {numbers} | {said} |"


def _bound(value: float) -> str:
    """The next power of ten."""
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞"
    return f"1e{math.ceil(math.log10(value))}" if value > 1e-16 else "0"


def check_all(names: list[str]) -> Iterator[Checked]:
    """Check some networks, or all."""
    made = networks()
    for name in names or made:
        with TemporaryDirectory() as folder:
            yield checked(name, made[name], Path(folder))


def main() -> int:
    """Check, print and write; 1 where a network differs in silence."""
    names = sys.argv[1:]
    rows = []
    for row in check_all(names):
        print(row_text(row), flush=True)
        rows.append(row)
    if not names:
        PAGE.write_text(page(rows), encoding="utf-8")
    return 0 if all(row.agrees or (not row.route and row.said) for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
