"""Figures of one household's day in the energy-value market, as paper B shows its case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.config.hours import HOURS
from cosim.report.figures.interface import run_figure
from cosim.report.run_data import RunData
from cosim.report.style import COLORMAP, DARK, LIGHT, MIDDLE, PALE, STRONG, WARM, legend_below, new_figure
from cosim.report.trading_data import HouseholdDay, household_day

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

MAX_SELLERS = 14
"""Sellers with a column of their own in `allocation`; the others share one."""
_EDGES = np.arange(HOURS + 1)
_HATCHES = ("", "////", "....", "\\\\\\\\", "xxxx", "----", "++++", "oooo")


class Layer(NamedTuple):
    """A part of a stacked bar in each hour."""

    label: str
    energy_kwh: Array
    color: str
    hatch: str


@run_figure(
    "trading_offers",
    "Supply on offer",
    "What one household could get on one day, from others and from the grid, and at what price: of "
    "those that bought from others, the one with the most energy scheduled (paper B, Figures 1 and 2).",
)
def offers(run: RunData) -> Figure | None:
    """Energy on offer and its prices (paper B, Figures 1 and 2)."""
    data = household_day(run)
    if data is None or not len(data.offers.hour):
        return None
    figure, (energy, price) = new_figure(6.6, 2, sharex=True)
    offered: Array = np.bincount(data.offers.hour, data.offers.quantity_kwh, HOURS).astype(float)
    layers = [Layer("offered by households", offered, WARM, "////")]
    if np.isfinite(data.contracted_kw):
        contracted = np.full(HOURS, data.contracted_kw)
        layers.append(Layer("grid, up to the contracted power", contracted, STRONG, ""))
    _draw_layers(energy, layers)
    energy.set_title(f"Energy available to {data.prosumer} in each hour of day {data.day}")
    energy.set_ylabel("energy [kWh per hour]")
    _draw_offers(price, data)
    _draw_prices(price, data)
    _show_all(price, data.grid_price, data.feed_in_price, data.offers.price)
    price.set_title("What it costs")
    price.set_ylabel("price [EUR/kWh]")
    _finish_hours(price)
    handles = [handle for ax in (energy, price) for handle in ax.get_legend_handles_labels()[0]]
    legend_below(figure, handles, 3)
    return figure


def _draw_offers(ax: Axes, data: HouseholdDay) -> None:
    """A dot for each offer, filled where the household bought of it."""
    of_seller = {seller: row for row, seller in enumerate(data.sellers)}
    row = np.array([of_seller.get(seller, -1) for seller in data.offers.seller], int)
    bought = np.zeros(len(row), bool)
    known = row >= 0
    bought[known] = data.bought_kwh[row[known], data.offers.hour[known]] > 0
    own = data.offers.seller == data.prosumer
    # Spread over the hour by seller, so that dots of one price stay apart.
    places = {seller: number for number, seller in enumerate(sorted(set(data.offers.seller)))}
    x = data.offers.hour + (np.array([places[seller] for seller in data.offers.seller]) + 0.5) / len(places)
    for mask, fill, edge, label in (
        (~bought & ~own, "white", MIDDLE, "offers of others"),
        (own, LIGHT, DARK, f"offers of {data.prosumer} itself"),
        (bought, WARM, DARK, f"offers that {data.prosumer} bought from"),
    ):
        if mask.any():
            ax.scatter(
                x[mask],
                data.offers.price[mask],
                14,
                fill,
                linewidths=0.7,
                edgecolors=edge,
                label=label,
                zorder=3,
            )


def _draw_prices(ax: Axes, data: HouseholdDay) -> None:
    ax.stairs(data.grid_price, _EDGES, baseline=None, color=DARK, linewidth=1.6, label="grid price")
    feed_in = dict(color=MIDDLE, linestyle="--", linewidth=1.4, label="feed-in price")
    ax.stairs(data.feed_in_price, _EDGES, baseline=None, **feed_in)  # type: ignore[arg-type]


@run_figure(
    "trading_schedule",
    "A household's day",
    "The same household and day: load by appliance, supply by source, and the price paid beside the "
    "value of what is scheduled (paper B, Figures 3 and 4).",
)
def schedule(run: RunData) -> Figure | None:
    """A day's load by appliance, its supply, and prices and values (paper B, Figures 3 and 4)."""
    data = household_day(run)
    if data is None:
        return None
    figure, (load, supply, price) = new_figure(8.6, 3, sharex=True)
    names = [name.replace("_", " ") for name in data.appliances]
    layers = _shaded(list(zip(names, data.scheduled_kwh, strict=True)))
    if data.other_kwh.max() > 1e-6:
        layers.insert(0, Layer("not scheduled", data.other_kwh, PALE, ""))
    layers.append(Layer("into the battery", data.charged_kwh, "white", "////"))
    _draw_layers(load, layers)
    load.set_title(f"What {data.prosumer} uses on day {data.day}")
    _draw_layers(
        supply,
        [
            Layer("itself", data.own_kwh, LIGHT, "...."),
            Layer("other households", data.bought_kwh.sum(axis=0), WARM, "////"),
            Layer("grid", data.from_grid_kwh, STRONG, ""),
        ],
    )
    supply.set_title("Where it comes from")
    for ax in (load, supply):
        _draw_load(ax, data)
        ax.set_ylabel("energy [kWh per hour]")
    _draw_prices(price, data)
    value = dict(color=WARM, linestyle="-.", linewidth=2.0, label="mean value ζ of\nwhat is scheduled")
    price.stairs(data.mean_value, _EDGES, baseline=None, **value)  # type: ignore[arg-type]
    paid = dict(color=STRONG, linewidth=2.4, label="mean price paid")
    price.stairs(data.price_paid, _EDGES, baseline=None, **paid)  # type: ignore[arg-type]
    _show_all(price, data.grid_price, data.feed_in_price, data.mean_value, data.price_paid)
    price.set_title("What it pays for a kWh, and what the kWh is worth to it")
    price.set_ylabel("price, value [EUR/kWh]")
    _finish_hours(price)
    for ax in (load, supply, price):
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=2.6)
    return figure


