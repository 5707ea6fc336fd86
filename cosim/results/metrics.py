"""The numbers of ``summary.json``, gathered block by block while a run goes on.

Every name ends in its unit; `null` stands for a number that does not exist in this run.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import Problem, count
from cosim.core.tables import Summary

Array = NDArray[np.float64]


@dataclass
class TrackingMetrics:
    """How well a resource's aggregate follows its capacity, over all ticks but the initial one.

    Parameters
    ----------
    prefix : str
        ``community_resource``.

    Notes
    -----
    The aggregate is the mean over a step. What the platform measures swings more in a loop that oscillates:
    households that wake at different times of a step take turns, and the mean over the step hides it.
    """

    prefix: str
    n: int = 0
    error_sum: float = 0.0
    square_sum: float = 0.0
    n_measured: int = 0
    measured_square_sum: float = 0.0
    spread_end: float = math.nan
    average_shortfall_end: float = math.nan

    def add(self, columns: Mapping[str, Array]) -> None:
        """Take a block of the regulation table of this resource."""
        used = columns["step"] > 0
        error = (columns["aggregate"] - columns["capacity"])[used]
        self.n += len(error)
        self.error_sum += math.fsum(error)
        self.square_sum += math.fsum(error * error)
        measured = (columns["measured"] - columns["capacity"])[used]
        measured = measured[np.isfinite(measured)]
        self.n_measured += len(measured)
        self.measured_square_sum += math.fsum(measured * measured)
        self.spread_end = float(columns["gradient_spread"][-1])
        capacity = columns["capacity"]
        # Averages are of many steps: against a capacity that moves they fall short for no reason.
        is_constant = bool(np.all(capacity == capacity[0]))
        shortfall = float(capacity[-1] - columns["average_sum"][-1])
        self.average_shortfall_end = shortfall if is_constant else math.nan

    def result(self) -> Summary:
        """Tracking error (aggregate minus capacity) and the state at the end."""
        n, n_measured = self.n or math.nan, self.n_measured or math.nan
        return {
            f"{self.prefix}_tracking_rmse_units": _number(math.sqrt(self.square_sum / n)),
            f"{self.prefix}_tracking_bias_units": _number(self.error_sum / n),
            f"{self.prefix}_measured_rmse_units": _number(math.sqrt(self.measured_square_sum / n_measured)),
            f"{self.prefix}_gradient_spread_end": _number(self.spread_end),
            f"{self.prefix}_average_shortfall_end_units": _number(self.average_shortfall_end),
        }


@dataclass
class GapMetrics:
    """How far a community's averages are from the optimum when a run ends, and what the optimum costs.

    Parameters
    ----------
    prefix : str
        The community's name.
    """

    prefix: str
    gap_end: float = math.nan
    distance_end: float = math.nan

    def add(self, gaps: Array, distances: Array) -> None:
        """Take a block of ticks."""
        self.gap_end, self.distance_end = float(gaps[-1]), float(distances[-1])

    def result(self) -> Summary:
        """Gap and distance at the last tick."""
        return {
            f"{self.prefix}_cost_gap_end": _number(self.gap_end),
            f"{self.prefix}_distance_to_optimum_end": _number(self.distance_end),
        }


TRADE_STATUSES = (
    "delivered",
    "seller_short",
    "buyer_short",
    "unclaimed",
    "rejected",
    "timed_out",
    "expired",
    "unconfirmed",
)
"""What can become of energy that was asked for, as in the table `trades`."""


@dataclass
class TradingMetrics:
    """The energy-value market over all days that were settled."""

    n_days: int = 0
    n_days_traded: int = 0
    energy_value_eur: float = 0.0
    bills_eur: float = 0.0
    imbalance_eur: float = 0.0
    net_value_eur: float = 0.0
    offered_kwh: float = 0.0
    agreed_kwh: float = 0.0
    delivered_kwh: float = 0.0
    own_kwh: float = 0.0
    n_unproved: int = 0
    schedule_gap_eur: float = 0.0
    requests: Counter[str] = field(default_factory=Counter)
    load_peak_kw: float = 0.0
    load_peak_h: int = 0
    import_peak_kw: float = 0.0
    export_peak_kw: float = 0.0

    def add_gaps(self, gaps_eur: Sequence[float]) -> None:
        """Take by how much a day's schedules may fall short of the best; NaN where that is not known."""
        self.n_unproved += sum(gap != 0 for gap in gaps_eur)
        self.schedule_gap_eur = float(np.max([self.schedule_gap_eur, *gaps_eur]))

    def add_trades(self, trades: Iterable[tuple[str, bool, float, float]]) -> None:
        """Take a day's trades: status, whether with oneself, kWh agreed, kWh delivered."""
        rows = list(trades)
        others = [(agreed, delivered) for _, with_oneself, agreed, delivered in rows if not with_oneself]
        self.agreed_kwh += math.fsum(agreed for agreed, _ in others)
        self.delivered_kwh += math.fsum(delivered for _, delivered in others)
        self.own_kwh += math.fsum(delivered for _, with_oneself, _, delivered in rows if with_oneself)
        self.requests.update(status for status, *_ in rows)

    def add_bills(self, totals_eur: Sequence[float]) -> None:
        """Take a day's bills, the grid's last."""
        self.bills_eur += math.fsum(totals_eur[:-1])
        self.imbalance_eur = max(self.imbalance_eur, abs(math.fsum(totals_eur)))

    def add_power(
        self, load_kwh: Array, generation_kwh: Array, grid_price: Array, first_h: int, is_traded: bool
    ) -> None:
        """Take what a day's meters counted, shape (n_households, n_hours) each, and P^G, EUR/kWh."""
        self.n_days += 1
        self.n_days_traded += is_traded
        self.net_value_eur += math.fsum(grid_price * (load_kwh - generation_kwh).sum(axis=0))
        load, net = load_kwh.sum(axis=0), (load_kwh - generation_kwh).sum(axis=0)
        if float(load.max()) > self.load_peak_kw:
            self.load_peak_kw, self.load_peak_h = float(load.max()), first_h + int(load.argmax())
        self.import_peak_kw = max(self.import_peak_kw, float(net.max()))
        self.export_peak_kw = max(self.export_peak_kw, -float(net.min()))

    def result(self) -> Summary:
        """Money, energy, peaks of hourly means.

        Welfare is what appliances were worth by the hours in which they ran, less what households paid. What
        households draw from outside all together, at the grid's price of each hour, is what the grid's
        account lacks where it is asked what a rule brings to households and grid together.
        Requests are counted by the hour they ask for, as in the table `trades`, rejected ones too.
        """
        days: Summary = {"delivery_days": self.n_days, "delivery_days_traded": self.n_days_traded}
        sums: Summary = {
            "schedules_unproved": self.n_unproved,
            "schedule_gap_max_eur": _number(self.schedule_gap_eur),
            "energy_value_eur": self.energy_value_eur,
            "bills_households_eur": self.bills_eur,
            "bills_imbalance_max_eur": self.imbalance_eur,
            "welfare_eur": self.energy_value_eur - self.bills_eur,
            "net_import_at_grid_price_eur": self.net_value_eur,
            "offered_kwh": self.offered_kwh,
            "traded_agreed_kwh": self.agreed_kwh,
            "traded_delivered_kwh": self.delivered_kwh,
            "traded_with_oneself_kwh": self.own_kwh,
            **{f"trade_requests_{status}": self.requests[status] for status in TRADE_STATUSES},
            "load_peak_kw": self.load_peak_kw,
            "load_peak_time_h": self.load_peak_h,
            "net_import_peak_kw": self.import_peak_kw,
            "net_export_peak_kw": self.export_peak_kw,
        }
        # Of no day nothing is known, and a sum of nothing is no 0.
        return days | (sums if self.n_days else dict.fromkeys(sums))


