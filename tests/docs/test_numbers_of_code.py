"""Numbers of pages that are constants of the code, counts of what it brings, or shapes of studies."""

from __future__ import annotations

import ast
import contextlib
import math
import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from cosim.devices.named_characteristics import COS_PHI_OF_P, P_OF_V, Q_OF_V
from cosim.faults import recovery
from cosim.grid import agreement, copies, limits, power_flow_route, profile_factors
from cosim.regulation import memory, route, stretches
from cosim.trading.protocol import messages

ROOT = Path(__file__).resolve().parents[2]


def page(name: str) -> str:
    """A page with its line breaks taken out."""
    path = ROOT / ("README.md" if name == "README" else f"docs/{name}.md")
    return " ".join(path.read_text(encoding="utf-8").split())


def test_sizes_of_messages() -> None:
    said = page("trading_protocol")
    assert f"{messages._HEADER_BYTES} bytes of header" in said
    assert f"{messages._ID_BYTES} for a request's name, {messages._LINE_BYTES} for each line" in said
    assert f"{messages._COUNT_BYTES} for the number of lines or a reason" in said
    assert messages._COUNT_BYTES == messages._REASON_BYTES


def test_what_a_run_doubts_of_a_feeder_and_how_long_runpp_is_taken_to_last() -> None:
    said = page("networks")
    lowest, highest = agreement.BELIEVABLE_VOLTAGE_PU
    loading = agreement.BELIEVABLE_LOADING_PERCENT
    assert f"outside {lowest} to {highest} pu, loadings above {loading:,.0f} %" in said
    one_ms, bus_ms = (power_flow_route.interval_ms(n) for n in (0, 1))
    assert f"some {one_ms:.0f} ms an interval and {bus_ms - one_ms:.2f} ms for each bus" in said
    assert f"factors above {profile_factors.LARGEST_FACTOR:.0f} (powers" in said
    usual = {name: kind.usual for name, kind in limits.KINDS.items()}
    low, high = usual["vm_min_pu"], usual["vm_max_pu"]
    assert f"{low} and {high} pu, and {usual['line_loading_max_percent']:.0f} % of the rated" in said
    assert limits.ROUNDING == 1e-9
    assert "exceeded beyond 10⁻⁹ of its value" in said


def test_when_communities_are_arrays_and_what_households_take() -> None:
    said = page("semantics")
    assert f"its households make {route.FEWEST_DECISIONS:,} decisions or more" in said
    assert (
        f"A worker steps communities as arrays once its points together have made {route.FEWEST_DECISIONS:,}"
        in page("sweeps")
    )
    assert f"up to {stretches._MOST_TICKS} of them happen at once" in said
    assert f"the first run of more than {stretches.WORTH_COMPILING:,} ticks" in said
    one, other = memory.ONE_BY_ONE_BYTES / 1e3, memory.IN_ARRAYS_BYTES / 1e3
    assert f"about {one} kB one by one, and {other} kB in arrays" in said
    assert f"with {memory.BYTES_PER_MESSAGE} bytes more for each signal and report" in said
    assert f"takes about {copies.BYTES_PER_BUS / 1e3:.0f} kB with its line" in page("copies")


def test_what_counts_as_recovered() -> None:
    said = page("faults")
    assert f"over the last {recovery.LOOK_BACK} steps that no fault touched" in said
    assert f"run of {recovery.WINDOW} steps has a root mean square within {recovery.BAND} times" in said
    assert f"within {recovery.WINDOW} steps" in page("verification")


