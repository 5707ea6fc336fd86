"""Figure of the messages: how late they came, and how many did not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.report.figures.interface import run_figure
from cosim.report.run_data import RunData, text_list
from cosim.report.style import DARK, LOOKS, legend_of_axes, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Latencies(NamedTuple):
    """Messages of one kind in one direction."""

    latency_ms: NDArray[np.int64]
    times: NDArray[np.int64]
    """Latencies that occurred, increasing, and how often. Shape (n,)."""
    sent: int
    lost: int
    """Transmissions, and how many of these and their copies were lost."""


def latency_data(run: RunData) -> dict[tuple[str, str], Latencies]:
    """Latencies and losses by direction and kind; needs the tables `message_latency` and `messages`."""
    account = run.read("messages", ["link", "kind", "sent", "lost"])
    totals: dict[tuple[str, str], list[int]] = {}
    links, kinds = text_list(account["link"]), text_list(account["kind"])
    for link, kind, sent, lost in zip(links, kinds, account["sent"], account["lost"], strict=True):
        total = totals.setdefault((link.split("/")[0], kind), [0, 0])
        total[0] += int(sent)
        total[1] += int(lost)
    table = run.read("message_latency", ["direction", "kind", "latency_ms", "count"])
    directions, kinds = text_list(table["direction"]), text_list(table["kind"])
    rows: dict[tuple[str, str], list[int]] = {key: [] for key in totals}
    for row, key in enumerate(zip(directions, kinds, strict=True)):
        rows.setdefault(key, []).append(row)
    result = {}
    for key, places in rows.items():
        latency_ms, count = table["latency_ms"][places], table["count"][places]
        order = np.argsort(latency_ms, kind="stable")
        result[key] = Latencies(latency_ms[order], count[order], *totals.get(key, [int(count.sum()), 0]))
    return result


@run_figure(
    "latencies",
    "Latencies and losses",
    "The share of the delivered messages that came within a given time, by direction and kind, with "
    "what was lost; not drawn where every message came at once.",
)
def latencies(run: RunData) -> Figure | None:
    """Share of the messages that came within a time, by direction and kind; None where all came at once."""
    if not (run.has("message_latency") and run.has("messages")):
        return None
    data = {key: one for key, one in latency_data(run).items() if one.sent}
    late = [one.latency_ms[one.latency_ms > 0] for one in data.values()]
    if not any(len(one) for one in late) and not any(one.lost for one in data.values()):
        return None
    figure, (ax,) = new_figure(3.9)
    for number, ((direction, kind), one) in enumerate(data.items()):
        look = LOOKS[number % len(LOOKS)]
        x = np.repeat(np.concatenate([one.latency_ms[:1], one.latency_ms]), 2)[:-1].astype(float)
        share = np.repeat(np.concatenate([[0.0], np.cumsum(one.times) / max(1, one.times.sum())]), 2)[1:]
        label = f"{direction}, {kind}: {_lost_text(one)}"
        width = 3.4 - 0.9 * min(number, 2)  # curves that coincide stay visible
        ax.plot(x, share, color=look.color, linestyle=look.line, linewidth=width, label=label)
    instant = any((one.latency_ms == 0).any() for one in data.values())
    _finish_axes(ax, np.concatenate(late), instant)
    legend_of_axes(figure, [ax], 2)
    return figure


def _lost_text(one: Latencies) -> str:
    return f"{one.lost:,} of {one.sent:,} lost ({100 * one.lost / one.sent:.2g} %)".replace(",", "\u2009")


def _finish_axes(ax: Axes, late_ms: NDArray[np.int64], instant: bool) -> None:
    """A logarithmic axis where latencies spread over a factor of 30, linear below 1 ms if any is 0."""
    from matplotlib.ticker import FuncFormatter, NullLocator

    if len(late_ms) and late_ms.max() > 30 * late_ms.min():
        if instant:
            ax.set_xscale("symlog", linthresh=1.0)
            ax.set_xlim(-0.1, 1.3 * float(late_ms.max()))
        else:
            ax.set_xscale("log")
            ax.set_xlim(0.8 * float(late_ms.min()), 1.3 * float(late_ms.max()))
        thousands = FuncFormatter(lambda value, _: f"{value:,.0f}".replace(",", "\u2009"))
        ax.xaxis.set_major_formatter(thousands)
        ax.xaxis.set_minor_locator(NullLocator())
    elif len(late_ms):
        ax.set_xlim(0, 1.25 * float(late_ms.max()))
    for level in (0.5, 0.99):
        ax.axhline(level, color=DARK, linestyle=":", linewidth=0.8)
        ax.annotate(
            f"{level:.0%}", (1, level), xycoords=("axes fraction", "data"), ha="right", va="bottom", size=8
        )
    ax.set_ylim(0, 1.04)
    ax.set_title("Share of the delivered messages that came within a time")
    ax.set_xlabel("latency [ms]")
    ax.set_ylabel("share of delivered messages [-]")