@dataclass
class Extreme:
    """The smallest or largest value seen, with where and when."""

    sign: int
    value: float = math.nan
    element: int = -1
    time_ms: int = -1

    def add(self, values: Array, elements: Sequence[int], times_ms: NDArray[np.int64]) -> None:
        """Take a block of shape (n_times, n_elements); NaN does not count, the first of equals stays."""
        signed = np.where(np.isnan(values), -np.inf, self.sign * values)
        if signed.size == 0:
            return
        row, column = np.unravel_index(int(np.argmax(signed)), signed.shape)
        best = float(signed[row, column])
        if best > -math.inf and not best <= self.sign * self.value:
            self.value, self.element = self.sign * best, int(elements[int(column)])
            self.time_ms = int(times_ms[row])

    def result(self, name: str, unit: str, element: str) -> Summary:
        """The value, its element and the hours since the start; null where nothing was seen."""
        seen = self.element >= 0
        return {
            f"{name}_{unit}": _number(self.value),
            f"{name}_{element}": self.element if seen else None,
            f"{name}_time_h": self.time_ms / 3_600_000 if seen else None,
        }


@dataclass
class GridMetrics:
    """Voltages, loadings and losses over all intervals."""

    interval_h: float
    vm_min: Extreme = field(default_factory=lambda: Extreme(-1))
    vm_max: Extreme = field(default_factory=lambda: Extreme(1))
    line_max: Extreme = field(default_factory=lambda: Extreme(1))
    trafo_max: Extreme = field(default_factory=lambda: Extreme(1))
    trafo3w_max: Extreme | None = None
    n_intervals: int = 0
    n_outside: int = 0
    n_diverged: int = 0
    n_skipped: int = 0
    losses_kwh: float = 0.0
    slack_import_kwh: float = 0.0
    slack_export_kwh: float = 0.0

    def add_counts(self, status: Sequence[str], p_slack_mw: Array, losses_mw: Array) -> None:
        """Take a block of intervals: their status, slack power and losses."""
        self.n_intervals += len(status)
        self.n_diverged += sum(one == "diverged" for one in status)
        self.n_skipped += sum(one == "skipped" for one in status)
        slack_kwh = np.nan_to_num(p_slack_mw) * 1000 * self.interval_h
        self.slack_import_kwh += math.fsum(slack_kwh[slack_kwh > 0])
        self.slack_export_kwh -= math.fsum(slack_kwh[slack_kwh < 0])
        self.losses_kwh += math.fsum(np.nan_to_num(losses_mw)) * 1000 * self.interval_h

    def result(self) -> Summary:
        """Extremes with element and time, energies over the slack, counts of intervals.

        Sums are over the intervals that were solved; where none was, they are null.
        """
        sums: Summary = {
            "energy_feeder_imported_kwh": self.slack_import_kwh,
            "energy_feeder_exported_kwh": self.slack_export_kwh,
            "energy_lost_in_feeder_kwh": self.losses_kwh,
        }
        is_solved = self.n_intervals > self.n_diverged + self.n_skipped
        return {
            **self.vm_min.result("voltage_min", "pu", "bus"),
            **self.vm_max.result("voltage_max", "pu", "bus"),
            **self.line_max.result("line_loading_max", "percent", "line"),
            **self.trafo_max.result("trafo_loading_max", "percent", "trafo"),
            **(
                self.trafo3w_max.result("trafo3w_loading_max", "percent", "trafo3w")
                if self.trafo3w_max
                else {}
            ),
            **(sums if is_solved else dict.fromkeys(sums)),
            "intervals": self.n_intervals,
            "intervals_outside_limits": self.n_outside if is_solved else None,
            "intervals_diverged": self.n_diverged,
            "intervals_skipped": self.n_skipped,
        }


