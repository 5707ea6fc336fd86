"""One look for all figures: readable in black and white, nothing over the data, the same bytes every time.

Figures are drawn on canvases of their own; pyplot and matplotlib's global settings are left as they are.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_DAY, MS_PER_SECOND
from cosim.core.shown import duration_text
from cosim.core.text import visible
from cosim.engine.scenario import Scenario
from cosim.report.long_series import bin_width_ms, gather
from cosim.results.safe_files import write_whole

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

WIDTH_INCH = 8.0
DPI = 130
DARK, STRONG, WARM, MIDDLE, LIGHT, PALE = "#111111", "#0b3c5d", "#d9822b", "#7d7d7d", "#b9c4cf", "#e3e8ed"
"""Colours from dark to light; any two of them differ in luminance, so they stay apart in grey."""
COLORMAP = "cividis_r"
"""From light to dark, evenly in luminance."""
UNCERTAIN = "#c9ced4"


class Look(NamedTuple):
    """How one of several series is drawn: told apart by colour, by line and by marker."""

    color: str
    line: Any
    marker: str
    hatch: str


LOOKS = (
    Look(STRONG, "-", "o", ""),
    Look(WARM, "--", "s", "////"),
    Look(MIDDLE, "-.", "^", "...."),
    Look(DARK, ":", "D", "xxxx"),
    Look("#9ab8d1", (0, (8, 2, 1, 2, 1, 2)), "v", "----"),
    Look("#8a5a1a", (0, (3, 1)), "P", "++++"),
)

_SETTINGS: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.titley": 1.0,  # no ticks stand above the axes, which it need not look for then
    "axes.labelsize": 9,
    "axes.formatter.useoffset": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.4,
    "figure.constrained_layout.use": True,
    "figure.titlesize": 11,
    "figure.titleweight": "bold",
    "hatch.linewidth": 0.5,
    "savefig.dpi": DPI,
    "figure.dpi": DPI,
    "timezone": "UTC",
    "svg.hashsalt": "cosim",  # else names within the file are drawn at random
    "svg.fonttype": "none",  # text stays text
    "pdf.fonttype": 42,
    "text.parse_math": False,  # a name with two dollar signs is no formula
}
_DRAWING = (
    "axes", "axes3d", "contour", "date", "errorbar", "figure", "font", "grid", "hatch", "hist", "image",
    "legend", "lines", "markers", "mathtext", "patch", "path", "pcolor", "pdf", "polaraxes", "savefig",
    "scatter", "svg", "text", "timezone", "xaxis", "xtick", "yaxis", "ytick",
)  # fmt: skip
"""Families of matplotlib's settings that bear on what is drawn."""


@contextmanager
def drawing() -> Iterator[None]:
    """Matplotlib with this style on its own defaults, whatever the user's settings; undone afterwards."""
    import matplotlib

    defaults: dict[Any, Any] = {
        name: value
        for name, value in matplotlib.rcParamsDefault.items()
        if name.split(".")[0] in _DRAWING
        and name not in ("date.epoch", "figure.max_open_warning", "savefig.directory")
    }
    with matplotlib.rc_context(defaults | _SETTINGS), warnings.catch_warnings():
        # What the font lacks is drawn as a box; the warning would put it on the terminal as it is.
        warnings.filterwarnings("ignore", message="Glyph")
        yield


def new_figure(
    height_inch: float, rows: int = 1, columns: int = 1, **options: Any
) -> tuple[Figure, list[Axes]]:
    """An empty figure of the common width, and its axes, row by row."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_INCH, height_inch))
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, list(axes.ravel())


def grid_shape(n_panels: int) -> tuple[int, int]:
    """Rows and columns for so many panels; a single column for up to three, else two."""
    columns = 1 if n_panels <= 3 else 2
    return -(-n_panels // columns), columns


def hide_unused(axes: Sequence[Axes], n_used: int) -> None:
    """Take away the axes that no panel needs."""
    for ax in axes[n_used:]:
        ax.set_visible(False)


def legend_below(figure: Figure, handles: Sequence[Artist], columns: int = 4) -> None:
    """A legend under the axes, where it covers nothing; entries of one label are shown once."""
    by_label = {str(handle.get_label()): handle for handle in handles}
    if by_label:
        figure.legend(
            handles=list(by_label.values()), loc="outside lower center", ncols=min(columns, len(by_label))
        )


def legend_of_axes(figure: Figure, axes: Sequence[Axes], columns: int = 4) -> None:
    """`legend_below` of everything that has a label in these axes."""
    legend_below(figure, [handle for ax in axes for handle in ax.get_legend_handles_labels()[0]], columns)


def whole_numbers(axis: Axis) -> None:
    """Ticks at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, nbins=6))


def scale_axis(ax: Axes, scale: str) -> None:
    """A horizontal axis spaced as ``linear`` or ``log``, with plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogFormatter

    ax.set_xscale(scale)
    if scale == "log":
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.xaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.5)))


def scale_by_spread(ax: Axes) -> None:
    """A logarithmic vertical axis, with plain numbers, where what is drawn spreads over a factor of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    drawn = np.concatenate([np.asarray(line.get_ydata(), float) for line in ax.lines] or [np.zeros(0)])
    drawn = drawn[drawn > 0]
    if len(drawn) == 0 or drawn.max() < 10 * drawn.min():
        return
    ax.set_yscale("log")
    decades = float(np.log10(drawn.max() / drawn.min()))
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if decades < 2.5 else (1.0,), numticks=9))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


