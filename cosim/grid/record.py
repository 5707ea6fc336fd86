"""What is written down of the feeder: injections, voltages, loadings, and the power flow's own account."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import to_hours, to_utc
from cosim.core.context import Context
from cosim.core.numbers import Number, Summary, declared
from cosim.core.tables import TableStore
from cosim.grid import en50160
from cosim.grid.agreement import Disagreement
from cosim.grid.connected_feeder import ConnectedFeeder
from cosim.grid.copy_record import FEEDER_COPIES, CopyTally
from cosim.grid.coupling import Block
from cosim.grid.extremes import SECTION, Extreme, GridMetrics
from cosim.grid.flow_tables import (
    BUS_VOLTAGE,
    EN50160,
    INJECTIONS,
    LINE_LOADING,
    POWER_FLOW,
    TAP_POSITIONS,
    TRAFO3W_LOADING,
    TRAFO_LOADING,
)
from cosim.grid.limit_violations import OVERLOADS, VIOLATIONS, ViolationTally, violation_rows
from cosim.grid.limits import KINDS as LIMITS
from cosim.grid.limits import BandExceedance, Usage, band_exceedance, usages
from cosim.grid.recorded_copies import FeederSample
from cosim.grid.verdict import LimitWatch
from cosim.grid.verify import WholeNetwork, compare

NUMBERS = (
    *declared(SECTION, "table `bus_voltage`",
        Number("voltage_outside_band_share_max", "longest outside the band", "",
            "largest share of the intervals in which any one bus is outside its voltage band; null if "
            "nothing was solved", "less", "share"),
        Number("voltage_outside_band_share_max_bus", "bus longest outside the band", "",
            "index of that bus; null where no bus ever leaves its band", kind="place"),
        Number("tap_operations", "tap operations", "",
            "steps of all tap changers of `grid.tap_changers`", "less"),
        Number("en50160_weeks", "weeks judged by EN 50160", "", "whole weeks; only with `interval_min: 10`"),
        Number("en50160_weeks_failed", "weeks that fail EN 50160", "",
            "weeks in which a bus fails the standard", "less"),
        Number("en50160_week_share_within_10_percent_min", "lowest weekly share within 10 %", "",
            "lowest share of a week's means within 10 % of nominal, over all buses; null"
            " before a week is over", "more", "share"),
        Number("en50160_week_share_within_10_percent_min_bus", "bus of the lowest weekly share", "",
            "index of that bus", kind="place"),
    ),
)  # fmt: skip


class GridRecorder:
    """Writes solved blocks of intervals and keeps the extremes.

    Attributes
    ----------
    metrics : GridMetrics
        Extremes, energies and counts.
    watch : LimitWatch
        How far each kind of limit is used.
    """

    def __init__(
        self,
        grid: ConnectedFeeder,
        context: Context,
        store: TableStore,
        recorded: bool | FeederSample = True,
    ) -> None:
        self._start = context.time.start
        self._grid = grid
        self._power_flow = store.writer(POWER_FLOW)
        wide = [INJECTIONS, BUS_VOLTAGE, LINE_LOADING, TRAFO_LOADING]
        wide += [TRAFO3W_LOADING] if len(grid.feeder.trafo3w.index) else []
        wide += [TAP_POSITIONS] if grid.tap_changers else []
        self._tap_at = np.array([each.start for each in grid.tap_changers], dtype=np.int64)
        self._tap_operations = 0
        self._wide = {table.name: store.writer(table) for table in wide if "grid" in context.records}
        self._violations, self._overloads = store.writer(VIOLATIONS), store.writer(OVERLOADS)
        self._tally = ViolationTally(grid.feeder, to_hours(context.time.interval_ms))
        self.watch = LimitWatch(grid.feeder.held)
        trafo3w_max = Extreme(1) if len(grid.feeder.trafo3w.index) else None
        self.metrics = GridMetrics(to_hours(context.time.interval_ms), trafo3w_max=trafo3w_max)
        self._interval_ms = context.time.interval_ms
        self._warm_up_ms = context.time.warm_up_ms
        self._to_verify = _sample(context, grid.config.verify_power_flow)
        self._disagreement = Disagreement()
        self._judge: WholeNetwork | None = None
        nothing = np.zeros(len(grid.feeder.bus.index), dtype=np.int64)
        self._outside_band = BandExceedance(nothing, nothing, nothing)
        is_standard = grid.config.interval_min == en50160.INTERVAL_MIN
        self._weeks = en50160.VoltageWeeks(grid.feeder.bus.supplied) if is_standard else None
        self._judged = store.writer(EN50160) if is_standard else None
        self._copies: CopyTally | None = None
        self._of_copies = grid.feeder.copies
        self._sample: NDArray[np.int64] | None = None
        if isinstance(recorded, FeederSample):
            self._sample = np.unique(recorded.copies)
        if grid.feeder.copies is not None:
            numbers = np.arange(1, grid.feeder.copies.number + 1)
            has_rows = np.full(len(numbers), bool(self._wide))
            if self._sample is not None:
                has_rows &= np.isin(numbers, self._sample)
            hours = to_hours(context.time.interval_ms)
            self._copies = CopyTally(grid, grid.feeder.copies, hours, has_rows)
            self._by_copy = store.writer(FEEDER_COPIES)

    def keep(self, block: Block) -> None:
        """Write one block."""
        flow, times = block.flow, to_utc(self._start, block.starts_ms)
        loadings = flow.line_loading_percent, flow.trafo_loading_percent, flow.trafo3w_loading_percent
        found = usages(flow.vm_pu, *loadings, self._grid.limits)
        self._measure(block, found)
        self._verify(block)
        self._write_violations(block, found)
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

        def keep(table: str, elements: str, index: np.ndarray, **values: np.ndarray) -> None:
            which = self._is_sampled(index)
            if which is not None:
                index, values = index[which], {name: value[:, which] for name, value in values.items()}
            columns = {"time": np.repeat(times, len(index)), elements: np.tile(index, len(times))}
            self._wide[table].append(columns | {name: value.ravel() for name, value in values.items()})

        keep("injections", "bus", feeder.bus.index, p_mw=block.p_mw, q_mvar=block.q_mvar)
        keep("bus_voltage", "bus", feeder.bus.index, vm_pu=flow.vm_pu)
        keep("line_loading", "line", feeder.line.index, loading_percent=flow.line_loading_percent)
        keep("trafo_loading", "trafo", feeder.trafo.index, loading_percent=flow.trafo_loading_percent)
        if "tap_positions" in self._wide:
            index = np.array([each.trafo for each in self._grid.tap_changers], dtype=np.int64)
            keep("tap_positions", "trafo", index, position=flow.tap_positions)
        if "trafo3w_loading" in self._wide:
            index, loading = feeder.trafo3w.index, flow.trafo3w_loading_percent
            keep("trafo3w_loading", "trafo3w", index, loading_percent=loading)

    def close(self) -> None:
        """Write what is known at the end."""
        self._overloads.append(self._tally.overloads())
        if self._copies is not None:
            self._by_copy.append(self._copies.rows())

    def _is_sampled(self, index: NDArray[np.int64]) -> NDArray[np.bool_] | None:
        """Which elements are of copies that are written down; None for all."""
        if self._sample is None or self._of_copies is None:
            return None
        return np.isin(index // self._of_copies.stride, self._sample)

    def _write_violations(self, block: Block, found: Mapping[str, Usage]) -> None:
        if any(usage.outside.any() for usage in found.values()):
            if self._sample is not None:
                found = {name: self._sampled(name, usage) for name, usage in found.items()}
            rows = violation_rows(self._grid.feeder, found, self._start, block.starts_ms)
            self._violations.append(rows)

    def _sampled(self, name: str, usage: Usage) -> Usage:
        """A usage of which nothing is outside but what is of copies that are written down."""
        which = self._is_sampled(getattr(self._grid.feeder, LIMITS[name].table).index)
        return usage if which is None else usage._replace(share=np.where(which, usage.share, np.nan))

    def _write_weeks(self, weeks: en50160.VoltageWeeks) -> None:
        judged, weeks.judged = weeks.judged, []
        for week in judged:
            start_ms = self._warm_up_ms + week.number * en50160.WEEK_INTERVALS * self._interval_ms
            n = len(week.columns)
            assert self._judged is not None  # only weeks of 10-minute means are judged
            self._judged.append(
                {
                    "time": np.repeat(to_utc(self._start, np.array([start_ms])), n),
                    "bus": self._grid.feeder.bus.index[week.columns],
                    "within_10_percent_share": week.share_within,
                    "within_wide_share": week.share_within_wide,
                    "kept": week.kept,
                }
            )

    def summary(self) -> Summary:
        """Extremes, energies and counts; of intervals solved again, how far `runpp` is away."""
        taps: Summary = {"tap_operations": self._tap_operations} if self._grid.tap_changers else {}
        metrics = self.metrics
        is_solved = metrics.n_intervals > metrics.n_diverged + metrics.n_skipped
        result = metrics.result() | self._tally.summary(is_solved) | self.watch.summary(self._grid.feeder)
        result |= self._longest_outside_band() | self._standard_weeks()
        result |= {} if self._copies is None else self._copies.summary()
        return result | taps | (self._disagreement.result() if self._to_verify else {})

    def _longest_outside_band(self) -> Summary:
        """The bus that is outside the voltage band for the largest share of the intervals."""
        share = self._outside_band.share
        if np.isnan(share).all():
            return {"voltage_outside_band_share_max": None, "voltage_outside_band_share_max_bus": None}
        worst = int(np.nanargmax(share))
        is_outside = share[worst] > 0
        return {
            "voltage_outside_band_share_max": float(share[worst]),
            "voltage_outside_band_share_max_bus": int(self._grid.feeder.bus.index[worst])
            if is_outside
            else None,
        }

    def _standard_weeks(self) -> Summary:
        """EN 50160, which is about 10-minute means alone."""
        weeks = self._weeks
        if weeks is None:
            return {}
        known = weeks.worst_column >= 0
        bus = self._grid.feeder.bus.index
        return {
            "en50160_weeks": weeks.weeks,
            "en50160_weeks_failed": weeks.weeks_failed,
            "en50160_week_share_within_10_percent_min": weeks.least_share_within if known else None,
            "en50160_week_share_within_10_percent_min_bus": int(bus[weeks.worst_column]) if known else None,
        }

    def _verify(self, block: Block) -> None:
        intervals = [int(start) // self._interval_ms for start in block.starts_ms]
        # Where inverters did not settle it is not known what they did, so that there is nothing to judge.
        known = np.asarray(np.isfinite(block.nominal_p_mw).all(axis=1))
        rows = [row for row, each in enumerate(intervals) if each in self._to_verify and known[row]]
        if not rows:
            return
        if self._judge is None:
            self._judge = WholeNetwork(self._grid.feeder, self._grid.silent, self._grid.tap_changers)

        agreement = compare(
            self._judge,
            self._grid.feeder,
            rows,
            lambda row: self._grid.background.acting(intervals[row]),
            block.nominal_p_mw,
            block.nominal_q_mvar,
            block.flow,
        )
        self._disagreement.add(
            len(rows),
            (agreement.vm_pu.value, agreement.vm_pu.element),
            (agreement.loading_percent.value, agreement.loading_percent.element),
            agreement.p_slack_mw.value,
            len(agreement.status_differs),
        )

    def _measure(self, block: Block, found: Mapping[str, Usage]) -> None:
        """Count what lies behind the warm-up."""
        feeder, flow, metrics = self._grid.feeder, block.flow, self.metrics
        counted = block.starts_ms >= self._warm_up_ms
        positions = np.concatenate([self._tap_at[None], flow.tap_positions])
        self._tap_operations += int(np.abs(np.diff(positions, axis=0))[counted].sum())
        self._tap_at = positions[-1]
        if not counted.any():
            return
        times, vm_pu = block.starts_ms[counted], flow.vm_pu[counted]
        line_percent, trafo_percent = flow.line_loading_percent[counted], flow.trafo_loading_percent[counted]
        metrics.vm_min.add(vm_pu, feeder.bus.index.tolist(), times)
        metrics.vm_max.add(vm_pu, feeder.bus.index.tolist(), times)
        metrics.line_max.add(line_percent, feeder.line.index.tolist(), times)
        metrics.trafo_max.add(trafo_percent, feeder.trafo.index.tolist(), times)
        trafo3w_percent = flow.trafo3w_loading_percent[counted]
        if metrics.trafo3w_max is not None:
            metrics.trafo3w_max.add(trafo3w_percent, feeder.trafo3w.index.tolist(), times)
        limits = self._grid.limits
        if not counted.all():
            found = {name: usage.rows(counted) for name, usage in found.items()}
        self._tally.add(found)
        if self._copies is not None:
            self._copies.add(flow.rows(counted), found)
        self._outside_band += band_exceedance(vm_pu, limits.vm_min_pu, limits.vm_max_pu)
        if self._weeks is not None:
            self._weeks.add(vm_pu)
            self._write_weeks(self._weeks)
        status = flow.status[counted].tolist()
        self.watch.add(found, status, times, 1000 * block.p_mw[counted].sum(axis=1))
        self._measure_own(block, counted & (flow.status == "converged"))
        metrics.add_counts(status, flow.p_slack_mw[counted], flow.losses_mw[counted])
        metrics.n_outside = self.watch.n_outside

    def _measure_own(self, block: Block, counted: NDArray[np.bool_]) -> None:
        """What belongs to no household; loads that follow the voltage at that which was solved."""
        first, n = int(block.starts_ms[0]) // self._interval_ms, len(block.starts_ms)
        load_mw, generation_mw = self._grid.background.loads_and_generators(first, n)
        load_mw = load_mw + (block.p_mw - block.nominal_p_mw).sum(axis=1)
        self.metrics.add_own(load_mw[counted], generation_mw[counted])


def _sample(context: Context, n: int) -> frozenset[int]:
    """Numbers of `n` intervals, chosen by the seed."""
    draws = context.streams.field("verify power flow").row(0, context.time.n_intervals)
    return frozenset(np.argsort(draws, kind="stable")[:n].tolist())