@dataclass
class Disagreement:
    """How far the power flow and pandapower's `runpp` on the whole network are apart, where both solved.

    Elements are named as ``bus 5``; of nothing compared the name is empty.
    """

    n_intervals: int = 0
    voltage_pu: tuple[float, str] = (0.0, "")
    loading_percent: tuple[float, str] = (0.0, "")
    slack_mw: float = 0.0
    n_status: int = 0

    def add(
        self,
        n_intervals: int,
        voltage_pu: tuple[float, str],
        loading_percent: tuple[float, str],
        slack_mw: float,
        n_status: int,
    ) -> None:
        """Take a block: intervals compared, largest differences, and how often one diverged alone."""
        self.n_intervals += n_intervals
        self.voltage_pu = max(self.voltage_pu, voltage_pu)
        self.loading_percent = max(self.loading_percent, loading_percent)
        self.slack_mw = max(self.slack_mw, slack_mw)
        self.n_status += n_status

    def result(self) -> Summary:
        """Largest differences in voltage, loading and slack power, and the elements that have them."""
        return {
            "verified_intervals": self.n_intervals,
            "verified_voltage_difference_max_pu": _number(self.voltage_pu[0]),
            **_named("verified_voltage_difference_max", self.voltage_pu[1]),
            "verified_loading_difference_max_percent": _number(self.loading_percent[0]),
            **_named("verified_loading_difference_max", self.loading_percent[1]),
            "verified_slack_difference_max_kw": _number(self.slack_mw * 1000),
            "verified_status_differs_intervals": self.n_status,
        }


