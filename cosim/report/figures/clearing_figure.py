"""Figure of a cleared market: what was ordered and agreed hour by hour, and between which prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cosim.config.hours import HOURS
from cosim.report.figures.interface import run_figure
from cosim.report.run_data import RunData
from cosim.report.style import DARK, LIGHT, MIDDLE, STRONG, WARM, Look, draw_series, new_figure, time_axis
from cosim.report.trading_data import Array, market_hours

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@run_figure(
    "trading_clearing",
    "The market as it was cleared",
    "What households bid for and offered hour by hour, how much of it an operator or a broker matched, and "
    "at which prices.",
)
def clearing(run: RunData) -> Figure | None:
    """Bids, asks, what was agreed, and its prices; None where no operator cleared anything."""
    market = market_hours(run)
    if market is None or not run.has("clearing"):
        return None
    energy_kwh, (lowest, mean, highest) = _by_hour(run, len(market.time_ms))
    axis = time_axis(run.scenario)
    figure, (energy, price) = new_figure(5.6, 2, sharex=True)
    looks = (Look(WARM, "-", "o", ""), Look(MIDDLE, "--", "s", ""), Look(STRONG, "-", "^", ""))
    for values, look, label in zip(energy_kwh, looks, ("bid for", "offered", "agreed"), strict=True):
        draw_series(energy, axis, market.time_ms, values, look, label, band=False)
    energy.set_title("Energy that households ordered, and how much of it was matched")
    energy.set_ylabel("energy [kWh per hour]")
    energy.set_ylim(bottom=0)
    for values, look, label in (
        (market.grid_price, Look(DARK, "-", "o", ""), "grid price"),
        (market.feed_in_price, Look(MIDDLE, ":", "s", ""), "feed-in price"),
        (highest, Look(LIGHT, "-", "v", ""), "dearest agreed"),
        (mean, Look(WARM, "--", "^", ""), "mean agreed"),
        (lowest, Look(STRONG, "-.", "v", ""), "cheapest agreed"),
    ):
        draw_series(price, axis, market.time_ms, values, look, label, band=False)
    price.set_title("Prices")
    price.set_ylabel("price [EUR/kWh]")
    axis.finish(energy, label=False)
    axis.finish(price)
    for ax in (energy, price):
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _by_hour(run: RunData, n_hours: int) -> tuple[Array, Array]:
    """Energy bid for, offered and agreed, and lowest, mean and highest price; shape (3, n_hours) each."""
    columns = ("bid_kwh", "offered_kwh", "agreed_kwh", "lowest_price", "mean_price", "highest_price")
    energy, amount = np.zeros((3, n_hours)), np.zeros(n_hours)
    lowest, highest = np.full(n_hours, np.inf), np.full(n_hours, -np.inf)
    for rows in run.batches("clearing", ["day", "hour", *columns]):
        at = rows["day"] * HOURS + rows["hour"]
        for total, name in zip(energy, columns, strict=False):
            np.add.at(total, at, rows[name])
        passes = rows["agreed_kwh"] > 0
        np.add.at(amount, at[passes], (rows["agreed_kwh"] * rows["mean_price"])[passes])
        np.minimum.at(lowest, at[passes], rows["lowest_price"][passes])
        np.maximum.at(highest, at[passes], rows["highest_price"][passes])
    agreed = energy[2]
    mean = np.divide(amount, agreed, out=np.full(n_hours, np.nan), where=agreed > 0)
    return energy, np.where(agreed > 0, np.stack([lowest, mean, highest]), np.nan)
