"""All figures of a run: their names, what each shows, and how it is drawn."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from cosim.core.registry import Registry
from cosim.report import (
    clearing_figure,
    device_figure,
    dimming_figure,
    en50160_figure,
    energy_figures,
    fault_figure,
    feeder_figure,
    firm_figure,
    grid_figures,
    message_figures,
    prosumer_figures,
    regulation_figures,
    tie_figure,
    trading_figures,
    trading_overview,
)
from cosim.report.run_data import RunData
from cosim.report.style import Print, drawing, save
from cosim.results.run_files import made_from, require_run

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class RunFigure:
    """A figure of a run: built in, or a plugin's own.

    Attributes
    ----------
    title : str
        A few words.
    caption : str
        One sentence: what it shows.
    """

    title: ClassVar[str]
    caption: ClassVar[str]

    @abstractmethod
    def draw(self, run: RunData) -> Figure | None:
        """The figure, or None where the run has nothing to show in it.

        Parameters
        ----------
        run : RunData
            What the run left: `summary`, `scenario`, and `tables` as data frames.
        """
        raise NotImplementedError


FIGURES: Registry[RunFigure] = Registry("figure", RunFigure, in_schema=False)  # type: ignore[type-abstract] # an interface
"""Every figure by the name of its file, without ``.png``, in the order in which a report shows them."""


class Entry(NamedTuple):
    """One figure: what stands in `FIGURES`, with its name."""

    name: str
    title: str
    caption: str
    draw: Callable[[RunData], Figure | None]


def figures() -> list[Entry]:
    """All figures, in the order in which a report shows them."""
    classes = zip(FIGURES.names(), FIGURES.classes(), strict=True)
    return [Entry(name, each.title, each.caption, each().draw) for name, each in classes]


_BUILT_IN = (
    Entry(
        "feeder",
        "The feeder",
        "The feeder, each bus, line and transformer coloured by how near it came to its own limits, each in "
        "its own worst interval.",
        feeder_figure.feeder,
    ),
    Entry(
        "voltage_band",
        "Voltages",
        "Lowest, median and highest voltage of all buses over time, with the limits where they are near.",
        grid_figures.voltage,
    ),
    Entry(
        "loading_duration",
        "Loading duration",
        "For how many hours the most loaded lines and transformers carried at least a given loading.",
        grid_figures.loading_duration,
    ),
    Entry(
        "en50160",
        "Voltage quality by EN 50160",
        "For how much of its worst week the 10-minute means of each bus's voltage were outside ±10 %, and "
        "how many buses broke one of the two rules in each week.",
        en50160_figure.en50160,
    ),
    Entry(
        "storage",
        "Batteries and power",
        "How full the batteries are, and below it what all households together consume, generate,"
        " store and draw.",
        energy_figures.storage,
    ),
    Entry(
        "power",
        "Power",
        "What all households together consume, generate and draw.",
        energy_figures.power,
    ),
    Entry(
        "devices",
        "Devices",
        "What all devices of each kind together took, stored, still needed and lacked.",
        device_figure.devices,
    ),
    Entry(
        "aggregate",
        "Aggregate and capacity",
        "What the community did of each resource in each step, against the capacity it was meant "
        "to follow; for a long run, the mean of each day or stretch with the band that holds 90 % of "
        "the steps.",
        regulation_figures.aggregate,
    ),
    Entry(
        "signals",
        "Signals",
        "The signal Ω of each resource that the platform broadcasts.",
        regulation_figures.signals,
    ),
    Entry(
        "averages",
        "Averages against the optimum",
        "The sums of the households' averages beside the capacities, and how far the averages are"
        " from the exact optimum: in cost (for the sums they reach), in distance (for the capacities), and"
        " in the spread of the gradients, which is zero at an inner optimum.",
        regulation_figures.averages,
    ),
    Entry(
        "averages_by_prosumer",
        "Averages of single households",
        "Time-averaged decisions of three households of each group: those whose averages are "
        "lowest, in the middle and highest at the end (paper A, Figure 4).",
        prosumer_figures.averages_by_prosumer,
    ),
    Entry(
        "averages_at_end",
        "Averages of every household at the end",
        "The average of every household at its last decision, by group (paper A, Figure 5).",
        prosumer_figures.averages_at_end,
    ),
    Entry(
        "utilisation",
        "Distance from the desired utilisation",
        "How far the sum of a household's averages is from the T of its cost: over time for three"
        " households of each group, and at the end for all (paper A, Figure 6).",
        prosumer_figures.utilisation,
    ),
    Entry(
        "gradients",
        "Gradients",
        "Gradients of the households' costs by group: mean with standard deviation, median and "
        "extremes; they come together where the averages approach an inner optimum (paper A, "
        "Figure 7).",
        prosumer_figures.gradients,
    ),
    Entry(
        "last_steps",
        "The last steps",
        f"The aggregates of the last {regulation_figures.LAST_STEPS} steps, one by one (paper A, Figure 8).",
        regulation_figures.last_steps,
    ),
    Entry(
        "frequency",
        "Frequency of the aggregates",
        f"How often each aggregate occurred in the last {regulation_figures.HISTOGRAM_STEPS} steps; "
        "where the capacity moves, how often each deviation from it did (paper A, Figure 9).",
        regulation_figures.frequency,
    ),
    Entry(
        "faults",
        "Faults and the tracking error",
        "The aggregate less its capacity in each step, its moving root mean square, and the periods in "
        "which something had failed; below, how many households were affected.",
        fault_figure.faults,
    ),
    Entry(
        "trading_offers",
        "Supply on offer",
        "What one household could get on one day, from others and from the grid, and at what price: "
        "of those that bought from others, the one with the most energy scheduled (paper B, Figures 1 "
        "and 2).",
        trading_figures.offers,
    ),
    Entry(
        "trading_schedule",
        "A household's day",
        "The same household and day: load by appliance, supply by source, and the price paid beside "
        "the value of what is scheduled (paper B, Figures 3 and 4).",
        trading_figures.schedule,
    ),
    Entry(
        "trading_allocation",
        "Allocation",
        "The same household and day: energy of each appliance and of each supplier in every hour "
        "(paper B, Table IV).",
        trading_figures.allocation,
    ),
    Entry(
        "trading_hours",
        "The market hour by hour",
        "What all households offered and what they delivered to each other, and its mean price between "
        "those of the grid.",
        trading_overview.hours,
    ),
    Entry(
        "trading_clearing",
        "The market as it was cleared",
        "What households bid for and offered hour by hour, what an operator or broker had pass between them, "
        "and between which prices.",
        clearing_figure.clearing,
    ),
    Entry(
        "trading_bills",
        "Bills",
        "The bill of each household by its parts, and the energy of all households by day.",
        trading_overview.bill_overview,
    ),
    Entry(
        "dimming",
        "Dimming",
        "How many households were under a limit by the operator's order or because they heard nothing, the "
        "loading and the voltages that the operator acts on, and what devices drew meanwhile.",
        dimming_figure.dimming,
    ),
    Entry(
        "firm",
        "The local firm",
        "What its generator, its battery and the main grid gave in each interval, how full the battery was, "
        "and what an island could not serve or take.",
        firm_figure.firm,
    ),
    Entry(
        "ties",
        "The tie between two communities",
        "What passes over the first tie and its limit; below, what a kWh more costs the seller's community "
        "and is worth to the buyer's, which meet where the limit does not bind.",
        tie_figure.ties,
    ),
    Entry(
        "latencies",
        "Latencies and losses",
        "The share of the delivered messages that came within a given time, by direction and "
        "kind, with what was lost; not drawn where every message came at once.",
        message_figures.latencies,
    ),
)
for _each in _BUILT_IN:
    _made = {"__doc__": _each.caption, "__module__": __name__, "title": _each.title, "caption": _each.caption}
    FIGURES.register(_each.name)(type(_each.name, (RunFigure,), {**_made, "draw": staticmethod(_each.draw)}))


def draw_figures(
    run_folder: Path, how: Print | None = None, on_file: Callable[[Path], None] = lambda path: None
) -> list[Path]:
    """Draw every figure that a run has data for into its ``figures`` folder.

    Parameters
    ----------
    run_folder : Path
        The run's directory; the run may have been interrupted or killed.
    how : Print
        Format, width and resolution; a PNG as drawn by default.
    on_file : callable
        Told of each file when it is there.

    Returns
    -------
    list of Path
        The files written, in the order of `figures`. A figure of an earlier drawing that no longer applies
        is taken away.
    """
    require_run(run_folder)
    run, how = RunData(run_folder), how or Print()
    run.check()
    folder = run_folder / "figures"
    folder.mkdir(exist_ok=True)
    written = []
    with drawing():
        for entry in figures():
            path = folder / f"{entry.name}.{how.format}"
            with made_from(run_folder / "tables", f"the figure '{entry.name}'"):
                figure = entry.draw(run)
            if figure is None:
                path.unlink(missing_ok=True)
                continue
            with made_from(run_folder / "tables", f"the figure '{entry.name}'"):
                save(figure, path, how)
            written.append(path)
            on_file(path)
    return written
