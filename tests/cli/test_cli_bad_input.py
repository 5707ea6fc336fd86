# ruff: noqa: E501 - messages stand on one line, as a user reads them
"""Bad input through the command line: what is wrong, where, what would be right; exit 2, nothing written."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Refused = Callable[..., list[str]]
Write = Callable[..., str]

LINKS = "comms:\n  default:\n    {}\n"


def test_the_scenario_that_the_cases_start_from_is_good(cosim: Callable, write: Write) -> None:
    ended = cosim("check", write())
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == "s.yaml: no errors, 0 warnings\n"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        # keys
        ("steps: 4", "stepz: 4", "s.yaml:4: time.stepz: unknown key 'stepz' (given: 4). Did you mean 'steps'?"),
        ("p_kw: 0.4", "p_w: 400", "s.yaml:9: groups.0.load.p_w: unknown key 'p_w' (given: 400). Write `p_kw: 0.4`."),
        (
            "households: 3",
            "households: 3\n    step_s: 4",
            "s.yaml:8: groups.0.step_s: unknown key 'step_s' (given: 4). It belongs under `time`. "
            "Keys here: name, households, load, pv, second_load, battery, ev, heat_pump, cost, policy, membership, "
            "trading.",
        ),
        ("  step_s: 3600\n  steps: 4", "  start: 2016-01-01", "s.yaml:2: time: the run's length is not given. Write either steps or duration_h."),
        ("steps: 4", "steps: 4\n  duration_h: 4", "s.yaml:2: time: the run's length is given twice. Write either steps or duration_h."),
        ("    households: 3\n", "", "s.yaml:6: groups.0.households: this key is missing. Add `households: ...` (How many households it has)."),
        # units and types
        ("p_kw: 0.4", "p_kw: 5 kWh", "s.yaml:9: groups.0.load.p_kw: a number of kW is expected, and 'kWh' is another unit (given: \"5 kWh\"). Write a plain number, in kW."),
        ("p_kw: 0.4", "p_kw: 400 W", "s.yaml:9: groups.0.load.p_kw: a plain number is expected, in kW (given: \"400 W\"). Write 0.4."),
        ("p_kw: 0.4", "p_kw: 0.4 kW", "s.yaml:9: groups.0.load.p_kw: a plain number is expected: the unit is in the key's name (given: \"0.4 kW\"). Write 0.4."),
        ("p_kw: 0.4", 'p_kw: "0.4"', "s.yaml:9: groups.0.load.p_kw: a number is expected, not text (given: \"0.4\"). Write 0.4 without quotes."),
        ("p_kw: 0.4", "p_kw: .nan", "s.yaml:9: groups.0.load.p_kw: not a finite number (given: .nan). Write a finite one."),
        ("p_kw: 0.4", "p_kw: .inf", "s.yaml:9: groups.0.load.p_kw: not a finite number (given: .inf). Write a finite one."),
        ("p_kw: 0.4", "p_kw: -1", "s.yaml:9: groups.0.load.p_kw: must be at least 0 kW (given: -1). Write a number from 0 to 1,000,000 kW."),
        ("p_kw: 0.4", "p_kw: {uniform: [1, 2, 3]}", "s.yaml:9: groups.0.load.p_kw.uniform: the list has 3 items, and 2 are expected (given: [1, 2, 3]). Give 2."),
        ("p_kw: 0.4", "p_kw: {uniform: [1]}", "s.yaml:9: groups.0.load.p_kw.uniform: the list has 1 value, and more are expected. Give one for each place: [low, high]."),
        ("p_kw: 0.4", "p_kw: {uniform: [2, 1]}", "s.yaml:9: groups.0.load.p_kw: the lower end 2 is above the upper end 1. Swap them."),
        ("p_kw: 0.4", "p_kw: {uniform: [1, 2 kW]}", "s.yaml:9: groups.0.load.p_kw.uniform.1: a plain number is expected: the unit is in the key's name (given: \"2 kW\"). Write 2."),
        ("households: 3", "households: true", "s.yaml:7: groups.0.households: a whole number is expected (given: true). Write digits only, without a decimal point."),
        ("households: 3", "households: 2.5", "s.yaml:7: groups.0.households: a whole number is expected (given: 2.5). Write digits only, without a decimal point."),
        ("households: 3", "households: 0", "s.yaml:7: groups.0.households: must be at least 1 (given: 0). Write a number from 1 to 1,000,000."),
        ("figures: false", "figures: perhaps", "s.yaml:16: report.figures: true or false is expected (given: \"perhaps\"). Write true or false."),
        ("{figures: false}", "false", "s.yaml:16: report: keys and values are expected (given: false). Keys here: figures."),
        ("name: good", "name: 5", "s.yaml:1: name: text is expected (given: 5). Put it in quotes."),
        ("name: good", "name: a/b", "s.yaml:1: name: not a valid name (given: \"a/b\"). Begin with a letter, and use only letters, digits, - and _."),
        ("steps: 4", "steps: 4\n  start: 2016-13-01", "s.yaml:5: time.start: not a date and time (given: \"2016-13-01\"). Write it as 2016-07-04T00:00:00Z."),
        ("steps: 4", "steps: 4\n  start: 2016", "s.yaml:5: time.start: not a date and time (given: 2016). Write it as 2016-07-04T00:00:00Z."),
        ("steps: 4", "steps: 4\n  start: 9999-12-31", "s.yaml:2: time: the run ends after the year 9999. Shorten it, or start earlier."),
        # forms
        ("kind: separable", "kind: x", "s.yaml:8: groups.0.cost.kind: 'x' is not one of the choices (given: \"x\"). Choices: consumption_only, hourly, section6_community_1, section6_community_2, separable, stepped."),
        ("kind: constant", "kind: constnat", "s.yaml:9: groups.0.load.kind: 'constnat' is not one of the choices (given: \"constnat\"). Did you mean 'constant'? Choices: constant, csv, feeder, simbench."),
        ("kind: constant, ", "", "s.yaml:9: groups.0.load: the key 'kind' is missing. It says which form this is: constant, csv, feeder or simbench."),
        ("{kind: constant, p_kw: 0.4}", "0.4", "s.yaml:9: groups.0.load: keys and values are expected (given: 0.4). Begin with `kind:`, which is constant, csv, feeder or simbench."),
        # sizes
        ("capacity: 1}\n      - {name: sale", "capacity: 4}\n      - {name: sale", "s.yaml:14: communities.0.resources.0.capacity: a capacity of 4 units for 3 households, and a household takes one unit at most (given: 4). Lower the capacity, or add households."),
        ("capacity: 1}\n      - {name: sale", "capacity: -1}\n      - {name: sale", "s.yaml:14: communities.0.resources.0.capacity: must be at least 0 units per step (given: -1). Write a number from 0 to 1,000,000,000 units per step."),
        ("households: 3", "households: 3000000", "s.yaml:7: groups.0.households: must be at most 1,000,000 (given: 3000000). Write a number from 1 to 1,000,000."),
        ("steps: 4", "steps: 1000000000", "s.yaml:4: time.steps: must be at most 100,000,000 steps (given: 1000000000). Write a number from 1 to 100,000,000 steps."),
        ("  step_s: 3600\n  steps: 4", "  step_s: 700\n  duration_h: 2", "s.yaml:2: time: duration_h is not a whole number of steps of 700 s. Write 1.944444444, or change step_s."),
        ("  step_s: 3600\n  steps: 4", "  step_s: 700\n  steps: 4", "s.yaml:4: time.steps: the run is not a whole number of metering intervals of 60 min. Change the length or grid.interval_min."),
        ("groups: [homes]", "groups: [house]", "s.yaml:12: communities.0.groups.0: there is no group of this name (given: house). Did you mean 'homes'?"),
    ],
)  # fmt: skip
def test_a_slip(refused: Refused, write: Write, old: str, new: str, expected: str) -> None:
    assert refused(write((old, new))) == [expected]


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("latency: {kind: constnat}", "comms.default.latency.kind: 'constnat' is not one of the choices (given: \"constnat\"). Did you mean 'constant'? Choices: constant, uniform, normal, lognormal, exponential, gamma, trace."),
        ("latency: {kind: constant, latency_s: 0.2}", "comms.default.latency.latency_s: unknown key 'latency_s' (given: 0.2). Write `latency_ms: 200`."),
        ("latency: 20", "comms.default.latency: keys and values are expected (given: 20). Begin with `kind:`, which is constant, exponential, gamma, lognormal, normal, trace or uniform."),
        ("latency: {kind: uniform, low_ms: 9, high_ms: 1}", "comms.default.latency: low_ms = 9 is above high_ms = 1. Give low_ms <= high_ms."),
        ("loss: {kind: bernoulli, loss_probability: 1.2}", "comms.default.loss.loss_probability: must be at most 1 (given: 1.2). It is a share of 1: if 1.2 % is meant, write 0.012."),
        ("loss: {kind: bernoulli, loss_probability: 5 %}", "comms.default.loss.loss_probability: a plain number is expected, in a share of 1 (given: \"5 %\"). Write 0.05."),
        ("loss: {kind: bernoulli, loss_percent: 5}", "comms.default.loss.loss_percent: unknown key 'loss_percent' (given: 5). Write `loss_probability: 0.05`."),
        ("retries: 2.0", "comms.default.retries: a whole number is expected (given: 2.0). Write digits only, without a decimal point."),
    ],
)  # fmt: skip
def test_a_slip_in_a_link(refused: Refused, write: Write, link: str, expected: str) -> None:
    errors = refused(write(("report:", LINKS.format(link) + "report:")))
    assert f"s.yaml:18: {expected}" in errors


def test_several_problems_are_all_told_in_the_order_of_their_lines(refused: Refused, write: Write) -> None:
    errors = refused(
        write(
            ("steps: 4", "steps: four"),
            ("households: 3", "households: -3"),
            ("kind: separable, linear: 6", "kind: separable, linear: true"),
            ("p_kw: 0.4", "p_kw: 0.4, p_kvar: 1"),
            ("{name: use, capacity: 1}", "{name: use, capacity: much}"),
        ),
        "--set", "time.start=never", "--set", "report.figure=true",
    )  # fmt: skip
    assert [error.split(": ")[0] for error in errors] == [
        "--set report.figure", "--set time.start", "s.yaml:4", "s.yaml:7", "s.yaml:8", "s.yaml:9", "s.yaml:14",
    ]  # fmt: skip


def test_several_cross_problems_are_all_told(refused: Refused, write: Write) -> None:
    errors = refused(
        write(
            ("{name: use, capacity: 1}", "{name: use, capacity: 7}"),
            ("households: 3\n", "households: 3\n    pv: {kind: feeder}\n"),
            ("report:", "comms: {overrides: [{household: h9, retries: 1}]}\nreport:"),
        )
    )
    assert [error.split(": ")[1] for error in errors] == [
        "groups.0.pv",
        "communities.0.resources.0.capacity",
        "comms.overrides.0.household",
    ]


# --- files ---------------------------------------------------------------------------------------------

CSV = "time,home [kW]\n" + "".join(f"2016-01-01T{hour:02d}:00:00Z,0.{hour + 1}\n" for hour in range(6))
WITH_CSV = ("{kind: constant, p_kw: 0.4}", "{kind: csv, file: p.csv}")


def test_a_good_profile_is_taken(cosim: Callable, write: Write, folder: Path) -> None:
    (folder / "p.csv").write_text(CSV)
    assert cosim("check", write(WITH_CSV)).code == 0


def test_a_missing_profile(refused: Refused, write: Write, folder: Path) -> None:
    expected = (
        f"s.yaml:9: groups.0.load.file: there is no such file (given: p.csv). It is looked for in {folder}."
    )
    assert refused(write(WITH_CSV)) == [expected]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("0.3\n", "nan\n", "p.csv:4: home: a value is missing (NaN) (given: nan). Give a number."),
        ("0.3\n", "\n", "p.csv:4: home: a value is missing (NaN) (given: nothing). Give a number."),
        ("0.3\n", "inf\n", "p.csv:4: home: not a finite number (given: inf). Give a number."),
        ("0.3\n", "many\n", "p.csv:4: home: not a finite number (given: many). Give a number."),
        ("[kW]", "[hp]", "p.csv:1: home [hp]: unknown unit [hp]. Write it as 'name [unit]', or give `unit`, with one of: kW, W, MW, kWh, Wh, kW/kWp; or name the columns that are meant."),
        ("2016-01-01T02:00:00Z,0.3\n", "", "p.csv:4: a gap: 120 min after the previous row, where 60 min are usual. Fill or cut the series; gaps are not filled here."),
        ("2016-01-01T00:00:00Z,0.1\n", "", "s.yaml:9: groups.0.load.file: the profile covers 2016-01-01T01:00Z to 2016-01-01T06:00Z, the run 2016-01-01T00:00Z to 2016-01-01T04:00Z (given: p.csv). Shorten the run, move its start, or give a longer series."),
    ],
)  # fmt: skip
def test_a_bad_profile(
    refused: Refused, write: Write, folder: Path, old: str, new: str, expected: str
) -> None:
    (folder / "p.csv").write_text(CSV.replace(old, new, 1))
    assert refused(write(WITH_CSV)) == [expected]


@pytest.mark.parametrize("path", ["../p.csv", "/etc/hostname", "a/../../p.csv", "..\\p.csv", "C:\\p.csv"])
def test_a_path_that_climbs_out(refused: Refused, write: Write, path: str) -> None:
    errors = refused(write(("{kind: constant, p_kw: 0.4}", f"{{kind: csv, file: '{path}'}}")))
    assert len(errors) == 1
    assert errors[0].startswith(
        "s.yaml:9: groups.0.load.file: the path points outside the folder of the file that names it"
    )
    assert errors[0].endswith("Name a file inside it, by a relative path.")


@pytest.mark.parametrize("what", ["profile", "trace", "network", "base", "json"])
def test_a_link_that_leaves_the_folder(
    refused: Refused, write: Write, folder: Path, tmp_path_factory: pytest.TempPathFactory, what: str
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    for name, text in {
        "p.csv": CSV,
        "t.csv": "latency_ms\n5\n",
        "n.yaml": NETWORK,
        "b.yaml": "",
        "n.json": "{}",
    }.items():
        (outside / name).write_text(text)
    (folder / "sub").symlink_to(outside)
    exchange, place = {
        "profile": (("{kind: constant, p_kw: 0.4}", "{kind: csv, file: sub/p.csv}"), "s.yaml:9: groups.0.load.file"),
        "trace": (("report:", LINKS.format("latency: {kind: trace, file: sub/t.csv}") + "report:"), "s.yaml:18: comms.default.latency.file"),
        "network": (("report:", "grid: {network: sub/n.yaml}\nreport:"), "s.yaml:16: grid.network"),
        "base": (("name: good", "name: good\nbase: sub/b.yaml"), "s.yaml:2: base"),
        "json": (("report:", "grid: {network: n.yaml}\nreport:"), "s.yaml:16: source.file"),
    }[what]  # fmt: skip
    (folder / "n.yaml").write_text(NETWORK.replace("file: n.json", "file: sub/n.json"))
    (error,) = refused(write(exchange))
    assert error.startswith(f"{place}: the path points outside the ")
    assert "(given: sub/" in error


def test_a_path_that_is_a_folder(refused: Refused, write: Write, folder: Path) -> None:
    (folder / "p.csv").mkdir()
    expected = (
        "s.yaml:9: groups.0.load.file: this is a folder or a device, not a file (given: p.csv). Name a file."
    )
    assert refused(write(WITH_CSV)) == [expected]


NETWORK = """\
name: n
title: a test
source: {kind: json, file: n.json}
origin: a test
licence: none
"""


def test_a_network_that_names_os_system(refused: Refused, write: Write, folder: Path) -> None:
    (folder / "n.yaml").write_text(NETWORK)
    evil = {"_module": "os", "_class": "system", "_object": f"touch {folder}/owned"}
    document = {
        "_module": "pandapower.auxiliary",
        "_class": "pandapowerNet",
        "_object": {"bus": evil, "x": [evil]},
    }
    (folder / "n.json").write_text(json.dumps(document))
    errors = refused(write(("report:", "grid: {network: n.yaml}\nreport:")))
    assert any("n.json" in error and "os" in error for error in errors)
    assert not (folder / "owned").exists()


def test_a_network_file_that_names_os_system(refused: Refused, write: Write, folder: Path) -> None:
    (folder / "n.yaml").write_text(
        NETWORK.replace("{kind: json, file: n.json}", "{kind: pandapower, function: os.system}")
    )
    (error,) = refused(write(("report:", "grid: {network: n.yaml}\nreport:")))
    assert error.startswith("n.yaml:3: source.function: 'os.system' is not one of the choices")


def test_a_broken_network_file_is_told_with_its_own_line(
    refused: Refused, write: Write, folder: Path
) -> None:
    (folder / "n.yaml").write_text(NETWORK.replace("licence", "license") + "places: many\n")
    errors = refused(write(("report:", "grid: {network: n.yaml}\nreport:")))
    assert [error.split(": ")[0] for error in errors] == ["n.yaml:5", "n.yaml:6"]
    assert "Did you mean 'licence'?" in errors[0]


def test_more_households_than_places(refused: Refused, write: Write) -> None:
    exchanges = ("households: 3", "households: 16"), ("report:", "grid: {network: cigre_lv}\nreport:")
    expected = "s.yaml:16: grid.network: 16 households, and 'cigre_lv' has 15 places (given: cigre_lv). Use fewer households, another network (`cosim networks`), or `placement: {kind: list}`."
    assert refused(write(*exchanges)) == [expected]


# --- what is no scenario at all ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "s.yaml: the file is empty. `cosim scenarios` lists examples to start from."),
        (b"# nothing\n---\n", "s.yaml:1: keys and values are expected. A scenario starts with `name: ...`."),
        (b"- a\n", "s.yaml:1: keys and values are expected. A scenario starts with `name: ...`."),
        (b"just a text", "s.yaml:1: keys and values are expected. A scenario starts with `name: ...`."),
        (b"name: a\nx: \xff\xfe\n", "s.yaml:2: is not UTF-8 text. Save it as UTF-8."),
        (b"\x7fELF\x02\x01\x01\x00\x00", "s.yaml:1: holds a character that YAML does not allow: this is not a text file. Name a YAML file."),
        (b"name: a\nname: b\n", "s.yaml:2: name: this key is given twice, first in line 1. Keep one of them."),
        (b"name: !!python/object/apply:os.system [ls]\n", "s.yaml:1: name: the tag !!python/object/apply:os.system is not allowed. Write plain data without tags."),
        (b"name: !evil a\n", "s.yaml:1: name: the tag !evil is not allowed. Write plain data without tags."),
        (b"name: a\n[1, 2]: x\n", "s.yaml:2: a key must be plain text. Write it as `key: value`."),
        (b"a: [1\nb: 2\n", "s.yaml:2: not valid YAML: expected ',' or ']', but got ':'. Check colons, brackets, quotes and the indentation here and in the line above."),
        (b"a: 1\n\tb: 2\n", "s.yaml:2: not valid YAML: found character '\\t' that cannot start any token. Check colons, brackets, quotes and the indentation here and in the line above."),
        (b"seed: 1" + b"0" * 5000, "s.yaml:1: seed: this value cannot be read (given: 1" + "0" * 59 + "). Write a plain one."),
    ],
)  # fmt: skip
def test_a_file_that_is_no_scenario(refused: Refused, folder: Path, content: bytes, expected: str) -> None:
    (folder / "s.yaml").write_bytes(content)
    assert refused("s.yaml") == [expected]


def test_anchors_that_explode(refused: Refused, folder: Path) -> None:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    (folder / "s.yaml").write_text("\n".join(["a0: &a0 [lol]", *levels]))
    began = time.monotonic()
    errors = refused("s.yaml")
    assert time.monotonic() - began < 5
    assert errors[0] == (
        "s.yaml:2: a1.0: an anchor (&name) is used again by an alias (*name), which is not allowed. "
        "Write the values out, or use `base:` and `override:`."
    )


@pytest.mark.parametrize(
    "text", ["x: " + "[" * 5000, "x: " + "[" * 60 + "]" * 60, "x: " + "{a: " * 60 + "}" * 60]
)
def test_deep_nesting(refused: Refused, folder: Path, text: str) -> None:
    (folder / "s.yaml").write_text(text)
    (error,) = refused("s.yaml")
    assert "nested deeper than 30 levels. Remove brackets or indentation." in error


def test_a_huge_file_is_refused_without_reading_it(refused: Refused, folder: Path) -> None:
    with (folder / "s.yaml").open("wb") as stream:
        stream.truncate(100_000_000)
    began = time.monotonic()
    expected = "s.yaml: 100 MB is too large for a configuration file (limit 1 MB). Put series into CSV files and name those."
    assert refused("s.yaml") == [expected]
    assert time.monotonic() - began < 1


def test_a_folder_in_place_of_a_file(refused: Refused, folder: Path) -> None:
    (folder / "s.yaml").mkdir()
    assert refused("s.yaml") == ["s.yaml: this is a folder or a device, not a file. Name a YAML file."]


def test_a_pipe_is_not_waited_for(refused: Refused, folder: Path) -> None:
    os.mkfifo(folder / "s.yaml")
    assert refused("s.yaml") == ["s.yaml: this is a folder or a device, not a file. Name a YAML file."]


def test_no_such_file(refused: Refused) -> None:
    assert refused("x/y.yaml") == [
        "x/y.yaml: there is no such file. Name a file that exists, or a built-in scenario (`cosim scenarios` lists them)."
    ]


def test_a_misspelt_built_in_name(refused: Refused) -> None:
    assert refused("storage_vilage") == [
        "there is neither a built-in scenario nor a file of this name (given: storage_vilage). "
        "Did you mean 'storage_village'? `cosim scenarios` lists all."
    ]


def test_a_name_that_is_too_long(refused: Refused) -> None:
    (error,) = refused("x" * 5000)
    assert "cannot be read: File name too long" in error


# --- bases and overrides -------------------------------------------------------------------------------


def test_bases_in_a_circle(refused: Refused, write: Write, folder: Path) -> None:
    (folder / "other.yaml").write_text("name: other\nbase: s.yaml\n")
    expected = (
        "other.yaml:2: base: the bases build on each other in a circle: s.yaml → other.yaml → s.yaml (given: s.yaml). "
        "Remove `base` from one of them."
    )
    assert refused(write(("name: good", "base: other.yaml\nname: good"))) == [expected]


def test_a_base_that_is_itself(refused: Refused, write: Write) -> None:
    (error,) = refused(write(("name: good", "base: s.yaml\nname: good")))
    assert "in a circle: s.yaml → s.yaml" in error


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("storage_vilage", "s.yaml:1: base: there is neither a built-in scenario nor a file of this name (given: storage_vilage). Did you mean 'storage_village'? `cosim scenarios` lists all."),
        ("no.yaml", "s.yaml:1: base: there is no such file (given: no.yaml). Name a file that exists, or a built-in scenario (`cosim scenarios` lists them)."),
        ("[a, b]", "s.yaml:1: base: must name one scenario. Write the name of a built-in scenario, or of a file in this folder."),
    ],
)  # fmt: skip
def test_a_base_that_is_not_there(refused: Refused, write: Write, base: str, expected: str) -> None:
    assert refused(write(("name: good", f"base: {base}\nname: good"))) == [expected]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("communities.town.agent.policy: additive", "override.communities.town.agent.policy: this list has no item 'communities.town'. Known: village."),
        ("communities.vilage.agent.policy: additive", "override.communities.vilage.agent.policy: this list has no item 'communities.vilage'. Did you mean 'village'?"),
        ("communities.village.agent.polcy: additive", "communities.0.agent.polcy: unknown key 'polcy' (given: \"additive\"). Did you mean 'policy'?"),
        ("communities.village.agent.policy: additve", "communities.0.agent.policy: 'additve' is not one of the choices (given: \"additve\"). Did you mean 'additive'? Choices: additive, inverse_average, proportional."),
        ("name.first: x", "override.name.first: 'name' is a plain value and has nothing below it. Set name itself."),
        ("groups.5.households: 1", "override.groups.5.households: this list has no item 'groups.5'. Its one item has number 0."),
    ],
)  # fmt: skip
def test_an_override_that_misses(refused: Refused, write: Write, line: str, expected: str) -> None:
    assert refused(write(("report:", f"override:\n  seed: 4\n  {line}\nreport:"))) == [
        f"s.yaml:18: {expected}"
    ]


def test_overrides_that_are_none(refused: Refused, write: Write) -> None:
    expected = (
        "s.yaml:16: override: must map paths to values. "
        "Write one path and value per line: `communities.market.agent.policy: additive`."
    )
    assert refused(write(("report:", "override: [1]\nreport:"))) == [expected]


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("time.steps", "--set time.steps: this is not a path and a value. Write it as PATH=VALUE, for example --set time.steps=200."),
        ("=4", "--set =4: this is not a path and a value. Write it as PATH=VALUE, for example --set time.steps=200."),
        ("time..steps=4", "--set time..steps: the path has an empty part. Join keys by single dots: time.steps."),
        ("time.steps=[4", "--set time.steps: not valid YAML: expected ',' or ']', but got the end (given: [4). Check colons, brackets, quotes and the indentation here and in the line above."),
        ("time.stepz=4", "--set time.stepz: unknown key 'stepz' (given: 4). Did you mean 'steps'?"),
        ("time.steps=many", "--set time.steps: a whole number is expected (given: \"many\"). Write digits only, without a decimal point."),
        ("groups.homes.households=-1", "--set groups.homes.households: groups.0.households: must be at least 1 (given: -1). Write a number from 1 to 1,000,000."),
        ("groups.house.households=1", "--set groups.house.households: this list has no item 'groups.house'. Did you mean 'homes'?"),
        ("base=section6", "--set base: 'base' cannot be set from outside a file. Write it into a scenario file."),
        ("communities.village.resources.use.capacity=9", "--set communities.village.resources.use.capacity: communities.0.resources.0.capacity: a capacity of 9 units for 3 households, and a household takes one unit at most (given: 9). Lower the capacity, or add households."),
    ],
)  # fmt: skip
def test_an_option_that_is_wrong(refused: Refused, write: Write, option: str, expected: str) -> None:
    assert refused(write(), "--set", option) == [expected]


def test_a_run_never_overwrites_another(cosim: Callable, write: Write, folder: Path) -> None:
    (folder / "there").mkdir()
    (folder / "there" / "mine.txt").write_text("precious")
    ended = cosim("run", write(), "--out", "there")
    assert ended.code == 2
    expected = "error there: this path is already in use, and a run never overwrites anything. "
    assert ended.problems == [expected + "Choose an empty or new directory with --out."]
    assert [path.name for path in (folder / "there").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    "arguments", [["run"], ["rnu"], ["run", "section6", "--sed", "1"], ["run", "section6", "--seed", "-1"]]
)
def test_bad_usage_is_bad_input(cosim: Callable, folder: Path, arguments: list[str]) -> None:
    ended = cosim(*arguments)
    assert ended.code == 2
    assert "Traceback" not in ended.err
    assert list(folder.iterdir()) == []


def test_what_is_wrong_with_the_rest_is_told_with_values_that_cannot_be(
    cosim: Callable, folder: Path
) -> None:
    text = """