def _draw_load(ax: Axes, data: HouseholdDay) -> None:
    """The load's outline and the contracted power, where that is near."""
    load = data.load_kwh
    ax.stairs(load, _EDGES, baseline=None, color=DARK, linestyle=":", linewidth=1.6, label="total load")
    ax.set_ylim(0, 1.08 * float(load.max()))
    if data.contracted_kw < 2 * load.max():
        ax.axhline(data.contracted_kw, color=DARK, linestyle="--", linewidth=1.2, label="contracted power")
        ax.set_ylim(0, 1.08 * max(data.contracted_kw, float(load.max())))


@run_figure(
    "trading_allocation",
    "Allocation",
    "The same household and day: energy of each appliance and of each supplier in every hour (paper B, "
    "Table IV).",
)
def allocation(run: RunData) -> Figure | None:
    """Which appliance runs and who supplies, hour by hour (paper B, Table IV)."""
    data = household_day(run)
    if data is None or not data.appliances:
        return None
    names, energies = _suppliers(data)
    ratio = [max(8, len(data.appliances) + 1), max(8, len(names) + 1)]
    figure, axes = new_figure(7.4, 1, 2, sharey=True, width_ratios=ratio)
    figure.suptitle(f"{data.prosumer} on day {data.day}")
    scheduled = [name.replace("_", " ") for name in data.appliances]
    largest = max(float(data.scheduled_kwh.max()), float(energies.max()))
    _draw_matrix(axes[0], scheduled, data.scheduled_kwh, largest)
    _draw_matrix(axes[1], names, energies, largest)
    axes[0].set_title("Energy used [kWh]")
    axes[1].set_title("Energy supplied [kWh]")
    axes[0].set_xlabel("appliance")
    axes[1].set_xlabel("supplier")
    axes[0].set_ylabel("hour of the day (UTC)")
    axes[1].set_ylabel("hour of the day (UTC)")
    return figure