class Print(NamedTuple):
    """How a figure is written."""

    format: str = "png"
    """``png``, ``svg`` or ``pdf``."""
    width_cm: float | None = None
    """Its width; heights keep their ratio to it. As drawn, if None."""
    dpi: int = DPI
    """Dots per inch of a PNG, and of what is a picture within the others."""


def save(figure: Figure, path: Path, how: Print | None = None) -> None:
    """Write a figure, which appears whole or not at all."""
    write_whole(path, picture(figure, how or Print()))


def picture(figure: Figure, how: Print | None = None) -> bytes:
    """A figure as a file, which holds nothing but the picture: the same bytes every time."""
    from matplotlib.text import Text

    how = how or Print()
    for text in figure.findobj(Text):
        text.set_text(visible(text.get_text()))
    if how.width_cm is not None:
        width, height = figure.get_size_inches()
        figure.set_size_inches(how.width_cm / 2.54, how.width_cm / 2.54 * height / width)
    if how.format == "png":
        return _png(figure, how.dpi)
    stream = io.BytesIO()
    made = {
        "svg": {"Date": None, "Creator": None},
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    }
    figure.savefig(stream, format=how.format, dpi=how.dpi, metadata=made[how.format])
    return stream.getvalue()


def _png(figure: Figure, dpi: int) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    # As `savefig` does it, which draws everything once more for a figure whose layout is worked out.
    canvas = FigureCanvasAgg(figure)
    figure.set_dpi(dpi)
    layout = figure.get_layout_engine()
    if layout is not None:
        layout.execute(figure)
    figure.set_layout_engine("none")
    stream = io.BytesIO()
    options = {"metadata": {"Software": None}, "pil_kwargs": {"compress_level": 3}}
    canvas.print_png(stream, **options)  # type: ignore[no-untyped-call]
    return stream.getvalue()


@dataclass(frozen=True)
class TimeAxis:
    """The horizontal axis of time: dates where the run has a calendar, steps of the market where not."""

    dated: bool
    """Whether dates are shown."""
    start_ms: int
    """Start of the run, ms since 1970."""
    step_ms: int
    """Length of a market step."""

    def positions(self, time_ms: NDArray[np.int64]) -> Array:
        """Where instants lie on the axis."""
        if self.dated:
            return np.asarray(time_ms / MS_PER_DAY)  # matplotlib counts days since 1970
        return np.asarray((time_ms - self.start_ms) / self.step_ms)

    def finish(self, ax: Axes, label: bool = True) -> None:
        """Ticks and label."""
        if self.dated:
            from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

            locator = AutoDateLocator(minticks=4, maxticks=9, tz=UTC)  # type: ignore[no-untyped-call]
            ax.xaxis.set_major_locator(locator)
            ax.xaxis.set_major_formatter(
                ConciseDateFormatter(locator, tz=UTC)  # type: ignore[no-untyped-call]
            )
        ax.margins(x=0.01)
        if label:
            ax.set_xlabel("time (UTC)" if self.dated else f"step k (of {duration_text(self.step_ms)} each)")


def time_axis(scenario: Scenario) -> TimeAxis:
    """The axis of a scenario: steps where it has neither feeder nor device, since dates mean nothing then."""
    dated = scenario.grid is not None or any(group.devices for group in scenario.groups)
    start_ms = round(scenario.time.start.timestamp() * MS_PER_SECOND)
    return TimeAxis(dated, start_ms, scenario.time.step_ms)


def draw_series(
    ax: Axes,
    axis: TimeAxis,
    time_ms: NDArray[np.int64],
    values: Array,
    look: Look,
    label: str,
    *,
    steps: bool = False,
    band: bool = True,
) -> None:
    """A series over time; a long one as the mean of each stretch, with the band of 90 % of its values.

    Parameters
    ----------
    ax : Axes
        Where to.
    axis : TimeAxis
        The axis of time.
    time_ms : ndarray of int64, shape (n,)
        Increasing.
    values : ndarray of float64, shape (n,)
        NaN leaves a gap.
    look : Look
        Colour, line and marker.
    label : str
        Text for the legend.
    steps : bool
        Draw steps, each value up to its own instant.
    band : bool
        Whether a long series shows its band.
    """
    width_ms = bin_width_ms(time_ms)
    style: dict[str, Any] = {"color": look.color, "linestyle": look.line}
    if not width_ms:
        if len(values) > 500 and look.line == "-":
            style["linewidth"] = 0.9  # leaves what lies below or above it visible
        if np.count_nonzero(np.isfinite(values)) == 1:
            style["marker"] = look.marker
        style["drawstyle"] = "steps-pre" if steps else "default"
        ax.plot(axis.positions(time_ms), values, label=label, **style)
        return
    bins = gather(time_ms, values, width_ms)
    x, stretch = axis.positions(bins.time_ms), stretch_text(axis, width_ms)
    if band:
        ax.fill_between(
            x,
            bins.low,
            bins.high,
            facecolor=look.color,
            alpha=0.25,
            linewidth=0,
            label=f"{label}: 5-95 % of {stretch}",
        )
    ax.plot(x, bins.mean, label=f"{label}: mean of {stretch}", **style)


def stretch_text(axis: TimeAxis, width_ms: int) -> str:
    """What a bin is called in a legend."""
    if width_ms == MS_PER_DAY and axis.dated:
        return "each day"
    return f"{width_ms // axis.step_ms} steps" if width_ms % axis.step_ms == 0 else duration_text(width_ms)
