"""The CSV files of a scenario: profiles, prices, latencies and churn, as far as a run uses them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.comms.latency import TraceLatency
from cosim.comms.trace import read_trace
from cosim.config.yaml_reader import Document
from cosim.core.errors import InputError, Problem
from cosim.engine.load import LoadedScenario
from cosim.engine.scenario import Scenario
from cosim.faults.fault_plan import plan_faults
from cosim.faults.subsystem import surroundings
from cosim.households.demand import household_demand
from cosim.households.ownership import owned_devices
from cosim.households.placement import Placement, nowhere
from cosim.households.profile_book import Demand
from cosim.trading.schemas.tariffs import PricesConfig
from cosim.trading.valuation.prices import Prices, hourly_prices

START = datetime(2016, 7, 4, tzinfo=UTC)
HOME = [0.2, 0.3, 0.25, 0.4] * 60
ROOF = [0.0] * 6 + [0.2, 0.4, 0.6, 0.7, 0.75, 0.7, 0.6, 0.4, 0.2] + [0.0] * 9
CONSTANT = {"kind": "constant", "p_kw": 1}


def profile(header: str, *columns: list[Any], minutes: int = 60) -> str:
    rows = zip(*columns, strict=True)
    lines = (
        ",".join([(START + timedelta(minutes=minutes * n)).strftime("%Y-%m-%dT%H:%MZ"), *map(str, row)])
        for n, row in enumerate(rows)
    )
    return "\n".join([header, *lines]) + "\n"


def demand(folder: Path, text: str, *groups: dict[str, Any], hours: int = 24) -> Demand:
    (folder / "p.csv").write_text(text, encoding="utf-8")
    named = [{"name": f"g{n}", "households": 2, **group} for n, group in enumerate(groups)]
    loaded = as_loaded(
        folder,
        {
            "name": "csv",
            "time": {"start": START, "step_s": 3600, "duration_h": hours},
            "groups": named,
        },
    )
    context = loaded.context
    groups = loaded.scenario.groups
    return household_demand(groups, owned_devices(groups, context), context, nowhere(context.population))


def as_loaded(folder: Path, data: dict[str, Any]) -> LoadedScenario:
    return LoadedScenario(Scenario.model_validate(data), folder, "", Document(data, ""))


def load(**keys: Any) -> dict[str, Any]:
    return {"load": {"kind": "csv", "file": "p.csv", **keys}}


def pv(**keys: Any) -> dict[str, Any]:
    return {"load": CONSTANT, "pv": {"kind": "csv", "file": "p.csv", **keys}}


def warned(found: Demand | Prices) -> list[tuple[str, int, str]]:
    assert all(each.severity == "warning" and each.file == "p.csv" for each in found.warnings)
    return [(each.message, each.line, each.path) for each in found.warnings]


def test_energy_in_each_slot_is_kept(tmp_path: Path) -> None:
    """kWh of a minute, ten minutes and an hour come out as the same energy."""
    for minutes in (1, 10, 15, 30, 60):
        n = 24 * 60 // minutes
        kwh = (0.1 + np.arange(n) % 7 * 0.01) * minutes / 60
        made = demand(tmp_path, profile("time,home [kWh]", kwh.tolist(), minutes=minutes), load())
        block = made.load_kw(0, 96)
        assert block.sum(axis=0) * 0.25 == pytest.approx([kwh.sum()] * 2, rel=1e-12)
        assert made.files[0].slot_ms == minutes * 60_000


def test_what_is_usual_is_not_doubted(tmp_path: Path) -> None:
    for unit, factor in (("kW", 1), ("W", 1000), ("MW", 0.001), ("kWh", 1)):
        made = demand(tmp_path, profile(f"time,home [{unit}]", [x * factor for x in HOME[:24]]), load())
        assert made.warnings == ()
    assert demand(tmp_path, profile("time,roof [kW/kWp]", ROOF), pv(kwp=5)).warnings == ()
    assert demand(tmp_path, profile("time,roof [kW]", [5 * x for x in ROOF]), pv()).warnings == ()
    assert demand(tmp_path, profile("time,roof [kW]", [x - 0.001 for x in ROOF]), pv(kwp=5)).warnings == ()
    meter = [0.3, -0.2, 0.5] * 8  # behind a meter that a roof feeds, too
    assert demand(tmp_path, profile("time,home [kW]", meter), load()).warnings == ()


@pytest.mark.parametrize(
    ("values", "words", "row"),
    [
        ([-x for x in HOME[:24]], "no value of this load is above 0", 0),
        ([0.0, 0.0, *([-0.5] * 22)], "no value of this load is above 0", 2),
        ([0.3, *([-0.5] * 23)], "negative overall", 1),
        ([x * 3100 for x in HOME[:24]], "far more than a household draws", 3),
        ([250.0] * 24, "far more than a household draws", 0),
        ([60.0, 90.0, -850.0, *([50.0] * 21)], "850 kW is far more than a household feeds in", 2),
        ([*([45.0] * 23), -999.5], "999.5 kW is far more than a household feeds in", 23),
        ([30.0, -201.0, *([40.0] * 22)], "201 kW is far more than a household feeds in", 1),
        ([*HOME[:5], 9542982.046, *HOME[:18]], "9542982.046 kW stands out", 5),
        ([*HOME[:20], 90.0, *HOME[:3]], "90 kW stands out", 20),
        ([x / 1000 for x in HOME[:24]], "less than any household draws", 3),
    ],
)
def test_loads_that_cannot_be_those_of_a_household(
    tmp_path: Path, values: list[float], words: str, row: int
) -> None:
    made = demand(tmp_path, profile("time,home [kW]", values), load())
    ((message, line, path),) = warned(made)
    assert words in message
    assert (line, path) == (row + 2, "home")


def test_the_factor_counts(tmp_path: Path) -> None:
    watts = profile("time,home [kW]", [x * 1000 for x in HOME[:24]])
    assert demand(tmp_path, watts, load(scaling=0.001)).warnings == ()
    assert len(warned(demand(tmp_path, watts, load(scaling=0.001), load()))) == 1
    assert demand(tmp_path, watts, load(scaling=0)).warnings == ()


@pytest.mark.parametrize(
    ("unit", "values", "keys", "words", "row"),
    [
        ("kW", [-3.0] * 24, {}, "generation is given as negative numbers", 0),
        ("kW/kWp", [0.0 - x for x in ROOF], {"kwp": 4}, "generation is given as negative numbers", 6),
        ("W", [0.0 - 1000 * x for x in ROOF], {}, "generation is given as negative numbers", 6),
        ("kW", [*ROOF[:12], -0.4, *ROOF[13:]], {}, "generation is below 0 in 1 row, down to -0.4 kW", 12),
        ("kW/kWp", [850 * x for x in ROOF], {"kwp": 4}, "637.5 kW per kWp", 10),
        ("kW/kWp", [2.1 * x for x in ROOF], {}, "1.575 kW per kWp", 10),
        ("kW", [700 * x for x in ROOF], {}, "far more than a household generates", 10),
        ("kW", [5 * x for x in ROOF], {"kwp": 5}, "multiplied by `kwp` (5) besides", 10),
        ("kWh", [5 * x for x in ROOF], {"kwp": 5}, "multiplied by `kwp` (5) besides", 10),
    ],
)
def test_generation_that_cannot_be_meant(
    tmp_path: Path, unit: str, values: list[float], keys: dict[str, Any], words: str, row: int
) -> None:
    made = demand(tmp_path, profile(f"time,roof [{unit}]", values), pv(**keys))
    ((message, line, path),) = warned(made)
    assert words in message
    assert (line, path) == (row + 2, "roof")


def test_one_warning_stands_for_all_columns(tmp_path: Path) -> None:
    columns = [[-x for x in HOME[:24]] for _ in range(40)]
    header = "time," + ",".join(f"h{n} [kW]" for n in range(40))
    text = profile(header, *columns)
    ((message, _, path),) = warned(demand(tmp_path, text, {**load(), "households": 50}))
    assert "likewise in 39 other columns" in message
    assert path == "h0"


@pytest.mark.parametrize("unit", ["kW/kWp", "W/Wp", "kWh/kWp", "W/kWp"])
def test_a_load_is_not_per_kwp(tmp_path: Path, unit: str) -> None:
    text = profile(f"time,home [{unit}]", HOME[:24])
    with pytest.raises(InputError, match="only photovoltaics have"):
        demand(tmp_path, text, load())
    assert demand(tmp_path, text.replace("0.", "0.0"), pv()).files[0].columns[0].unit.startswith(unit)


def test_a_file_of_several_groups_is_read_once_and_each_way_of_reading_it_is_kept_apart(
    tmp_path: Path,
) -> None:
    text = profile("time,home", HOME[:24]).replace("Z,", ",")
    said = {"timezone": "UTC"}
    made = demand(
        tmp_path,
        text,
        load(unit="kW", **said),
        load(unit="W", scaling=7, **said),
        load(unit="kW", scaling=2, **said),
    )
    first = made.load_kw(0, 1)[0]
    assert first == pytest.approx([0.2, 0.2, 0.0014, 0.0014, 0.4, 0.4])
    assert [each.columns[0].unit for each in made.files] == ["kW", "W"]
    assert any("less than any household" in message for message, _, _ in warned(made))


def prices(folder: Path, text: str, hours: int = 24, **how: Any) -> Prices:
    (folder / "p.csv").write_text(text, encoding="utf-8")
    config = PricesConfig.model_validate({"grid": {"file": "p.csv", **how}})
    return hourly_prices(config, START, hours, folder)


@pytest.mark.parametrize(
    ("unit", "factor"), [("EUR/MWh", 1), ("€/MWh", 1), ("EUR/kWh", 0.001), ("ct/kWh", 0.1), ("eur/mwh", 1)]
)
def test_prices_in_their_units(tmp_path: Path, unit: str, factor: float) -> None:
    values = [40 + n for n in range(24)]
    found = prices(tmp_path, profile(f"time,p [{unit}]", [x * factor for x in values]))
    assert found.grid == pytest.approx([x / 1000 for x in values])
    assert found.warnings == ()
    assert found.files[0].columns[0].name == "p"


@pytest.mark.parametrize(
    ("unit", "values", "words"),
    [
        ("EUR/kWh", [40.0] * 24, "which no household pays"),
        ("EUR/MWh", [0.3] * 24, "which no household pays"),
        ("ct/kWh", [0.02] * 24, "which no household pays"),
        ("EUR/MWh", [*[40.0] * 20, -999, 40, 40, 40], "marks a missing value"),
    ],
)
def test_prices_that_cannot_be_meant(tmp_path: Path, unit: str, values: list[float], words: str) -> None:
    ((message, _, path),) = warned(prices(tmp_path, profile(f"time,p [{unit}]", values)))
    assert words in message
    assert path == "p"


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        ({"grid": 300}, ["grid"]),
        ({"grid": {"by_hour": [30.0] * 24}}, ["grid"]),
        ({"grid": 0.3, "feed_in": {"price": 80}}, ["feed_in.price"]),
        ({"grid": 0.001, "feed_in": {"share": 0.1}}, ["grid"]),
        ({"grid": {"by_hour": [0.3] * 24}, "feed_in": {"price": 0}}, []),
    ],
)
def test_prices_in_a_scenario_that_cannot_be_meant(
    tmp_path: Path, given: dict[str, Any], paths: list[str]
) -> None:
    read = hourly_prices(PricesConfig.model_validate(given), START, 48, tmp_path)
    assert [problem.path for problem in read.warnings] == [f"energy_value.prices.{path}" for path in paths]
    assert all("which no household pays" in problem.message for problem in read.warnings)


def test_prices_in_another_step_than_an_hour_are_refused(tmp_path: Path) -> None:
    for minutes in (15, 30, 120):
        with pytest.raises(InputError, match=f"a price every {minutes} min"):
            prices(tmp_path, profile("time,p [EUR/MWh]", [40] * 200, minutes=minutes))


def latencies(folder: Path, text: str | bytes, **how: Any) -> list[float]:
    (folder / "t.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_trace(folder, TraceLatency.model_validate({"file": "t.csv", **how})).tolist()


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("latency_ms\n1.5\n20\n", {}),
        ("latency_ms\n1,5\n20,0\n", {}),
        ("nr;latency_ms\n1;1,5\n2;20,0\n", {}),
        ("nr\tlatency [s]\n1\t0.0015\n2\t0.02\n", {"column": "latency"}),
        ("latency [us]\n1500\n20000\n", {"column": "latency"}),
        ("# ping\nlatency_ms,host\n1.5,a\n\n20,b\n", {}),
        ("made by ping\nnr|latency_ms\n1|1,5\n2|20\n", {"skip_rows": 1, "separator": "|", "decimal": ","}),
    ],
)
def test_latencies_in_formats_that_people_have(tmp_path: Path, text: str, how: dict[str, Any]) -> None:
    assert latencies(tmp_path, text, **how) == pytest.approx([1.5, 20])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("latency_ms,latency_ms\n1,2\n", "two columns have the name"),
        ("latency_ms,latency [s]\n1,2\n", "two columns have the name"),
        ("rtt,latency_ms,rtt\n1,2,3\n", "two columns have the name"),
        ("latency_ms\n1\n2\0\n", "NUL"),
        ("latency_ms\n1\n".encode("utf-16"), "UTF-16"),
        (b"\x1f\x8b\x08", "gzip"),
        ("latency [h]\n1\n", "no column 'latency_ms'"),
        ("latency_ms [parsec]\n1\n", "unknown unit"),
        ("latency_ms\n-999\n", "at least 0"),
    ],
)
def test_latencies_that_are_refused(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        latencies(tmp_path, text)


def churn(folder: Path, text: str) -> list[tuple[str, int, int]]:
    (folder / "c.csv").write_text(text, encoding="utf-8")
    data = {
        "name": "churn",
        "time": {"step_s": 3600, "duration_h": 24},
        "groups": [
            {
                "name": "homes",
                "households": 3,
                "cost": {"kind": "consumption_only", "linear": 1, "target": 0.5},
            }
        ],
        "communities": [{"name": "v", "groups": ["homes"], "resources": [{"name": "x", "capacity": 1}]}],
        "faults": [{"kind": "churn", "file": "c.csv"}],
    }
    none = Placement((0, 1, 2), (None,) * 3, ((),) * 3, ())
    loaded = as_loaded(folder, data)
    events = plan_faults(loaded.scenario.faults, surroundings(loaded.scenario), none, loaded.context)
    return [(event.target, event.start_ms // 60_000, event.end_ms // 60_000) for event in events]


@pytest.mark.parametrize(
    "text",
    [
        "household,leaves_h,joins_h\nh001,1.5,2.25\nh002,3,\n",
        "household;leaves_h;joins_h\nh001;1,5;2,25\nh002;3;\n",
        "# who leaves\njoins_h\tleaves_h\thousehold\n2.25\t1.5\th001\n\n\t3\th002\n",
    ],
)
def test_churn_in_formats_that_people_have(tmp_path: Path, text: str) -> None:
    assert churn(tmp_path, text) == [("h001", 90, 135), ("h002", 180, 1440)]


@pytest.mark.parametrize(
    "row", ["h001,1e300,", "h001,nan,2", "h001,2,1", "h001,-1,2", "h001,1,oops", "h001,,", "nobody,1,2"]
)
def test_churn_that_is_refused(tmp_path: Path, row: str) -> None:
    with pytest.raises(InputError) as caught:
        churn(tmp_path, f"household,leaves_h,joins_h\n\nh002,1,2\n{row}\n")
    places: list[Problem] = list(caught.value.problems)
    assert [(each.file, each.line, each.path) for each in places] == [("c.csv", 4, "faults.0.file")]
