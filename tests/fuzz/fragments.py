"""Parts that a scenario may have and the built-in ones mostly lack, so that damage reaches them too."""

from __future__ import annotations

import random
from typing import Any

_LATENCIES: tuple[dict[str, Any], ...] = (
    {"kind": "constant", "latency_ms": 50_000},
    {"kind": "uniform", "low_ms": 0, "high_ms": 2_000_000},
    {"kind": "normal", "mean_ms": 200, "std_ms": 100},
    {"kind": "lognormal", "median_ms": 120, "sigma": 1.0},
    {"kind": "exponential", "mean_ms": 900_000, "offset_ms": 5},
    {"kind": "gamma", "mean_ms": 300, "shape": 2},
)
_LINKS: tuple[dict[str, Any], ...] = (
    {"loss": {"kind": "bernoulli", "loss_probability": 0.3}, "duplication_probability": 0.2},
    {"loss": {"kind": "gilbert_elliott", "probability_good_to_bad": 0.1, "probability_bad_to_good": 0.3}},
    {"delivery": "at_least_once", "timeout_ms": 1000, "retries": 5},
    {"delivery": "exactly_once", "ordering": "in_order", "lifetime_ms": 60_000},
    {"bandwidth_kbit_per_s": 1, "queue_messages": 2, "message_bytes": 200},
    {"outages": [{"start_h": 1, "duration_h": 0.5}]},
)
_FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "household_crash", "from_h": 0.5, "duration_h": 0.5, "share": 0.5, "state": "kept"},
    {"kind": "household_crash", "rate_per_day": 20, "mean_duration_h": 0.1},
    {"kind": "platform_crash", "windows": [{"from_h": 0.5, "duration_h": 0.5}]},
    {"kind": "churn", "from_h": 1, "duration_h": 1, "count": 1},
    {"kind": "clock", "from_h": 0.5, "offset_ms": 1000, "drift_ppm": 50, "jitter_ms": 100},
    {"kind": "partition", "from_h": 0.2, "duration_h": 1},
    {"kind": "loss_burst", "from_h": 0.2, "loss_probability": 0.5},
    {"kind": "duplication", "from_h": 0.2, "duplication_probability": 0.5},
    {"kind": "replay", "from_h": 0.2, "replay_probability": 0.5, "delay_ms": 5000},
    {"kind": "stuck_meter", "from_h": 0.5, "value": 1.0},
    {"kind": "liar", "from_h": 0.5, "reports": "scaled", "factor": 3},
    {"kind": "non_complier", "from_h": 0.5, "takes": "everything"},
)
_PLATFORMS: tuple[dict[str, Any], ...] = (
    {"gain": {"margin": 0.3}, "mitigations": [{"kind": "measured_gain", "time_constant_steps": 5}]},
    {"gain": 0.01, "initial_signal": 3.0, "signal_limits": [0, 15]},
    {"mitigations": [{"kind": "smith", "delay_steps": 1, "slope": 2}]},
    {"mitigations": [{"kind": "trimmed", "trimmed_share": 0.2, "time_constant_steps": 5}]},
    {
        "missing": "scale",
        "report": "at_decision",
        "mitigations": [{"kind": "resending", "times": 2, "interval_ms": 200}],
    },
)
_AGENTS: tuple[dict[str, Any], ...] = (
    {
        "policy": {"kind": "additive", "kappa": 0.2},
        "averages": {"kind": "exponential", "time_constant_steps": 5},
    },
    {"policy": "proportional", "jitter_ms": 500},
    {"policy": "inverse_average", "drift_ppm": {"normal": {"mean": 0, "std": 50}}},
    {"phase": {"kind": "given", "phase_ms": {"uniform": [0, 800]}}, "initial_average": 0.5},
)
_CAPACITIES: tuple[Any, ...] = (
    1,
    {"kind": "hourly", "by_hour": [1] * 24},
    {"kind": "stepped", "steps": [{"from_h": 0, "value": 1}, {"from_h": 1, "value": 2}]},
)
_GROUPS: tuple[dict[str, Any], ...] = (
    {"battery": {"capacity_kwh": 8, "charge_from": "surplus_and_grid", "soc_initial": 0.2}},
    {"battery": {"capacity_kwh": 5, "charge_from": "surplus_and_grid", "scheduled_by": "energy_value"}},
    {"load": {"kind": "constant", "p_kw": {"uniform": [0.1, 3]}}, "pv": {"kind": "simbench", "kwp": 5}},
    {"membership": {"joins_h": 0.5, "leaves_h": 2}},
    {"load": {"kind": "simbench", "profile": "H0-A", "peak_kw": 3}},
)
_TRADING: tuple[dict[str, Any], ...] = (
    {"bidding": {"kind": "roth_erev", "choices": 5, "recency": 0.2}},
    {"bidding": {"kind": "fixed", "kappa": 0.5}, "solver": "greedy"},
    {
        "load_forecast": {"kind": "error", "bias": 0.1, "std": 0.3},
        "pv_forecast": {"kind": "persistence", "days": 1},
    },
    {"appliances": {"kind": "table_1"}, "values": {"rigidity": 2, "rigidity_max": 5, "gamma_b": 0.5}},
    {
        "appliances": {
            "kind": "list",
            "appliances": [{"name": "oven", "power_kw": 2, "duration_h": 2, "runs_per_day": 2}],
        }
    },
)
_RULES: tuple[dict[str, Any], ...] = (
    {"interval_min": 15},
    {"interval_min": 30, "rounds": {"every_h": 1}},
    {"windows": {"turns": 2}},
    {"clearing": "pay_as_bid"},
    {"offers_to": "broker"},
)
_GRIDS: tuple[dict[str, Any], ...] = (
    {"feedback": True, "interval_min": 15},
    {"placement": {"kind": "spread"}, "background": "none"},
    {"limits": {"vm_min_pu": 0.95, "line_loading_max_percent": 50}, "verify_power_flow": 1},
    {"placement": {"kind": "list", "buses": [2, 3, 4, 5, 6, 7, 8, 9]}, "background_scaling": 2},
)


def add_part(tree: dict[str, Any], rng: random.Random) -> None:
    """Put one of the parts into a scenario, where it has a place for it."""
    link = tree.setdefault("comms", {}).setdefault("default", {})
    market, grid = tree.get("energy_value"), tree.get("grid")
    community = rng.choice(tree["communities"]) if tree.get("communities") else None
    match rng.randrange(9):
        case 0:
            link["latency"] = dict(rng.choice(_LATENCIES))
        case 1:
            link.update(rng.choice(_LINKS))
        case 2:
            tree.setdefault("faults", []).append(dict(rng.choice(_FAULTS)))
        case 3 if community:
            community.setdefault("platform", {}).update(rng.choice(_PLATFORMS))
        case 4 if community:
            community.setdefault("agent", {}).update(rng.choice(_AGENTS))
        case 5 if community:
            rng.choice(community["resources"])["capacity"] = rng.choice(_CAPACITIES)
        case 6 if market:
            part, of = rng.choice((("household", _TRADING), ("rules", _RULES)))
            market.setdefault(part, {}).update(rng.choice(of))
        case 7 if grid:
            grid.update(rng.choice(_GRIDS))
        case _:
            rng.choice(tree["groups"]).update(rng.choice(_GROUPS))
