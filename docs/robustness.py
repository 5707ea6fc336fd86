"""The tables of docs/robustness.md from the studies' results, and the figures it shows.

make studies                                    # runs the studies, then this; 45 minutes on two cores
python docs/robustness.py results/studies       # the tables alone, from results that are there
python docs/robustness.py                       # those of five studies, from the rows in docs/robustness
python docs/robustness.py results/studies --rows     # writes these rows anew
python docs/robustness.py results/studies --images   # and copies the figures into docs/images
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cosim.config import library
from cosim.engine.wings import describe
from cosim.report.robustness_maps import short
from cosim.study.robustness.analysis import Analysis, analyse
from cosim.study.robustness.cells import Panel, by_seed, drawn_axes, panels
from cosim.study.robustness.estimates import ANY, NOT_NEGATIVE, Estimate, estimate
from cosim.study.robustness.pairs import PairMatrix
from cosim.study.robustness.points import SweepPoints

IMAGES = {
    "gain": {"boundary": "robustness_boundary"},
    "latency_loss": {
        "market_consumption_tracking_rmse_units": "robustness_latency_loss",
    },
    "mitigations": {"effect_market_consumption_tracking_rmse_units": "robustness_mitigations"},
    "faults": {"pairs_village_consumption_tracking_rmse_units": "robustness_faults"},
    "trading": {"traded_delivered_kwh": "robustness_trading"},
    "feeder": {"village_sale_tracking_rmse_units": "robustness_feeder"},
    "grid_aware": {"intervals_outside_limits": "robustness_grid_aware"},
}
"""Figures of each study that the page shows, and their names there."""
ROWS = Path(__file__).with_suffix("")
KEPT = {
    "latency_loss": (
        "market_consumption_tracking_rmse_units",
        "market_production_tracking_rmse_units",
        "market_cost_gap_end",
    ),
    "mitigations": ("market_consumption_tracking_rmse_units", "market_cost_gap_end"),
    "faults": ("village_consumption_tracking_rmse_units",),
    "feeder": (
        "village_own_use_tracking_rmse_units",
        "village_sale_tracking_rmse_units",
        "village_cost_gap_end",
        "voltage_min_pu",
        "voltage_max_pu",
        "line_loading_max_percent",
        "trafo_loading_max_percent",
        "intervals_outside_limits",
    ),
    "grid_aware": (
        "intervals_outside_limits",
        "trafo_loading_max_percent",
        "energy_battery_discharged_kwh",
        "village_sale_tracking_rmse_units",
    ),
}
"""Of which numbers a row for each run stays in docs/robustness."""


def keep_rows(study: str, points: SweepPoints) -> None:
    """Write the rows of a study to seven digits."""
    columns = [*(axis.name for axis in points.axes), "seed", *KEPT[study]]
    points.table[columns].to_csv(ROWS / f"{study}.csv", index=False, float_format="%.7g")


def kept_study(study: str, folder: Path) -> Path:
    """A directory as the study's sweep leaves it, of the rows that are kept."""
    folder.mkdir()
    rows = pd.read_csv(ROWS / f"{study}.csv", keep_default_na=False)
    rows.insert(0, "point", np.arange(len(rows)))
    rows = rows.assign(status="done", cause="")
    community = next(key for key in KEPT[study] if "_tracking_" in key).split("_")[0]
    rows[f"{community}_loop_delay_steps"] = np.nan  # by which communities are known
    rows.to_parquet(folder / "points.parquet", index=False)
    record = {"status": "done", "sweep": f"robustness_{study}", "points": len(rows)}
    (folder / "sweep.json").write_text(json.dumps(record), encoding="utf-8")
    shutil.copyfile(library.shelf_folder("sweeps") / f"robustness_{study}.yaml", folder / "sweep.yaml")
    return folder


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table in Markdown."""
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print()


def cell(panel: Panel, at: tuple[int, ...]) -> str:
    """A mean of a panel with its interval."""
    return short(float(panel.mean[at]), float(panel.low[at]), float(panel.high[at])).replace("±", " ± ")


def with_interval(found: Estimate, text: str, scale: float = 1.0) -> str:
    """An estimate with its interval; `text` formats the mean."""
    mean, low, high = (scale * each for each in found[:3])
    plain = text.replace("+", "")
    if np.isclose(mean - low, high - mean, rtol=1e-6, equal_nan=True):
        return f"{text.format(mean)} ± {plain.format(high - mean)}"
    return f"{text.format(mean)} [{text.format(low)}, {text.format(high)}]"


def gain(analysis: Analysis) -> None:
    """The boundary at every delay."""
    (boundary,) = analysis.boundaries
    rows = [
        [
            f"{point.delay_steps:.3g}", with_interval(point.simulated, "{:.3f}"),
            f"{point.theory:.3f}",
            with_interval(point.deviation, "{:+.1f}", 100) + " %",
            f"{point.formula:.3f}",
        ]
        for point in boundary.points
    ]  # fmt: skip
    table(["mean delay d", "simulated", "theory", "deviation", "formula at the mean d"], rows)


def mitigations(analysis: Analysis) -> None:
    """The error with each mitigation, and from which latency on it is better than none."""
    key = "market_consumption_tracking_rmse_units"
    y_axis, x_axis = drawn_axes(analysis.points)
    places = [(y, x) for x in (0.0, 0.5) for y in (0, 1.0, 2.0, 3.0)]
    rows = []
    for panel in analysis.panels[key]:
        at = [(y_axis.values.index(y), x_axis.values.index(x)) for y, x in places]
        cells = [cell(panel, i) for i in at]
        rows.append([panel.label, *cells])
    table(["RMSE [units]", *(f"latency {y:g}, loss {x:g}" for y, x in places)], rows)
    rows = [
        [
            b.case, f"{b.held[0]:g}", "never" if np.isnan(b.value) else f"{b.value:.2f}",
            f"{b.low:.2f} to {b.high:.2f}".replace("inf", f"beyond {b.axis.values[-1]:g}"),
            "never" if np.isnan(b.worse_from) else f"{b.worse_from:.2f}",
            f"{b.n_better} of {len(b.effects)}", f"{b.n_worse} of {len(b.effects)}",
        ]
        for b in analysis.break_evens
        if b.quantity.key == key and b.axis.name == "latency_steps" and b.held[0] in (0.0, 0.2, 0.5)
    ]  # fmt: skip
    head = [
        "mitigation",
        "loss",
        "better from latency [steps]",
        "95 %",
        "worse from",
        "better at",
        "worse at",
    ]
    table(head, [row for row in rows if row[2:4] != ["0.00", "0.00 to 0.00"]])


def faults(analysis: Analysis) -> None:
    """Every fault alone, and the pairs that do more harm than their parts."""
    for matrix in analysis.pair_matrices:
        if matrix.quantity.key == "village_consumption_tracking_rmse_units":
            _singles(matrix)
            _pairs(matrix)


def _singles(matrix: PairMatrix) -> None:
    print(f"without a fault {with_interval(matrix.baseline, '{:.2f}')}\n")
    effects = [matrix.effects[(name,)].change for name in matrix.singles]
    order = np.argsort([-effect.mean for effect in effects])
    rows = [[matrix.singles[i], with_interval(effects[i], "{:+.2f}")] for i in order]
    table(["fault alone", "change of the error [units]"], rows)


def _pairs(matrix: PairMatrix) -> None:
    known = [e for e in matrix.effects.values() if e.interaction is not None and e.interaction.sign]
    known.sort(key=lambda e: -abs(e.interaction.mean) if e.interaction else 0.0)
    rows = [
        [
            " + ".join(e.names), with_interval(e.change, "{:+.2f}"),
            with_interval(e.interaction, "{:+.2f}"),
        ]
        for e in known[:12]
        if e.interaction
    ]  # fmt: skip
    table(["pair", "change of the error [units]", "beyond its parts"], rows)


def latency_loss(analysis: Analysis) -> None:
    """Print every quantity at the corners, and by what share latency and loss raise the tracking errors."""
    _corners(analysis.points, list(analysis.panels))
    tracking = [key for key in analysis.panels if key.endswith("_tracking_rmse_units")]
    _changes(analysis.points, tracking, "change [%]", lambda at, first: 100 * (at / first - 1))


def feeder(analysis: Analysis) -> None:
    """Print every quantity at the corners, and what latency and loss change of it."""
    _corners(analysis.points, list(analysis.panels))
    _changes(analysis.points, list(analysis.panels), "change", lambda at, first: at - first)


def grid_aware(analysis: Analysis) -> None:
    """Print what the feeder bore, what the batteries gave, and how well what was to be sold was sold."""
    keys = [
        "intervals_outside_limits",
        "trafo_loading_max_percent",
        "energy_battery_discharged_kwh",
        "village_sale_tracking_rmse_units",
    ]
    _corners(analysis.points, keys)
    points = analysis.points
    rows = []
    for latency in points.numeric_axes[0].values:
        cells = []
        for rule, loss in itertools.product(("less by 15 %", "halved"), (0, 0.5)):
            place = {"latency_steps": latency, "loss_probability": loss}
            with_rule, without = (
                by_seed(points, "intervals_outside_limits", {**place, "rule": each})
                for each in (rule, "none")
            )
            found = estimate((with_rule - without).to_numpy(dtype=float), ANY)
            cells.append(short(*found[:3]).replace("±", " ± "))
        rows.append([f"{latency:g}", *cells])
    head = [
        f"{rule}, loss {loss:g}" for rule, loss in itertools.product(("less by 15 %", "halved"), (0, 0.5))
    ]
    table(["change of the intervals at a latency of", *head], rows)


def _corners(points: SweepPoints, keys: Sequence[str]) -> None:
    y_axis, x_axis = drawn_axes(points)
    places = [(0, 0), (-1, 0), (0, -1), (-1, -1)]
    rows = []
    for key in keys:
        name = describe(key, points.communities)
        for panel in panels(points, key):
            what = f"{name.name}{f' [{name.unit}]' if name.unit else ''}"
            cells = [cell(panel, at) for at in places]
            rows.append([", ".join(part for part in (what, panel.label) if part), *cells])
    head = [f"latency {y_axis.values[j]:g}, loss {x_axis.values[i]:g}" for j, i in places]
    table(["", *head], rows)


def _changes(
    points: SweepPoints,
    keys: Sequence[str],
    title: str,
    change: Callable[[pd.Series, pd.Series], pd.Series],
) -> None:
    """What the far corners of the plane change against the near one, seed by seed."""
    y_axis, x_axis = drawn_axes(points)
    (near_y, *_, far_y), (near_x, *_, far_x) = y_axis.values, x_axis.values
    rows = []
    for key in keys:
        name = describe(key, points.communities)
        for panel in panels(points, key):
            held = dict(zip((axis.name for axis in points.named_axes), panel.held, strict=True))
            first, *others = (
                by_seed(points, key, {y_axis.name: y, x_axis.name: x, **held})
                for y, x in ((near_y, near_x), (far_y, near_x), (near_y, far_x), (far_y, far_x))
            )
            found = [estimate(change(each, first).to_numpy(dtype=float) * name.scale, ANY) for each in others]
            what = f"{name.name}{f' [{name.unit}]' if name.unit and '%' not in title else ''}"
            cells = [short(*each[:3]).replace("±", " ± ") for each in found]
            rows.append([", ".join(part for part in (what, panel.label) if part), *cells])
    table([title, f"latency {far_y:g}", f"loss {far_x:g}", "both"], rows)


def trading(analysis: Analysis) -> None:
    """Share of the energy on offer that was traded, and the bills."""
    table_ = analysis.points.table
    first = table_[(table_["latency_s"] == 0) & (table_["loss_probability"] == 0)].set_index("seed")
    y_axis, x_axis = drawn_axes(analysis.points)
    shares: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
        "traded energy over that with latency and loss 0 [%]": lambda at: (
            100 * at["traded_delivered_kwh"] / first["traded_delivered_kwh"]
        ),
        "bills above those with latency and loss 0 [EUR]": lambda at: (
            at["bills_households_eur"] - first["bills_households_eur"]
        ),
    }
    for title, number in shares.items():
        print(f"{title}\n")
        cells: dict[float, list[object]] = {value: [f"{value:g}"] for value in y_axis.values}
        for y, x in itertools.product(y_axis.values, x_axis.values):
            at = table_[(table_[y_axis.name] == y) & (table_[x_axis.name] == x)].set_index("seed")
            found = estimate(number(at).to_numpy(dtype=float), ANY if "bills" in title else NOT_NEGATIVE)
            cells[y].append(with_interval(found, "{:.1f}"))
        table([f"{y_axis.name} \\ {x_axis.name}", *(f"{x:g}" for x in x_axis.values)], list(cells.values()))
    print("requests that time out\n")
    head = ["latency [s]", "loss", "requests that can be answered", "measured [%]", "expected [%]"]
    table(head, requests(table_))


def requests(points: pd.DataFrame) -> list[list[object]]:
    """Share of the requests that time out, beside what independent losses make of four requests 5 s apart."""
    columns = ["delivered", "unclaimed", "rejected", "timed_out"]
    counts = points.groupby(["latency_s", "loss_probability"])[[f"trade_requests_{c}" for c in columns]].sum()
    rows = []
    for (latency_s, loss), (delivered, unclaimed, rejected, timed_out) in counts.iterrows():
        answerable = min(4, math.floor((20 - 2 * latency_s) / 5) + 1)
        if answerable < 1 or loss == 0 or latency_s not in (0, 4, 6, 8):
            continue
        fails = (1 - (1 - loss) ** 2) ** answerable
        # What is accepted has a confirmation to come, which fails in the same way.
        accepted = (delivered + unclaimed) / (1 - fails)
        expected = fails + (1 - fails) * fails * accepted / (accepted + rejected)
        measured = timed_out / (delivered + unclaimed + rejected + timed_out)
        rows.append(
            [f"{latency_s:g}", f"{loss:g}", answerable, f"{100 * measured:.1f}", f"{100 * expected:.1f}"]
        )
    return rows


STUDIES = {
    "gain": gain,
    "latency_loss": latency_loss,
    "mitigations": mitigations,
    "faults": faults,
    "feeder": feeder,
    "grid_aware": grid_aware,
    "trading": trading,
}
"""What is printed of each."""


def main() -> None:
    """Print all tables of the studies that are there, or of those of which rows are kept."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path, nargs="?")
    parser.add_argument("--images", action="store_true")
    parser.add_argument("--rows", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        if given.results is None:
            given.results = Path(temporary)
            for name in KEPT:
                kept_study(name, given.results / name)
        show(given)


def show(given: argparse.Namespace) -> None:
    """Print the tables, and write what else is asked for."""
    for name, study in STUDIES.items():
        folder = given.results / name
        if not (folder / "points.parquet").is_file():
            continue
        analysis = analyse(folder, [])
        print(f"## {name}\n\n{analysis.points.n_done} points\n")
        study(analysis)
        if given.rows and name in KEPT:
            keep_rows(name, analysis.points)
        for source, target in IMAGES[name].items() if given.images else ():
            shutil.copyfile(
                folder / "robustness" / f"{source}.png", Path(__file__).parent / "images" / f"{target}.png"
            )


if __name__ == "__main__":
    main()
