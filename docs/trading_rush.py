"""The picture of docs/trading_rules.md: when appliances run and what homes draw, traded or not.

python docs/trading_rush.py --figure picture.png   # two runs of a week; half a minute
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from completed_run import completed_run
from numpy.typing import NDArray

from cosim.results.store import read_table

Array = NDArray[np.float64]

RULES = {"no_trading": ("#7d7d7d", "--"), "trading": ("#0b3c5d", "-")}


class Hours(NamedTuple):
    """Traded days of one run by the hour of the day.

    Attributes
    ----------
    scheduled_kwh : ndarray, shape (24,)
        What appliances use, mean of the days.
    net_kw : ndarray, shape (n_days, 24)
        What all homes together draw; negative where they feed in.
    """

    scheduled_kwh: Array
    net_kw: Array


def hours(rule: str) -> Hours:
    """Run `trading_village` under a rule, and leave its first day out."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "run"
        settings = [f"energy_value.rules.rule={rule}", "report.figures=false"]
        completed_run("trading_village", settings, None, folder)
        schedule, meters = read_table(folder, "schedule"), read_table(folder, "meters")
    traded = schedule[schedule["day"] > 0]
    scheduled = np.bincount(traded["hour"], traded["energy_kwh"], 24) / traded["day"].nunique()
    net = meters.groupby("time")["net_kwh"].sum().to_numpy()  # its intervals are hours
    return Hours(scheduled, net.reshape(-1, 24)[1:])


def table(results: dict[str, Hours]) -> str:
    """The hours that the page speaks of."""
    lines = ["| | " + " | ".join(f"`{rule}`" for rule in results) + " |", "|---|---|---|"]
    busiest = int(np.argmax(results["trading"].scheduled_kwh))
    rows = {
        f"appliances from {busiest} to {busiest + 1} h [kWh a day]": lambda one: one.scheduled_kwh[busiest],
        f"highest import from {busiest} to {busiest + 1} h [kW]": lambda one: one.net_kw[:, busiest].max(),
        "highest import from 17 to 22 h [kW]": lambda one: one.net_kw[:, 17:22].max(),
        "highest export [kW]": lambda one: -one.net_kw.min(),
    }
    for name, number in rows.items():
        lines.append(f"| {name} | " + " | ".join(f"{number(one):.0f}" for one in results.values()) + " |")
    return "\n".join(lines)


def draw(results: dict[str, Hours], path: Path) -> None:
    """Appliances by hour, and below them the net power: its mean, and all days between lowest and highest."""
    from cosim.report.style import drawing, legend_of_axes, new_figure, save

    edges = np.arange(25)
    with drawing():
        figure, (used, net) = new_figure(5.4, 2, sharex=True)
        for rule, (color, line) in RULES.items():
            one, style = results[rule], {"color": color, "linestyle": line, "linewidth": 2.0}
            used.stairs(one.scheduled_kwh, edges, baseline=None, label=rule, **style)
            net.stairs(one.net_kw.mean(axis=0), edges, baseline=None, **style)
            low, high = one.net_kw.min(axis=0), one.net_kw.max(axis=0)
            label = f"{rule}: lowest to highest of seven days"
            net.stairs(high, edges, baseline=low, fill=True, alpha=0.3, color=color, label=label)
        used.set_title("What appliances use, mean of seven days (seed 1)")
        used.set_ylabel("energy [kWh per hour]")
        used.set_ylim(0)
        net.axhline(0, color="#111111", linewidth=0.8)
        net.set_title("What all homes draw; negative is fed in")
        net.set_ylabel("power [kW]")
        drawn = np.concatenate([one.net_kw for one in results.values()])
        net.set_ylim(1.1 * min(0.0, drawn.min()), 1.1 * drawn.max())
        net.set_xlim(0, 24)
        net.set_xticks(range(0, 25, 3))
        net.set_xlabel("hour of the day (UTC)")
        legend_of_axes(figure, [used, net], 2)
        save(figure, path)


def main() -> None:
    """Run, print, and draw if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--figure", type=Path, help="where to draw to")
    figure = parser.parse_args().figure
    results = {rule: hours(rule) for rule in RULES}
    print(table(results))
    if figure:
        draw(results, figure)


if __name__ == "__main__":
    main()
