"""What would not fit into memory is refused before it is tried, with the estimate; what fits is not."""

from __future__ import annotations

import pytest

from cosim.engine.check import check_configuration
from cosim.engine.load import load_scenario

BUILT_IN = (
    "section6",
    "faulty_community",
    "storage_village",
    "trading_village",
    "lotfi_case",
    "village_combined",
)
STEPS = ["time.steps=100000", "time.step_s=1"]


def errors(name: str, *overrides: str) -> list[str]:
    found = check_configuration(load_scenario(name, overrides))
    return [str(problem) for problem in found if problem.severity == "error"]


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_scenarios_fit(name: str) -> None:
    assert errors(name) == []


@pytest.mark.parametrize(
    "link",
    [
        "latency: {kind: constant, latency_ms: 3.6e12}",
        "latency: {kind: uniform, low_ms: 0, high_ms: 3.6e12}",
        "latency: {kind: normal, mean_ms: 1e9, std_ms: 1}",
        "latency: {kind: lognormal, median_ms: 1e6, sigma: 10}",
        "latency: {kind: exponential, mean_ms: 1e9}",
        "latency: {kind: gamma, mean_ms: 1e9, shape: 2}",
        "latency: {kind: constant, offset_ms: 3.6e12}",
        "delivery: at_least_once, timeout_ms: 1000000, retries: 1000",
        "delivery: exactly_once, timeout_ms: 3600000000000",
        "bandwidth_kbit_per_s: 0.001, message_bytes: 1000000, queue_messages: 1000000",
    ],
)
@pytest.mark.parametrize("place", ["comms.default={%s}", "comms.overrides=[{direction: uplink, %s}]"])
def test_messages_under_way(link: str, place: str) -> None:
    (told,) = errors("section6", *STEPS, place % link)
    assert "messages would be under way at one time" in told
    assert place.split("=")[0] in told
    # In a short run there are not so many.
    assert errors("section6", place % link) == []


def test_replayed_messages_and_signals_sent_again_count() -> None:
    replay = "faults=[{kind: replay, from_h: 0, replay_probability: 1, delay_ms: 3.6e12}]"
    assert "under way" in errors("faulty_community", *STEPS, replay)[0]
    late = "comms.default.latency.latency_ms=7000000"
    few = ["communities.0.platform.mitigations=[{kind: resending, times: 1, interval_ms: 1}]", late, *STEPS]
    many = [
        "communities.0.platform.mitigations=[{kind: resending, times: 500, interval_ms: 1}]",
        late,
        *STEPS,
    ]
    assert errors("faulty_community", *few) == []
    assert "under way" in errors("faulty_community", *many)[0]


@pytest.mark.parametrize("n", [1_500, 10_000, 99_000])
def test_offers_to_everybody(n: int) -> None:
    (told,) = errors("lotfi_case", f"groups.sellers.households={n}")
    assert f"{n:,} sellers would publish {n * n:,} offers" in told
    for rule in ("no_trading", "self_supply"):
        assert errors("lotfi_case", f"groups.sellers.households={n}", f"energy_value.rules.rule={rule}") == []
    assert errors("lotfi_case", "groups.sellers.households=500") == []


@pytest.mark.parametrize(("households", "hours"), [(50_000, 24 * 21), (120, 24 * 10_000), (99_000, 24 * 11)])
def test_days_that_households_plan(households: int, hours: int) -> None:
    rule = "energy_value.rules.rule=self_supply"
    size = [f"groups.sellers.households={households}", f"time.duration_h={hours}", rule]
    assert any("plan" in told and "days in all" in told for told in errors("lotfi_case", *size))
    assert errors("lotfi_case", "groups.sellers.households=100", "time.duration_h=8760", rule) == []


@pytest.mark.parametrize(
    ("kind", "extra", "refused"),
    [
        ("household_crash", "", True),
        ("churn", "", True),
        ("liar", "", True),
        ("household_crash", ", share: 0.001", False),
        ("household_crash", ", count: 1", False),
        ("household_crash", ", duration_h: 1", False),
        ("household_crash", ", enabled: false", False),
        ("partition", "", False),
        ("platform_crash", "", False),
    ],
)
def test_failures_at_random(kind: str, extra: str, refused: bool) -> None:
    often = f"faults=[{{kind: {kind}, rate_per_day: 100, mean_duration_h: 0.1{extra}}}]"
    found = errors("faulty_community", "time.step_s=86400", often)
    assert any("random failures would be drawn" in told for told in found) == refused


def test_the_rate_alone_decides_nothing() -> None:
    """Who fails for long does not fail often, whatever the rate."""
    rare = "faults=[{kind: household_crash, rate_per_day: 86400, mean_duration_h: 100}]"
    assert errors("faulty_community", "time.step_s=86400", rare) == []
