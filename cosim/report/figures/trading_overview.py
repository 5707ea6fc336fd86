"""Figures of the whole energy-value market: hour by hour, and what it leaves on the bills."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cosim.report.figures.interface import run_figure
from cosim.report.run_data import RunData
from cosim.report.style import (
    DARK,
    LIGHT,
    MIDDLE,
    PALE,
    STRONG,
    WARM,
    Look,
    draw_series,
    new_figure,
    time_axis,
    whole_numbers,
)
from cosim.report.trading_data import ENERGY_PARTS, Bills, bills, market_hours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BILL_LOOKS = {
    "from_grid_eur": ("paid to the grid", STRONG, ""),
    "purchases_eur": ("paid to households", WARM, "////"),
    "compensation_eur": ("compensation", MIDDLE, "xxxx"),
    "sales_eur": ("earned from households", "#f3d9b8", "////"),
    "to_grid_eur": ("earned by feeding in", LIGHT, "...."),
    "grid_fees_eur": ("grid fees", PALE, "xx"),
    "taxes_eur": ("taxes", MIDDLE, "||||"),
}
_ENERGY_LOOKS = {
    "self_consumed_kwh": ("own generation used", LIGHT, "...."),
    "bought_kwh": ("bought from households", WARM, "////"),
    "from_grid_kwh": ("from the grid", STRONG, ""),
    "sold_kwh": ("sold to households\n(negative)", "#f3d9b8", "////"),
    "to_grid_kwh": ("fed into the grid\n(negative)", PALE, "xxxx"),
}


@run_figure(
    "trading_hours",
    "The market hour by hour",
    "What all households offered and what they delivered to each other, and its mean price between "
    "those of the grid.",
)
def hours(run: RunData) -> Figure | None:
    """Energy offered and traded, and its price, over the run."""
    data = market_hours(run)
    if data is None:
        return None
    axis = time_axis(run.scenario)
    figure, (energy, price) = new_figure(5.6, 2, sharex=True)
    offered, traded = Look(MIDDLE, "--", "s", ""), Look(STRONG, "-", "o", "")
    draw_series(energy, axis, data.time_ms, data.offered_kwh, offered, "offered", band=False)
    draw_series(energy, axis, data.time_ms, data.traded_kwh, traded, "delivered\nbetween households")
    energy.set_title("Energy that households offer and sell to each other")
    energy.set_ylabel("energy [kWh per hour]")
    energy.set_ylim(bottom=0)
    for values, look, label in (
        (data.grid_price, Look(DARK, "-", "o", ""), "grid price"),
        (data.feed_in_price, Look(MIDDLE, ":", "s", ""), "feed-in price"),
        (data.price, Look(WARM, "--", "^", ""), "mean price\nbetween households"),
    ):
        draw_series(price, axis, data.time_ms, values, look, label, band=False)
    price.set_title("Prices")
    price.set_ylabel("price [EUR/kWh]")
    axis.finish(energy, label=False)
    axis.finish(price)
    for ax in (energy, price):
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


@run_figure(
    "trading_bills",
    "Bills",
    "The bill of each household by its parts, and the energy of all households by day.",
)
def bill_overview(run: RunData) -> Figure | None:
    """Every household's bill by its parts, and the energy of each day by where it comes from and goes."""
    data = bills(run)
    if data is None:
        return None
    figure, (money, energy) = new_figure(7.0, 2)
    _draw_bills(money, data)
    _draw_energy(energy, data)
    for ax in (money, energy):
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _draw_bills(ax: Axes, data: Bills) -> None:
    x = np.arange(len(data.prosumers)) + 1
    _stack(ax, x, {part: data.eur[:, number] for number, part in enumerate(data.parts)}, _BILL_LOOKS)
    total = data.eur.sum(axis=1)
    ax.plot(x, total, color=DARK, marker="o", markersize=3, linestyle="none", label="bill (the sum)")
    ax.axhline(0, color=DARK, linewidth=0.8)
    ax.set_title(f"Bills of {len(x)} households for the whole run: {total.sum():.2f} EUR in all")
    ax.set_ylabel("EUR; positive is paid")
    if len(x) <= 20:
        ax.set_xticks(x, data.prosumers)
        ax.set_xlabel("household")
    else:
        ax.set_xlabel("households in the order of their bills")
    ax.margins(x=0.01)


def _draw_energy(ax: Axes, data: Bills) -> None:
    signs = (1, 1, 1, -1, -1)
    parts = {
        part: sign * data.kwh[:, number]
        for number, (part, sign) in enumerate(zip(ENERGY_PARTS, signs, strict=True))
    }
    _stack(ax, data.days, parts, _ENERGY_LOOKS)
    ax.axhline(0, color=DARK, linewidth=0.8)
    ax.set_title("Energy of all households by day")
    ax.set_ylabel("energy [kWh per day]")
    ax.set_xlabel("delivery day of the run (UTC)")
    whole_numbers(ax.xaxis)


def _stack(
    ax: Axes, x: np.ndarray, parts: dict[str, np.ndarray], looks: dict[str, tuple[str, str, str]]
) -> None:
    """Stacked bars, what is positive upwards and what is negative downwards."""
    up, down = np.zeros(len(x)), np.zeros(len(x))
    for part, values in parts.items():
        if not values.any():
            continue
        label, color, hatch = looks[part]
        below = np.where(values >= 0, up, down)
        edge = "white" if color == STRONG else DARK
        ax.bar(x, values, 0.9, below, color=color, hatch=hatch, edgecolor=edge, linewidth=0.3, label=label)
        up, down = up + np.maximum(values, 0), down + np.minimum(values, 0)
    space = 0.05 * float(up.max() - down.min())
    ax.set_ylim(float(down.min()) - space, float(up.max()) + space)
