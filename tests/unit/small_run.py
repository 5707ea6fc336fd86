"""A run directory with made-up tables, as small as it can be, for whatever shows one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from cosim.core.tables import Column
from cosim.engine.wings import tables
from cosim.households.prosumer_table import PROSUMERS
from cosim.report.run_data import RunData
from cosim.results.store import RunStore

START_MS = 1_467_590_400_000  # 2016-07-04
BUSES, LINES, TRAFOS = [0, 4, 9], [2, 7], [0]


def scenario_text(n_homes: int, n_hours: int, grid: bool, title: str = "A small run") -> str:
    """A scenario that fits the tables below."""
    text = f"""
name: small
title: {json.dumps(title)}
seed: 7
time: {{start: 2016-07-04T00:00:00Z, step_s: 3600, duration_h: {n_hours}}}
groups:
  - name: homes
    households: {n_homes}
    cost: {{kind: separable, linear: 6, target: 0.5}}
    load: {{kind: constant, p_kw: 1}}
communities:
  - name: village
    groups: [homes]
    resources:
      - {{name: own_use, capacity: 2}}
      - {{name: sale, capacity: 1}}
"""
    return text + ("grid: {network: cigre_lv}\n" if grid else "")


def hours(n: int, repeat: int = 1) -> Any:
    return np.repeat(np.datetime64(START_MS, "ms") + np.arange(n) * np.timedelta64(1, "h"), repeat)


class SmallRun:
    """A run directory with made-up tables.

    Parameters
    ----------
    folder : Path
        Where to.
    n_homes, n_hours : int
        Households, and steps and intervals of an hour each.
    grid : bool
        Whether the scenario has a feeder.
    """

    def __init__(self, folder: Path, n_homes: int = 4, n_hours: int = 48, grid: bool = False) -> None:
        self.store = RunStore(folder)
        self.folder, self.n_homes, self.n_hours = folder, n_homes, n_hours
        self.names = [f"h{number + 1:03d}" for number in range(n_homes)]
        self.rng = np.random.default_rng(3)
        self.store.write_text("scenario.yaml", scenario_text(n_homes, n_hours, grid))
        self.store.write_json("run.json", {"status": "done", "cause": "", "seed": 7, "cosim": "0.1.0"})

    def prosumers(self) -> SmallRun:
        n = self.n_homes
        extra = [Column(name, "number", "", "") for name in ("cost_target", "battery_capacity_kwh")]
        self.store.writer(PROSUMERS._replace(columns=(*PROSUMERS.columns, *extra))).append(
            {
                "prosumer": self.names,
                "group": ["homes"] * n,
                "community": ["village"] * n,
                "bus": np.resize(BUSES[1:], n),
                "cost_target": np.full(n, 0.5),
                "battery_capacity_kwh": np.full(n, 8.0),
            }
        )
        return self

    def market(self) -> SmallRun:
        n = self.n_hours
        for resource, capacity in (("own_use", 2.0), ("sale", 1.0)):
            self.store.writer(tables()["regulation"]).append(
                {
                    "step": np.arange(n),
                    "time": hours(n),
                    "community": ["village"] * n,
                    "resource": [resource] * n,
                    "capacity": np.full(n, capacity),
                    "members": np.full(n, self.n_homes),
                    **{
                        name: self.rng.random(n)
                        for name in (
                            "signal", "aggregate", "measured", "average_sum", "optimum_gap", "distance",
                            "gradient_mean", "gradient_spread",
                        )
                    },
                }
            )  # fmt: skip
        return self.decisions()

    def decisions(self) -> SmallRun:
        n_rows = self.n_hours * self.n_homes * 2
        step = np.repeat(np.arange(self.n_hours) + 1, self.n_homes * 2)
        self.store.writer(tables()["decisions"]).append(
            {
                "step": step,
                "time": hours(self.n_hours, self.n_homes * 2),
                "prosumer": np.repeat(self.names, 2).tolist() * self.n_hours,
                "resource": ["own_use", "sale"] * (self.n_hours * self.n_homes),
                "requested": np.ones(n_rows, int),
                "delivered": np.ones(n_rows, int),
                "average": self.rng.random(n_rows),
                "gradient": self.rng.random(n_rows),
                "probability": np.full(n_rows, 0.5),
                "signal_step": step,
                "signal_age_ms": np.zeros(n_rows, int),
            }
        )
        return self

    def faults(self, *events: tuple[str, int, int, int]) -> SmallRun:
        """Each is the fault's name, its first and last hour, and how many households it hits."""
        fault, first, last, households = zip(*events, strict=True)
        start = hours(self.n_hours)
        self.store.writer(tables()["faults"]).append(
            {
                "fault": list(fault),
                "kind": ["partition"] * len(events),
                "target": ["links"] * len(events),
                "start": start[list(first)],
                "end": start[list(last)],
                "households": np.array(households),
            }
        )
        return self

    def messages(self, latency_ms: list[int], lost: int = 1) -> SmallRun:
        account = {"sent": 48, "duplicated": 0, "delivered": 47, "lost": lost, "expired": 0, "in_flight": 0}
        rows = {name: [count] * self.n_homes for name, count in account.items()}
        self.store.writer(tables()["messages"]).append(
            {
                "link": [f"downlink/{name}" for name in self.names],
                "kind": ["signal"] * self.n_homes,
                "latency_p50_ms": [1.0] * self.n_homes,
                "latency_p99_ms": [1.0] * self.n_homes,
                **rows,
            }
        )
        n = len(latency_ms)
        self.store.writer(tables()["message_latency"]).append(
            {
                "direction": ["downlink"] * n,
                "kind": ["signal"] * n,
                "latency_ms": latency_ms,
                "count": [10] * n,
            }
        )
        return self

    def meters(self) -> SmallRun:
        rows = self.n_hours * self.n_homes
        self.store.writer(tables()["meters"]).append(
            {
                "time": hours(self.n_hours, self.n_homes),
                "prosumer": self.names * self.n_hours,
                "load_kwh": self.rng.random(rows),
                "pv_kwh": self.rng.random(rows),
                "net_kwh": self.rng.normal(size=rows),
            }
        )
        return self

    def batteries(self) -> SmallRun:
        rows = self.n_hours * self.n_homes
        self.store.writer(tables()["batteries"]).append(
            {
                "time": hours(self.n_hours, self.n_homes),
                "prosumer": self.names * self.n_hours,
                "soc_kwh": 8 * self.rng.random(rows),
                "charge_kwh": self.rng.random(rows),
                "discharge_kwh": self.rng.random(rows),
                "leaked_kwh": np.zeros(rows),
            }
        )
        return self

    def feeder(self, diverged: tuple[int, ...] = ()) -> SmallRun:
        n = self.n_hours
        self.vm_pu = 1 + 0.02 * self.rng.normal(size=(n, len(BUSES)))
        self.percent = 40 * self.rng.random((n, len(LINES)))
        trafo_percent = 40 * self.rng.random((n, len(TRAFOS)))
        for values in (self.vm_pu, self.percent, trafo_percent):
            values[list(diverged)] = np.nan
        status = np.full(n, "converged", dtype=object)
        status[list(diverged)] = "diverged"
        zeros = np.zeros(n)
        flow = {"cause": [""] * n, "route": ["zbus"] * n, "residual_mva": zeros, "p_slack_mw": zeros}
        self.store.writer(tables()["power_flow"]).append(
            {"time": hours(n), "status": list(status), **flow, "q_slack_mvar": zeros, "losses_mw": zeros}
        )
        for table, element, index, column, values in (
            ("bus_voltage", "bus", BUSES, "vm_pu", self.vm_pu),
            ("line_loading", "line", LINES, "loading_percent", self.percent),
            ("trafo_loading", "trafo", TRAFOS, "loading_percent", trafo_percent),
        ):
            self.store.writer(tables()[table]).append(
                {"time": hours(n, len(index)), element: np.tile(index, n), column: values.ravel()}
            )
        return self

    def topology(self, name: str = "$x_1$") -> SmallRun:
        self.store.writer(tables()["feeder_buses"]).append(
            {
                "bus": BUSES,
                "name": [name, "", ""],
                "vn_kv": [20.0, 0.4, 0.4],
                "x": [0.0, 1.0, 2.0],
                "y": [0.0, 0.5, 3.0],
                "supplied": [True] * 3,
                "vm_min_pu": [0.965, 0.9, 0.9],
                "vm_max_pu": [1.055, 1.1, 1.1],
                "households": [0, 2, 2],
            }
        )
        self.store.writer(tables()["feeder_branches"]).append(
            {
                "kind": ["line", "line", "trafo"],
                "element": [*LINES, *TRAFOS],
                "name": ["", "", ""],
                "from_bus": [4, 4, 0],
                "to_bus": [9, 9, 4],
                "length_km": [0.1, 0.1, np.nan],
                "closed": [True, False, True],
                "loading_max_percent": [100.0, 60.0, 100.0],
                "rating_kva": [90.0, 90.0, 250.0],
            }
        )
        return self

    def end(self) -> RunData:
        self.store.finish_tables()
        return RunData(self.folder)


def full_run(folder: Path) -> Path:
    """A run that has every table, and so every figure but those of trading."""
    small = SmallRun(folder, grid=True).prosumers().market().messages([5, 900]).meters()
    small.faults(("storm", 3, 9, 2))
    return small.batteries().feeder().topology().end().folder