def test_points_of_the_standards() -> None:
    said = page("inverters")

    def corners(name: str) -> tuple[float, ...]:
        return tuple(Q_OF_V[name].x)

    assert corners("vde_ar_n_4105") == corners("vde_ar_n_4105_small")
    low, from_pu, to_pu, high = corners("vde_ar_n_4105")
    drawn, small = Q_OF_V["vde_ar_n_4105"].y[-1], Q_OF_V["vde_ar_n_4105_small"].y[-1]
    assert f"∓{drawn:.3f} at {low} and {high:.2f} pu (cos φ = 0.90 at the rating), nothing between" in said
    assert f"nothing between {from_pu} and {to_pu:.2f} pu" in said
    assert f"the same with {small:.3f} (cos φ = 0.95)" in said
    assert f"where we have {100 * small:.1f} %" in said
    assert corners("ieee_1547_a") == (0.9, 1.1)
    assert f"∓{Q_OF_V['ieee_1547_a'].y[-1]} at 0.90 and 1.10 pu, a straight line" in said
    assert corners("ieee_1547_b") == (0.92, 0.98, 1.02, 1.08)
    assert f"∓{Q_OF_V['ieee_1547_b'].y[-1]} at 0.92 and 1.08 pu, nothing between 0.98 and 1.02 pu" in said
    assert [COS_PHI_OF_P[f"vde_ar_n_4105{size}"].y for size in ("", "_small")] == [(1.0, 0.9), (1.0, 0.95)]
    assert "1 up to half of the power, 0.90 at full power; `_small`: 0.95" in said
    assert (P_OF_V["ieee_1547"].x, P_OF_V["ieee_1547"].y) == ((1.06, 1.1), (1.0, 0.2))
    assert "all up to 1.06 pu, 0.2 from 1.10 pu on" in said
    assert f"{drawn:.3f} = sin(arccos 0.90)" in said
    assert f"{math.tan(math.acos(0.9)):.3f} = tan(arccos 0.90)" in said
    assert f"then has cos φ = {1 / math.hypot(1, drawn):.3f} instead of 0.90" in said


def packages(requirements: list[str]) -> set[str]:
    """All that these bring, as it is installed here."""
    found, todo = set[str](), [Requirement(each) for each in requirements]
    seen = set[tuple[str, frozenset[str]]]()
    while todo:
        one = todo.pop()
        key = re.sub(r"[-_.]+", "-", one.name).lower(), frozenset(one.extras)
        if key in seen:
            continue
        seen.add(key)
        found.add(key[0])
        for text in distribution(one.name).requires or []:
            needed = Requirement(text)
            extras = {"", *one.extras}
            if needed.marker is None or any(needed.marker.evaluate({"extra": each}) for each in extras):
                todo.append(needed)
    return found


INSTALLED = {".": (), "'.[all]'": ("simbench", "pvlib", "dask")}
"""What the page on installing says `pip install` of, and the extras that it means."""


def brought(project: dict[str, Any], extras: tuple[str, ...]) -> set[str]:
    optional = [each for name in extras for each in project["optional-dependencies"][name]]
    return packages([*project["dependencies"], *optional])


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


@pytest.mark.parametrize("what", INSTALLED)
def test_how_many_packages_an_installation_brings(what: str, project: dict[str, Any]) -> None:
    number = len(brought(project, INSTALLED[what])) + 1  # and cosim
    assert re.search(
        rf"\| `pip install {re.escape(what)}` \| [^|]* \| [\d.]+ GB, {number} packages \|", page("install")
    )


@pytest.mark.slow
@pytest.mark.parametrize("what", INSTALLED)
def test_how_large_an_installation_is(what: str, project: dict[str, Any]) -> None:
    """Files of the packages, without what Python compiles of them."""
    files = (
        file.locate()
        for name in brought(project, INSTALLED[what])
        for file in distribution(name).files or ()
        if file.suffix != ".pyc"
    )
    size_gb = sum(Path(str(file)).stat().st_size for file in files if Path(str(file)).is_file()) / 1e9
    shown = re.search(rf"\| `pip install {re.escape(what)}` \| [^|]* \| ([\d.]+) GB,", page("install"))
    assert shown is not None
    decimals = len(shown[1].split(".")[1])
    assert f"{size_gb:.{decimals}f}" == shown[1]


