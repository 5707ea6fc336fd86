"""What the words of a run's page mean, as far as the run has to do with them."""

from __future__ import annotations

from cosim.core.shown import duration_text, number_text
from cosim.regulation.resource_words import resource_meaning
from cosim.report.run_data import RunData

_FEEDER = {
    "pu": "per unit: a voltage as a share of the nominal one",
    "loading": (
        "the current, as a share of what the line or transformer is rated for; at a voltage above the "
        "nominal one the same power is less current, so that it is not power over rated power"
    ),
    "power-flow interval": "what voltages and loadings are the means of; a market step can be shorter",
    "outside its limits": "some voltage or loading of the feeder is beyond its own limit in an interval",
}
_COMMUNITY = {
    "community": "households that one platform regulates",
    "resource": "what a community regulates: each household takes a unit of it in a step, or none",
    "target": "how much of a resource the community is to take together in a step (its capacity)",
    "signal": "the number that a platform sends to all its households for each resource",
    "off its target (root mean square)": (
        "the root of the mean of the squared deviations from the target, over all steps: large ones count "
        "more, and those above the target do not make up for those below"
    ),
    "cost/unit": (
        "by how much a household's private cost rises with one unit more; the cost is a number without a "
        "currency"
    ),
    "gradient spread": (
        "how far apart these are between households; 0 where nothing is gained by shifting units from one to "
        "another"
    ),
    "gain over stability limit": (
        "how strongly a platform answers a deviation, as a share of what would set the loop of signals and "
        "reports swinging; from 1 on it swings"
    ),
}
_MESSAGES = {
    "lost": "a message that never arrives: by chance, in an outage of its link, or at a full queue",
    "too late": "a message that arrives after its lifetime has expired, and is not used",
}


def words_of(run: RunData) -> dict[str, str]:
    """Each word with its meaning."""
    found = dict(_FEEDER) if run.scenario.grid is not None else {}
    if run.scenario.communities:
        found |= _COMMUNITY
        step = duration_text(run.scenario.time.step_ms)
        for one in (one for each in run.scenario.communities for one in each.resources):
            if means := resource_meaning(one):
                found.setdefault(one.name, means)
        found["unit"] = f"what one household takes in a step of {step}{_sizes(run)}"
    return found | (_MESSAGES if run.has("messages") else {})


def _sizes(run: RunData) -> str:
    """How much energy a unit is, of the resources of which one is."""
    resources = [one for each in run.scenario.communities for one in each.resources if one.unit_kwh]
    sizes = dict.fromkeys(f"{number_text(one.unit_kwh)} kWh of {one.name}" for one in resources)
    return f": {', '.join(sizes)}" if sizes else ""
