"""What is written down of the feeder: injections, voltages, loadings, and the power flow's own account."""

from __future__ import annotations

import numpy as np

from cosim.clock import to_hours
from cosim.config.scenario import Scenario
from cosim.engine.grid_parts import GridParts
from cosim.engine.market_record import to_utc
from cosim.grid.coupling import Block
from cosim.grid.limits import find_violations
from cosim.results.metrics import GridMetrics
from cosim.results.store import RunStore


class GridRecorder:
    """Writes solved blocks of intervals and keeps the extremes."""

    def __init__(self, scenario: Scenario, grid: GridParts, store: RunStore) -> None:
        self._start = scenario.time.start
        self._grid = grid
        self._power_flow = store.writer("power_flow")
        self._wide = {
            name: store.writer(name)
            for name in ("injections", "bus_voltage", "line_loading", "trafo_loading")
            if scenario.record.grid
        }
        self.metrics = GridMetrics(to_hours(scenario.interval_ms))

    def keep(self, block: Block) -> None:
        """Write one block."""
        self._measure(block)
        flow, times = block.flow, to_utc(self._start, block.starts_ms)
        self._power_flow.append(
            {
                "time": times,
                "status": flow.status.tolist(),
                "cause": flow.cause.tolist(),
                "route": flow.route.tolist(),
                "residual_mva": flow.residual_mva,
                "p_slack_mw": flow.p_slack_mw,
                "q_slack_mvar": flow.q_slack_mvar,
                "losses_mw": flow.losses_mw,
            }
        )
        if not self._wide:
            return
        feeder = self._grid.feeder
        buses, lines, trafos = feeder.bus.index, feeder.line.index, feeder.trafo.index

        def long(elements: str, index: np.ndarray, **values: np.ndarray) -> dict[str, np.ndarray]:
            columns = {"time": np.repeat(times, len(index)), elements: np.tile(index, len(times))}
            return columns | {name: value.ravel() for name, value in values.items()}

        self._wide["injections"].append(long("bus", buses, p_mw=block.p_mw, q_mvar=block.q_mvar))
        self._wide["bus_voltage"].append(long("bus", buses, vm_pu=flow.vm_pu))
        self._wide["line_loading"].append(long("line", lines, loading_percent=flow.line_loading_percent))
        self._wide["trafo_loading"].append(long("trafo", trafos, loading_percent=flow.trafo_loading_percent))

    def _measure(self, block: Block) -> None:
        feeder, flow, metrics, times = self._grid.feeder, block.flow, self.metrics, block.starts_ms
        metrics.vm_min.add(flow.vm_pu, feeder.bus.index.tolist(), times)
        metrics.vm_max.add(flow.vm_pu, feeder.bus.index.tolist(), times)
        metrics.line_max.add(flow.line_loading_percent, feeder.line.index.tolist(), times)
        metrics.trafo_max.add(flow.trafo_loading_percent, feeder.trafo.index.tolist(), times)
        outside = find_violations(
            flow.vm_pu, flow.line_loading_percent, flow.trafo_loading_percent, self._grid.limits
        ).outside
        metrics.add_counts(flow.status.tolist(), outside, flow.p_slack_mw, flow.losses_mw)
