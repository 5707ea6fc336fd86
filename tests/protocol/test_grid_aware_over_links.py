"""A platform that watches its feeder over a network: evening_export until the end of its first evening.

    feeder --meter link--> platform (lowers the capacity of `sale` after a reading with an overload)
                               |
                               v signals
                             homes --> feeder

Readings that are all lost leave the capacity as it is, to the bit; readings that arrive shorten the overload.
"""

from __future__ import annotations

import pytest

from cosim.engine.load import load_scenario
from cosim.engine.run import summarise

NO_RULE = ["communities.village.platform.grid_aware=[]"]
ALL_LOST = [
    'comms.overrides=[{"direction": "meter", "loss": {"kind": "bernoulli", "loss_probability": 1}}]',
]
EVENING = ["time.duration_h=22", "record.decisions=false"]


@pytest.fixture(scope="module")
def without() -> dict[str, float | None]:
    return dict(summarise(load_scenario("evening_export", [*EVENING, *NO_RULE])))


def test_readings_that_arrive_shorten_the_overload(without: dict[str, float | None]) -> None:
    watched = summarise(load_scenario("evening_export", EVENING))
    assert without["intervals_outside_limits"] == 10
    assert watched["intervals_outside_limits"] == 4
    # It is there before anybody has read it.
    assert watched["trafo_loading_max_percent"] == without["trafo_loading_max_percent"]


def test_readings_that_are_lost_change_nothing(without: dict[str, float | None]) -> None:
    blind = summarise(load_scenario("evening_export", [*EVENING, *ALL_LOST]))
    of_messages = {key for key in without if key.startswith("messages_")}
    assert {k: v for k, v in blind.items() if k not in of_messages} == {
        k: v for k, v in without.items() if k not in of_messages
    }
