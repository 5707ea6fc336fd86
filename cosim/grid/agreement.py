"""Whether the feeder's results can be believed: their distance from `runpp`, and values no network has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cosim.core.errors import Problem, count
from cosim.core.numbers import Number, Summary, declared, finite
from cosim.grid.extremes import SECTION

_SAMPLE = "a sample of intervals, solved again (`verify_power_flow`)"
NUMBERS = (
    *declared(SECTION, _SAMPLE,
        Number("verified_intervals", "intervals verified", "",
            "intervals that pandapower's runpp solved again on the whole network"),
        Number("verified_voltage_difference_max_pu", "largest voltage difference", "pu",
            "largest difference of a voltage; null where only one of the two has one", "less"),
        Number("verified_voltage_difference_max_bus", "bus of the largest difference", "",
            "index of the bus that has it", kind="place"),
        Number("verified_loading_difference_max_percent", "largest loading difference", "%",
            "largest difference of a loading, percentage points; null where only one of the two "
            "has one", "less"),
        Number("verified_loading_difference_max_line", "line of the largest difference", "",
            "index of the line that has it", kind="place"),
        Number("verified_loading_difference_max_trafo", "transformer of the largest difference", "",
            "index of the transformer that has it", kind="place"),
        Number("verified_loading_difference_max_trafo3w", "transformer of the largest difference", "",
            "index of the transformer that has it", kind="place"),
        Number("verified_slack_difference_max_kw", "largest slack difference", "kW",
            "largest difference of the power from the grid above", "less"),
        Number("verified_status_differs_intervals", "intervals that disagree", "",
            "intervals in which one converged and the other did not", "less"),
    ),
)  # fmt: skip


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
            "verified_voltage_difference_max_pu": finite(self.voltage_pu[0]),
            **_named("verified_voltage_difference_max", self.voltage_pu[1]),
            "verified_loading_difference_max_percent": finite(self.loading_percent[0]),
            **_named("verified_loading_difference_max", self.loading_percent[1]),
            "verified_slack_difference_max_kw": finite(self.slack_mw * 1000),
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
    found += [*_unbelievable(summary), *_differences(summary)]
    return [Problem(message, remedy, severity="warning") for message, remedy in found]


def _unbelievable(summary: Summary) -> Iterator[tuple[str, str]]:
    """Results that no network has which is meant as it is written."""
    low, high = BELIEVABLE_VOLTAGE_PU
    remedy = (
        "Look at its data and what is connected to it: a unit may be wrong (V for kV, kW for MW, A for kA)."
    )
    for name in ("voltage_min", "voltage_max"):
        value = summary.get(f"{name}_pu")
        if value is not None and not low <= value <= high:
            yield f"a voltage of {value:.4g} pu at bus {summary.get(f'{name}_bus')} is not plausible", remedy
    for kind in BRANCH_KINDS:
        value = summary.get(f"{kind}_loading_max_percent")
        if value is not None and value > BELIEVABLE_LOADING_PERCENT:
            element = summary.get(f"{kind}_loading_max_{kind}")
            yield f"a loading of {value:,.0f} % of {kind} {element} is not plausible", remedy


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
            amount = "where only one has a value, in" if value is None else f"by up to {value:.3g}"
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
