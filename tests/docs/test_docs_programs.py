"""The programs of docs/ that call parts of the package by name: small cases of what their pages show."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from cosim.engine.run import Outcome

DOCS = Path(__file__).resolve().parents[2] / "docs"


def program(name: str) -> ModuleType:
    """A program of the docs, loaded and not started."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["lotfi_case", "robustness", "trading_rush"])
def test_a_program_that_no_test_of_its_page_loads_finds_what_it_imports(name: str) -> None:
    assert callable(program(name).main)


def test_runs_that_were_ended_go_on_below_the_names_of_their_columns(tmp_path: Path) -> None:
    run_missing, out, asked = program("seed_rows").run_missing, tmp_path / "rows.csv", []
    out.touch()  # ended within the first run, before anything was written

    def numbers_of(case: tuple[str, ...], seed: int) -> list[float]:
        asked.append((case, seed))
        assert out.read_text().splitlines()[0] == "seed,rule,number"
        if len(asked) == 3:
            raise KeyboardInterrupt
        return [len(asked) / 3]

    cases = [("one",), ("other",)]
    with pytest.raises(KeyboardInterrupt):
        run_missing(out, (["rule"], ["number"]), cases, 2, numbers_of)
    run_missing(out, (["rule"], ["number"]), cases, 2, numbers_of)
    assert asked == [(("one",), 1), (("other",), 1), (("one",), 2), (("one",), 2), (("other",), 2)]
    found = program("seed_rows").read(out, ["rule"], ["number"])
    assert {case: numbers[:, 0].round(6).tolist() for case, numbers in found.items()} == {
        ("one",): [0.333333, 1.333333],
        ("other",): [0.666667, 1.666667],
    }


def test_links_measures_a_link() -> None:
    account, _, arrived = program("links").carried(
        np.arange(50), latency={"kind": "constant", "latency_ms": 70}
    )
    assert set(arrived.values()) == {70}
    assert (account.lost, account.latency_p50_ms) == (0, 70)


def test_one_liar_moves_a_clipped_sum_by_his_share_and_a_plain_sum_by_what_he_says() -> None:
    errors = program("mitigations").aggregate_errors(50.0, 1, steps=4)
    assert 49 <= errors["sum"] <= 50
    assert 0 <= errors["clipped"] <= 1


def test_trimming_loses_its_advantage_beyond_a_fifth_of_liars_and_is_worse_beyond_two_fifths() -> None:
    """A liar reports one unit and takes 0.4 on average; no aggregate errs by more than a unit each."""
    errors = {n: program("mitigations").aggregate_errors(1.0, n, steps=60) for n in (10, 19, 30, 49)}
    assert all(errors[n]["trimmed"] < 0.6 * errors[n]["clipped"] for n in (10, 19))
    assert errors[30]["trimmed"] > 0.6 * errors[30]["clipped"]
    assert errors[49]["trimmed"] > errors[49]["clipped"]
    assert all(abs(error) <= n for n, of in errors.items() for error in of.values())


def test_a_trimmed_sum_that_sixty_liars_of_99_move_beyond_a_unit_each() -> None:
    """19 are left out at either end: of the 61 others 41 lie, and stand for all 99 households."""
    from cosim.regulation.heard_reports import Report
    from cosim.regulation.trimmed_sum import TrimmedSum

    platform = program("mitigations").listener(TrimmedSum(trimmed_share=0.2))
    for step in range(40):
        for i in range(99):
            platform.hear_report(i, step, Report((float(i < 60),), 0))
        (measured,) = platform.tick(step).measured
    assert measured == pytest.approx(99 * 41 / 61)
    assert f"the trimmed sum is {measured:.1f}" in (DOCS / "mitigations.md").read_text(encoding="utf-8")


def test_the_additive_policy_of_the_page_on_faults_is_the_scenarios() -> None:
    from cosim.engine.load import load_scenario

    settings = program("faults").answer_settings("additive", "exponential")
    with_settings, built_in = (
        load_scenario("faulty_community", changes).scenario.communities[0].agent for changes in (settings, [])
    )
    assert with_settings == built_in


def test_every_case_of_the_page_on_mitigations_is_a_scenario() -> None:
    from cosim.engine.load import load_scenario

    for cases in program("mitigations").TABLES.values():
        for overrides in cases.values():
            assert load_scenario("lossy_community", list(overrides)).scenario.name == "lossy_community"


def test_of_half_a_run_nothing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = program("completed_run")
    half = Outcome(tmp_path, "interrupted", {"messages_sent": 1}, "signal 15")
    monkeypatch.setattr(module, "run_scenario", lambda *_: half)
    with pytest.raises(SystemExit, match=r"section6, seed 3: interrupted\. signal 15"):
        module.completed_run("section6", ["time.steps=2"], 3, tmp_path / "run")