name: bad
time: {start: 2016-07-04T00:00:00Z, duration_h: 24}
grid: {network: nosuch.json}
groups:
  - {name: homes, households: 9, load: {kind: csv, file: nothere.csv}}
communities:
  - {name: c, groups: [hoomes], resources: [{name: r, capacity: 3}]}
faults:
  - {kind: platform_crash, from_h: 4, duration_h: 1, communities: [nobody]}
comms:
  default: {loss: {kind: bernoulli, loss_probability: 3}, latenzy: 2}
"""
    (folder / "bad.yaml").write_text(text)
    told = cosim("check", "bad.yaml").err
    for wrong in ("loss_probability: must be at most 1", "unknown key 'latenzy'", "given: nothere.csv",
                  "nosuch.json: there is no such file", "given: hoomes", "given: nobody"):  # fmt: skip
        assert wrong in told
    assert told.count("error ") == 6


@pytest.mark.parametrize(
    ("setting", "n_errors"),
    [
        ("firm.battery.charge_kw=-1", 1),  # without it there would be no battery, which others ask for
        ("grid.network=7", 1),
        ("grid=7", 1),
        ("groups.0.battery.capacity_kwh=none", 1),
        ("time.step_s=none", 1),
        ("communities.0.resources.0.capacity=none", 1),
        ("comms.default.latency=none", 1),
    ],
)
def test_nothing_is_told_that_only_follows_from_what_is_wrong(
    cosim: Callable, setting: str, n_errors: int
) -> None:
    """Of a scenario whose parts ask each other for what they have."""
    told = cosim("check", "firm_village", "--set", setting).err
    assert told.count("error ") == n_errors, told
