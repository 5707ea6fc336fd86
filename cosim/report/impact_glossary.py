"""What the words of an impact study's pages mean, as far as the study has to do with them."""

from __future__ import annotations

from cosim.report.impact_words import NOT_MONOTONE, first_mode, percent
from cosim.study.impact.impact_analysis import ImpactAnalysis
from cosim.study.robustness.estimates import FEWEST_SEEDS


def words_of_study(analysis: ImpactAnalysis) -> dict[str, str]:
    """Each word with its meaning."""
    config = analysis.config
    found = {
        "penetration": "the share of the connection points that have the technology",
        "mode": "one way to control the technology; names and settings are the study's own",
        "seed": (
            "one draw of all that chance decides: who has the technology, its size, when it is used. All "
            "modes share the draws of a seed, so that they can be compared seed by seed"
        ),
        "hosting capacity of a seed": (
            "the largest of the study's penetrations up to which no limit of the feeder is exceeded"
        ),
        "risk": (f"the share of seeds that may host less than the capacity stated: {percent(config.risk)}"),
        "limit exceeded first": (
            "one step of penetration above what a seed hosts, the limit that is exceeded furthest in "
            "relation to its value"
        ),
        "95 % interval": (
            "where the true value lies, as far as this many seeds can tell; not given for fewer than "
            f"{FEWEST_SEEDS} seeds, except of probabilities"
        ),
        "pu": "per unit: a voltage as a share of the nominal one",
        "loading": "the current, as a share of what the line or transformer is rated for",
    }
    if any(analysis.scenario(curve.found[0].chain.points[0]).communities for curve in analysis.curves):
        found["community"] = (
            "households that are regulated together: a platform sends all of them a signal, by which each "
            "decides whether it takes a unit"
        )
        found["unit"] = (
            "what a household takes of a resource in one step of a community, or does not take; of vehicles "
            "that charge, the charger's power"
        )
        found["target"] = (
            "how many units a community is asked for in a step. Its households decide for themselves, so "
            "that it may do more than that in one step and less in another"
        )
    if len(config.modes) > 1:
        found["change of the mean"] = (
            f"mean capacity of a mode less that of {first_mode(analysis)}, seed by seed, in percentage "
            "points: from 40 % to 50 % is +10 points"
        )
    if analysis.is_inferred:
        found["inferred (*)"] = (
            "not every seed was run at this penetration. Where a seed exceeds a limit, it is taken to exceed "
            "one at all higher penetrations, too; where it is within limits, at all lower ones. "
            "The option --full of cosim impact runs every penetration"
        )
    if any(curve.n_not_monotone for curve in analysis.curves):
        found[NOT_MONOTONE] = (
            "seeds that exceed a limit at one penetration and none at a higher one; their capacity is the "
            "largest penetration up to which none is exceeded"
        )
    if any(analysis.messages(curve)[0] for curve in analysis.curves):
        found["too late"] = "a message that arrives after its lifetime has expired, and is not used"
    return found