def _named(name: str, element: str) -> Summary:
    kind, _, index = element.partition(" ")
    return {f"{name}_{kind}": int(index)} if element else {}


BRANCH_KINDS = ("line", "trafo", "trafo3w")
LARGEST_VOLTAGE_DIFFERENCE_PU = 1e-9
"""More than this between the power flow and `runpp` is not rounding."""
LARGEST_LOADING_DIFFERENCE_PERCENT = 1e-6
LARGEST_SLACK_DIFFERENCE_KW = 1e-3
BELIEVABLE_VOLTAGE_PU = (0.5, 1.5)
"""Outside this a voltage says that the network's data are wrong, not that the feeder is badly loaded."""
BELIEVABLE_LOADING_PERCENT = 1000.0


def doubts(summary: Summary) -> list[Problem]:
    """What in a summary says that the grid's results are not whole or not right, as warnings."""
    found = []
    n_diverged, n = summary.get("intervals_diverged") or 0, int(summary.get("intervals") or 0)
    if n_diverged:
        message = (
            f"the power flow did not converge in {n_diverged} of {count(n, 'interval')}; their values are NaN"
        )
        found.append((message, "The table power_flow says which and why."))
    if summary.get("intervals_skipped"):
        message = f"{summary['intervals_skipped']} of {count(n, 'interval')} were not solved"
        found.append((message, "The table power_flow says which and why."))
    found += [*_unbelievable(summary), *_differences(summary), *_unproved(summary)]
    return [Problem(message, remedy, severity="warning") for message, remedy in found]


def _unproved(summary: Summary) -> Iterator[tuple[str, str]]:
    """Schedules that are not proved to be the best."""
    gap_eur = summary.get("schedule_gap_max_eur")
    if gap_eur:
        n_schedules = count(int(summary.get("schedules_unproved") or 0), "schedule")
        yield (
            f"{n_schedules} may not be the best: one could be worth up to {gap_eur:.2g} EUR more",
            "Raise `search_limit` if that matters.",
        )


def _unbelievable(summary: Summary) -> Iterator[tuple[str, str]]:
    """Results that no network has which is meant as it is written."""
    low, high = BELIEVABLE_VOLTAGE_PU
    remedy = (
        "Look at its data and what is connected to it: a unit may be wrong (V for kV, kW for MW, A for kA)."
    )
    for name in ("voltage_min", "voltage_max"):
        value = summary.get(f"{name}_pu")
        if value is not None and not low <= value <= high:
            yield f"a voltage of {value:.4g} pu at bus {summary.get(f'{name}_bus')} cannot be meant", remedy
    for kind in BRANCH_KINDS:
        value = summary.get(f"{kind}_loading_max_percent")
        if value is not None and value > BELIEVABLE_LOADING_PERCENT:
            element = summary.get(f"{kind}_loading_max_{kind}")
            yield f"a loading of {value:,.0f} % of {kind} {element} cannot be meant", remedy


def _differences(summary: Summary) -> Iterator[tuple[str, str]]:
    """Differences between the power flow and `runpp` on the whole network that are no rounding."""
    found = []
    for name, limit, text in (
        ("voltage_difference_max_pu", LARGEST_VOLTAGE_DIFFERENCE_PU, "voltages {} pu"),
        ("loading_difference_max_percent", LARGEST_LOADING_DIFFERENCE_PERCENT, "loadings {} points"),
        ("slack_difference_max_kw", LARGEST_SLACK_DIFFERENCE_KW, "the power from the external grid {} kW"),
    ):
        value = summary.get(f"verified_{name}", 0.0)
        if value is None or value > limit:
            amount = "where one has none, in" if value is None else f"by up to {value:.3g}"
            found.append(text.format(amount) + _at(summary, name.rsplit("_", 1)[0]))
    n_status = int(summary.get("verified_status_differs_intervals") or 0)
    if n_status:
        found.append(f"whether it converges, in {count(n_status, 'interval')}")
    if found:
        remedy = (
            "Look at what was left out of the network (`cosim explain`); if nothing was, please report it."
        )
        yield f"differs from pandapower's runpp on the whole network: {'; '.join(found)}", remedy


def _at(summary: Summary, name: str) -> str:
    """The element of a difference."""
    elements = [(kind, summary.get(f"verified_{name}_{kind}")) for kind in ("bus", *BRANCH_KINDS)]
    return "".join(f" (largest at {kind} {element})" for kind, element in elements if element is not None)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