def test_how_many_runs_the_studies_of_robustness_are() -> None:
    said = dict(re.findall(r"\| `(robustness_\w+)` \| ([\d,]+) \|", page("robustness")))
    assert len(said) == 7
    for name, points in said.items():
        study = yaml.safe_load((ROOT / "scenarios" / f"{name}.yaml").read_text(encoding="utf-8"))
        sizes = [
            len(axis.get("values") or axis.get("cases") or range(axis["range"]["count"]))
            for axis in study["axes"]
        ]
        assert points == f"{math.prod(sizes) * study['seeds']:,}", name
    assert f"{said['robustness_gain']} runs; the gain" in page("README")
    assert f"at all {said['robustness_trading']} points" in page("robustness")


def test_how_many_formats_of_csv_files_are_told_of() -> None:
    n = len(re.findall(r"^## \d+\. ", (ROOT / "docs" / "csv_formats.md").read_text(encoding="utf-8"), re.M))
    assert f"{n} formats found in practice" in page("README")


def test_what_the_readme_says_of_the_boundary_of_stability() -> None:
    (at_most,) = re.findall(r"with its interval within ([\d.]+) %", page("robustness"))
    assert f"within {float(at_most):.0f} % of theory at every delay" in page("README")


def constants(program: str) -> dict[str, Any]:
    """What a program of bench/ assigns that can be read without running it."""
    found = {}
    for node in ast.parse((ROOT / "bench" / f"{program}.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            targets, values = node.targets[0], node.value
            pairs = (
                zip(targets.elts, values.elts, strict=True)
                if isinstance(targets, ast.Tuple) and isinstance(values, ast.Tuple)
                else [(targets, values)]
            )
            for target, value in pairs:
                with contextlib.suppress(ValueError):
                    found[ast.unparse(target)] = ast.literal_eval(value)
    return found


def test_speeds_name_a_program_that_is_there_and_what_it_wants() -> None:
    text = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| `([^`|]+)` \| ([^|]*) \| ([^|]*) \|$", text, re.M)
    assert len(rows) >= 15
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for _, program, *_ in rows:
        assert program.startswith("cosim run ") or f"bench/{program}.py" in makefile
    wanted = {program: want for _, program, _, want in reversed(rows)}
    assert wanted["bench_market"] == f"at most {constants('bench_market')['LARGEST_RATIO']:.0f}"
    inverter = constants("bench_inverter")
    assert wanted["bench_inverter"] == f"at most {inverter['NEEDED_RATIO']:.0f}"
    assert f"| at most {inverter['NEEDED_S']:.0f} s |" in text
    assert wanted["bench_power_flow"] == f"at least {constants('bench_power_flow')['NEEDED_RATIO']}"
    assert wanted["bench_startup"].startswith(f"at most {constants('bench_startup')['NEEDED_S']} s")
    arrays = constants("bench_regulation")
    assert f"| {arrays['OVER_BARE'][99]}; {arrays['OVER_BARE'][1000]} times |" in text
    assert f"| {arrays['VILLAGE_RATIO']} times |" in text
    assert f"| {arrays['LARGE_S']} s; {arrays['LARGE_GIB']} GiB; {arrays['COST_RATIO']} |" in text
    memory_of = constants("bench_memory")
    assert wanted["bench_memory"] == f"at most {memory_of['MAX_GIB']:.0f} GiB"
    for most in memory_of["MAX_MB_PER_MONTH"].values():
        assert f"| at most {most:g} MB |" in text


@pytest.mark.parametrize("name", [path.stem for path in sorted((ROOT / "docs").glob("*.md"))])
def test_every_program_that_a_page_names_is_there(name: str) -> None:
    text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\b((?:bench|docs|tests)/[\w/]+\.(?:py|csv))\b", text))
    assert not {each for each in named if not (ROOT / each).is_file()}


def test_what_the_fuzzer_was_given_is_what_make_fuzz_gives() -> None:
    text = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (scenarios|networks|CSV files) \|(.*)\|$", text, re.M)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for (what, cells), option in zip(rows, ("scenarios", "networks", "csvs"), strict=True):
        given, *outcomes = (int(cell.replace(",", "")) for cell in cells.split("|"))
        assert sum(outcomes) == given, what
        assert outcomes[-1] == 0
        assert f"--{option} {given}" in makefile
