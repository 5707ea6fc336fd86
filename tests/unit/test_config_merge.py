"""What wins over what, and that every value keeps the place it came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosim.config.merge import merge, set_value
from cosim.config.yaml_reader import Document, parse_yaml
from cosim.core.errors import InputError
from cosim.engine.check import check_configuration
from cosim.engine.load import LoadedScenario, load_scenario

BASE = """\
name: base
seed: 1
time: {step_s: 900, duration_h: 24}
groups:
  - name: homes
    households: 3
    load:
      kind: constant
      p_kw: {normal: {mean: 1, std: 0.1}, low: 0.5}
comms:
  default:
    latency:
      kind: lognormal
      offset_ms: 20
      median_ms: 80
      sigma: 1
    retries: 1
"""


@pytest.fixture
def load(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Load a scenario whose base is `BASE`."""
    (tmp_path / "base.yaml").write_text(BASE)

    def make(text: str, *overrides: str, seed: int | None = None) -> LoadedScenario:
        (tmp_path / "top.yaml").write_text(f"base: base.yaml\nname: top\n{text}")
        return load_scenario("top.yaml", overrides, seed, tmp_path)

    return make


def places(loaded: LoadedScenario, path: str) -> tuple[str, int]:
    file, line = loaded.document.place_of(path)
    return Path(file).name, line


@pytest.mark.parametrize(
    ("text", "overrides", "seed", "expected", "place"),
    [
        ("", (), None, 1, ("base.yaml", 2)),
        ("seed: 2", (), None, 2, ("top.yaml", 3)),
        ("seed: 2\noverride: {seed: 3}", (), None, 3, ("top.yaml", 4)),
        ("seed: 2\noverride:\n  time.step_s: 60\n  seed: 3", (), None, 3, ("top.yaml", 6)),
        ("seed: 2\noverride: {seed: 3}", ("seed=4",), None, 4, ("--set seed", 0)),
        ("seed: 2\noverride: {seed: 3}", ("seed=4", "seed=5"), None, 5, ("--set seed", 0)),
        ("seed: 2\noverride: {seed: 3}", ("seed=4",), 6, 6, ("--seed", 0)),
    ],
)
def test_precedence(load, text, overrides, seed, expected, place) -> None:  # type: ignore[no-untyped-def]
    loaded = load(text, *overrides, seed=seed)
    assert loaded.scenario.seed == expected
    assert places(loaded, "seed") == place


def test_mappings_are_merged_and_lists_replaced(load) -> None:  # type: ignore[no-untyped-def]
    loaded = load("comms: {default: {retries: 2}}\ngroups: [{name: one, households: 1}]")
    assert loaded.scenario.comms.default.retries == 2
    assert loaded.scenario.comms.default.latency.median_ms == 80
    assert [group.name for group in loaded.scenario.groups] == ["one"]
    assert loaded.scenario.groups[0].load is None
    assert places(loaded, "comms.default.retries") == ("top.yaml", 3)
    assert places(loaded, "comms.default.latency.median_ms") == ("base.yaml", 15)
    assert places(loaded, "groups.0.load.p_kw") == ("top.yaml", 4), "nothing of the base's list is left"


@pytest.mark.parametrize(
    ("above", "expected"),
    [
        ("{kind: constant, latency_ms: 5}", {"kind": "constant", "latency_ms": 5}),
        (
            "{kind: lognormal, sigma: 2}",
            {"kind": "lognormal", "offset_ms": 20, "median_ms": 80, "sigma": 2},
        ),
        ("{sigma: 2}", {"kind": "lognormal", "offset_ms": 20, "median_ms": 80, "sigma": 2}),
    ],
)
def test_another_form_replaces_and_the_same_form_is_merged(load, above, expected) -> None:  # type: ignore[no-untyped-def]
    loaded = load(f"comms: {{default: {{latency: {above}}}}}")
    assert loaded.document.data["comms"]["default"]["latency"] == expected


