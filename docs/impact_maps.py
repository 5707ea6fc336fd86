"""Draws the maps of docs/impact_studies.md from the tables in docs/impact, without running the studies again.

python docs/impact_maps.py            # into docs/images
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from cosim.report.impact_figures import capacity_maps
from cosim.report.style import drawing, save
from cosim.study.impact.impact_analysis import Curve, Found, ImpactAnalysis
from cosim.study.impact.impact_plan import plan_impact
from cosim.study.impact.load_impact import load_impact

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOCS = Path(__file__).parent
STUDIES = ("impact_communication", "impact_communication_pv")


def drawn(study: str) -> Figure:
    """The maps of a built-in study, with the capacities that its table holds."""
    plan = plan_impact(load_impact(study))
    table = pd.read_csv(DOCS / f"impact/{study}.csv").dropna(subset=["loss"])
    (column,) = (name for name in table if name.startswith("capacity at a risk"))
    hosted = {(row["mode"], row["loss"], row["latency_h"]): row[column] for _, row in table.iterrows()}
    # One seed stands for all: what all host at the risk is what it hosts.
    curves = [
        Curve(
            chain.feeder,
            chain.mode,
            chain.communication,
            (
                Found(
                    chain, position(hosted[chain.mode, *chain.communication], plan.config.grid), True, None, 0
                ),
            ),
            plan.config.grid,
            plan.config.risk,
        )
        for chain in plan.chains
        if chain.communication and chain.seed == plan.config.seed_list[0]
    ]
    return capacity_maps(ImpactAnalysis(plan, pd.DataFrame()), curves)


def position(text: str, grid: tuple[float, ...]) -> int:
    """Place of a capacity among the penetrations, as tables tell it: ``at least 100 %``, ``not even 0 %``."""
    if text.startswith("not even"):
        return -1
    share = float(text.removeprefix("at least ").removesuffix(" %")) / 100
    return [round(each, 9) for each in grid].index(round(share, 9))


def main(folder: Path) -> None:
    """Write a picture of each study."""
    with drawing():
        for study in STUDIES:
            save(drawn(study), folder / f"{study}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS / "images")
