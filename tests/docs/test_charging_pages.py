"""dimming.md and devices.md say what the runs gave that stand beside them, over twenty seeds."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(DOCS), *sys.path])
        spec.loader.exec_module(module)
    return module


def page(name: str) -> str:
    return " ".join((DOCS / f"{name}.md").read_text(encoding="utf-8").split())


@pytest.fixture(scope="module")
def dimming() -> ModuleType:
    return loaded("dimming")


@pytest.fixture(scope="module")
def charging() -> ModuleType:
    return loaded("charging")


@pytest.mark.parametrize("name", ["dimming", "charging"])
def test_every_case_has_run_with_twenty_seeds(name: str, request: pytest.FixtureRequest) -> None:
    script = request.getfixturevalue(name)
    found = sorted((int(row["seed"]), row["case"]) for row in script.seed_rows.rows_of(script.RAW))
    assert found == sorted((seed, case) for seed in range(1, 21) for case in script.CASES)


def test_what_an_operator_does_to_the_peak(dimming: ModuleType) -> None:
    runs = dimming.read(dimming.RAW)
    assert dimming.table(runs) in (DOCS / "dimming.md").read_text(encoding="utf-8")
    said = page("dimming")
    free = runs[dimming.FREE]
    early, low, soon = (
        runs[name][:, dimming.LOADING] - free[:, dimming.LOADING]
        for name in ("from 70 %, until 50 %", "from 70 %, until 20 %", "from 50 %, until 50 %")
    )
    for change in (early, soon):
        assert abs(change.mean()) < dimming.half_width(change), "not on average"
    assert f"in {(early > 0).sum()} of 20 seeds makes it higher" in said
    assert f"by up to {early.max():.1f} points: the vehicles" in said
    assert f"higher in {(soon > 0).sum()} of 20 seeds, by up to {soon.max():.1f} points" in said
    assert f"and lower in {(soon < 0).sum()}." in said
    assert low.max() <= 0
    assert low.mean() < -dimming.half_width(low)
    assert f"lowers the peak by {-low.mean():.1f} ± {dimming.half_width(low):.1f} points" in said
    assert all((values[:, dimming.MISSING] == free[:, dimming.MISSING]).all() for values in runs.values())


@pytest.mark.slow
@pytest.mark.parametrize("case", ["no operator", "from 50 %, until 50 %"])
def test_the_runs_of_dimming_are_of_this_program(dimming: ModuleType, case: str) -> None:
    assert np.allclose(dimming.numbers_of(case, 1), dimming.read(dimming.RAW)[case][0], rtol=1e-6)


def test_what_regulated_and_scheduled_charging_change(charging: ModuleType) -> None:
    runs = charging.read(charging.RAW)
    text, said = (DOCS / "devices.md").read_text(encoding="utf-8"), page("devices")
    assert all(table in text for table in charging.tables(runs))

    def of(number: str, case: str) -> np.ndarray:
        return np.asarray(runs[case][:, charging.COLUMN[number]])

    at_once, scheduled = "night, at once", "night, scheduled"
    prices = [of("charged_eur_per_kwh", case).mean() for case in (at_once, scheduled)]
    assert 1 - prices[1] / prices[0] == pytest.approx(1 / 3, abs=0.05), "a third less"
    higher = of("load_peak_kw", scheduled).mean() / of("load_peak_kw", at_once).mean()
    assert f"the peak is {higher:.1f} times as high" in said
    needed = [of("ev_still_needed_kwh", case).mean() for case in (scheduled, at_once)]
    assert f"({needed[0]:.0f} kWh on average, {needed[1]:.0f} kWh where all charge at once)" in said
    dear = needed[0] / 0.9 * 0.2  # by the charger's efficiency, at the price of the night
    assert f"will cost another {dear:.0f} EUR." in said
    rest = [
        of("bills_households_eur", case) - of("charged_eur_per_kwh", case) * of("taken_kwh", case)
        for case in (at_once, scheduled)
    ]
    assert {f"{each:.0f} EUR" for each in np.ravel(rest)} == {"483 EUR"}
    assert "483 EUR of the bills are for the homes' other load" in said
    for one, other in ((at_once, scheduled), ("street, at once", "street, regulated")):
        for number in ("ev_charged_kwh", "ev_missing_kwh"):
            assert of(number, other) == pytest.approx(of(number, one), abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", ["street, at once", "street, regulated", "night, at once", "night, scheduled"]
)
def test_the_runs_of_charging_are_of_this_program(charging: ModuleType, case: str) -> None:
    again, kept = charging.numbers_of(case, 1), charging.read(charging.RAW)[case][0]
    assert np.allclose(again, kept, rtol=1e-6, equal_nan=True)