def _suppliers(data: HouseholdDay) -> tuple[list[str], Array]:
    """Sellers, the smaller ones together if they are many; then own generation, and the grid."""
    order = np.argsort(-data.bought_kwh.sum(axis=1), kind="stable")
    n_alone = len(order) if len(order) <= MAX_SELLERS else MAX_SELLERS - 1
    alone = np.sort(order[:n_alone])
    names, rows = [data.sellers[row] for row in alone], list(data.bought_kwh[alone])
    if n_alone < len(order):
        names.append(f"{len(order) - n_alone} others")
        rows.append(data.bought_kwh[order[n_alone:]].sum(axis=0))
    names, rows = [*names, "itself", "grid"], [*rows, data.own_kwh, data.from_grid_kwh]
    used = [number for number, row in enumerate(rows) if row.any()]
    return [names[number] for number in used], np.array([rows[number] for number in used])


def _draw_matrix(ax: Axes, names: Sequence[str], energies_kwh: Array, largest: float) -> None:
    """Hours downwards, names across; the darker the more, with the number in each cell."""
    shown = np.where(energies_kwh > 5e-3, energies_kwh, np.nan).T
    ax.imshow(shown, cmap="Greys", vmin=0.0, vmax=1.5 * largest, aspect="auto", interpolation="none")
    size = 7.5 if len(names) <= 12 else 6.0
    for (hour, column), energy in np.ndenumerate(shown):
        if np.isfinite(energy):
            dark = energy > 0.75 * largest
            text = f"{energy:.1f}" if energy >= 0.095 else f"{energy:.2f}"
            ax.text(
                column, hour, text, ha="center", va="center", size=size, color="white" if dark else "black"
            )
    ax.set_xticks(range(len(names)), names, rotation=90)
    ax.set_yticks(range(HOURS), [str(hour) for hour in range(HOURS)])
    ax.set_xticks(np.arange(len(names) + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(HOURS + 1) - 0.5, minor=True)
    ax.grid(visible=False)
    ax.grid(visible=True, which="minor")
    ax.tick_params(which="both", length=0, labelleft=True)


def _shaded(rows: Sequence[tuple[str, Array]]) -> list[Layer]:
    """Layers that are told apart by shade and by hatching."""
    import matplotlib

    shades = matplotlib.colormaps[COLORMAP](np.linspace(0.05, 0.85, max(2, len(rows))))
    # Neighbours in the stack lie far apart in shade.
    order = [*range(0, len(rows), 2), *range(1, len(rows), 2)]
    return [
        Layer(
            label, energy, matplotlib.colors.to_hex(shades[order[number]]), _HATCHES[number % len(_HATCHES)]
        )
        for number, (label, energy) in enumerate(rows)
    ]


def _draw_layers(ax: Axes, layers: Sequence[Layer]) -> None:
    """Bars of an hour each, one on top of the other."""
    below = np.zeros(HOURS)
    for layer in layers:
        if not layer.energy_kwh.any():
            continue
        ax.bar(
            _EDGES[:-1],
            layer.energy_kwh,
            1.0,
            below,
            align="edge",
            color=layer.color,
            hatch=layer.hatch,
            edgecolor="white" if layer.color == STRONG else DARK,
            linewidth=0.3,
            label=layer.label,
        )
        below = below + layer.energy_kwh


def _show_all(ax: Axes, *series: Array) -> None:
    """A vertical axis from 0, or from what is below it, to a little above what is drawn."""
    drawn = np.concatenate([each[np.isfinite(each)] for each in series])
    low, high = min(0.0, float(drawn.min())), float(drawn.max())
    ax.set_ylim(1.05 * low, high + 0.05 * (high - low))


def _finish_hours(ax: Axes) -> None:
    ax.set_xlim(0, HOURS)
    ax.set_xticks(range(0, HOURS + 1, 3))
    ax.set_xlabel("hour of the day (UTC)")