@pytest.mark.parametrize(
    ("below", "above", "expected"),
    [
        ("{step_s: 900, duration_h: 24}", "{steps: 3}", {"step_s": 900, "steps": 3}),
        ("{step_s: 900, steps: 3}", "{duration_h: 24}", {"step_s": 900, "duration_h": 24}),
        ("{step_s: 900, steps: 3}", "{step_s: 60}", {"step_s": 60, "steps": 3}),
        ("{steps: 3}", "{steps: 3, duration_h: 24}", {"steps": 3, "duration_h": 24}),
        ("{normal: {mean: 1, std: 2}, low: 0}", "{uniform: [1, 2]}", {"uniform": [1, 2]}),
        (
            "{uniform: [1, 2]}",
            "{normal: {mean: 1, std: 2}, low: 0}",
            {"normal": {"mean": 1, "std": 2}, "low": 0},
        ),
        (
            "{normal: {mean: 1, std: 2}, low: 0}",
            "{normal: {mean: 5}}",
            {"normal": {"mean": 5, "std": 2}, "low": 0},
        ),
        ("{by_hour: [1]}", "{steps: [2]}", {"steps": [2]}),
        ("{uniform: [1, 2]}", "{choice: [1]}", {"choice": [1]}),
        ("{kind: a, x: 1}", "{kind: b, y: 2}", {"kind": "b", "y": 2}),
        ("{a: {b: 1, c: 2}}", "{a: {b: 3}}", {"a": {"b": 3, "c": 2}}),
        ("{a: [1, 2]}", "{a: [3]}", {"a": [3]}),
        ("{a: {b: 1}}", "{a: 3}", {"a": 3}),
        ("{a: 3}", "{a: {b: 1}}", {"a": {"b": 1}}),
        ("{a: 3}", "{a: null}", {"a": None}),
    ],
)
def test_merging(below: str, above: str, expected: dict[str, object]) -> None:
    first, second = parse_yaml(below, "below"), parse_yaml(above, "above")
    merged = merge(first, second)
    assert merged.data == expected
    assert all(path in merged.places for path in paths(merged.data)), "every value has a place"
    assert not set(merged.places) - set(paths(merged.data)) - {""}, "no place of what is gone"


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("time.steps", "3", {"step_s": 900, "steps": 3}),
        ("time.duration_h", "3", {"step_s": 900, "duration_h": 3}),
        ("time", "{steps: 2}", {"steps": 2}),
    ],
)
def test_setting_one_way_removes_the_other(path: str, value: str, expected: dict[str, object]) -> None:
    document = parse_yaml("time: {step_s: 900, duration_h: 24}", "file")
    assert set_value(document, path, parse_yaml(value, "x").data, {"": ("--set", 0)}) is None
    assert document.data["time"] == expected
    assert "time.duration_h" not in document.places or document.data["time"].get("duration_h")


def test_setting_a_form_clears_what_the_other_had(load) -> None:  # type: ignore[no-untyped-def]
    loaded = load(
        "",
        "groups.homes.load.p_kw.uniform=[1, 2]",
        "comms.default.latency.kind=exponential",
        "comms.default.latency.mean_ms=7",
    )
    assert loaded.scenario.groups[0].load.p_kw.uniform == (1, 2)
    assert loaded.document.data["comms"]["default"]["latency"] == {"kind": "exponential", "mean_ms": 7}


def test_values_below_an_override_have_their_own_lines(load) -> None:  # type: ignore[no-untyped-def]
    text = "override:\n  groups.homes.load:\n    kind: constant\n    p_kw:\n      - 1\n"
    with pytest.raises(InputError) as caught:
        load(text)
    (problem,) = caught.value.problems
    assert (problem.path, Path(problem.file).name, problem.line) == ("groups.0.load.p_kw", "top.yaml", 6)


def test_a_path_makes_what_is_missing_on_the_way() -> None:
    document = Document({"a": None}, "file")
    assert set_value(document, "a.b.c", 1, {"": ("x", 1)}) is None
    assert document.data == {"a": {"b": {"c": 1}}}
    assert document.places == {"a.b.c": ("x", 1)}


def test_an_item_of_a_list_is_replaced_as_a_whole() -> None:
    document = parse_yaml("a: [{name: x, y: 1}, 2]", "file")
    assert set_value(document, "a.x", {"name": "z"}, {"": ("new", 0)}) is None
    assert set_value(document, "a.1", 3, {"": ("new", 0)}) is None
    assert document.data == {"a": [{"name": "z"}, 3]}
    assert "a.0.y" not in document.places


KAPPA = {"kind": "additive", "kappa": 0.31}


@pytest.mark.parametrize(
    ("file", "set_", "is_told"),
    [
        (KAPPA, {}, False),
        ("additive", {}, True),
        (KAPPA, {"policy": "additive"}, True),
        (KAPPA, {"policy": "inverse_average"}, False),  # has no kappa
        (KAPPA, {"policy": {"kind": "additive"}}, True),  # by --set, as a whole
        (KAPPA, {"policy": {"kind": "additive", "kappa": 0.3}}, False),
        (KAPPA, {"policy.kind": "additive"}, False),
        ("additive", {"policy": KAPPA}, False),
    ],
)
def test_a_name_alone_tells_what_it_puts_back_to_its_default(
    file: object, set_: dict[str, object], is_told: bool, tmp_path: Path
) -> None:
    policy = "communities.market.agent"
    (tmp_path / "kappa.yaml").write_text(f"base: section6_additive\noverride: {{{policy}.policy: {KAPPA}}}\n")
    (tmp_path / "top.yaml").write_text(f"base: kappa.yaml\noverride: {{{policy}.policy: {file}}}\n")
    overrides = [f"{policy}.{path}={value}" for path, value in set_.items()]
    loaded = load_scenario("top.yaml", overrides, folder=tmp_path)
    told = [problem for problem in check_configuration(loaded) if "a name alone" in problem.message]
    assert [problem.severity for problem in told] == ["warning"] * is_told
    assert all("default, 0.3; it was 0.31" in str(problem) for problem in told)
    assert all(str(problem).startswith("--set" if set_ else str(tmp_path / "top.yaml:2")) for problem in told)


def test_files_of_a_base_are_found_beside_it(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    rows = "".join(f"2016-01-01T{hour:02d}:00:00Z,1\n" for hour in range(3))
    (tmp_path / "sub" / "p.csv").write_text("time,home [kW]\n" + rows)
    (tmp_path / "own.csv").write_text("time,roof [kW]\n" + rows)
    base = "name: b\ntime: {steps: 2}\ngroups: [{name: g, households: 1, load: {kind: csv, file: p.csv}}]\n"
    (tmp_path / "sub" / "b.yaml").write_text(base)
    top = "base: sub/b.yaml\nname: t\noverride: {groups.g.pv: {kind: csv, file: own.csv}}\n"
    (tmp_path / "t.yaml").write_text(top)
    loaded = load_scenario("t.yaml", folder=tmp_path)
    group = loaded.scenario.groups[0]
    assert (loaded.folder / group.load.file).read_text() == (tmp_path / "sub" / "p.csv").read_text()  # type: ignore[union-attr]
    assert (loaded.folder / group.pv.file).is_file()  # type: ignore[union-attr]


def test_files_beside_a_scenario_with_a_built_in_base_are_found(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("base: section6\nname: t\n")
    assert load_scenario("t.yaml", folder=tmp_path).folder == tmp_path


def test_built_in_scenarios_name_no_files() -> None:
    """What builds on one from another folder would not find them."""
    from cosim.config.library import names

    for name in names("scenarios"):
        document = load_scenario(name).document
        assert not [path for path in document.places if path.endswith(".file")], name


def paths(data: object, path: str = "") -> list[str]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    below = [p for key, value in items for p in paths(value, f"{path}.{key}" if path else str(key))]
    return [*([path] if path else []), *below]
