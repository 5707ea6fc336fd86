"""What communities were asked for and did in the intervals in which limits of the feeder are used most."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from cosim.core.context import TimeAxis
from cosim.core.numbers import Number, Summary, declared
from cosim.grid.moments import limits_and_moments
from cosim.grid.verdict import MOMENTS

Array = NDArray[np.float64]

_OF_STEPS = (
    "mean over the steps that lie in that interval, at least in part; null where the run ended within one"
)
NUMBERS = declared(
    MOMENTS,
    "table `regulation`",
    *(
        number
        for key, moment in limits_and_moments()
        for number in (
            Number(f"{{community}}_{{resource}}_{key}_target_units", f"target {moment}", "units",
                f"capacity, {_OF_STEPS}"),
            Number(f"{{community}}_{{resource}}_{key}_done_units", f"done {moment}", "units",
                f"what the community did, {_OF_STEPS}"),
        )
    ),
)  # fmt: skip


class DeedsAtLimits:
    """Keeps what was asked for and done in steps around the intervals that matter, and in the newest ones.

    Parameters
    ----------
    time : TimeAxis
        Of the run.
    """

    def __init__(self, time: TimeAxis) -> None:
        self._time = time
        self._steps: dict[str, dict[int, tuple[float, float]]] = {}

    def take(self, community: str, resource: str, block: Mapping[str, Array]) -> None:
        """Take what ticks show of a resource; see `TickRecorder`."""
        steps = self._steps.setdefault(f"{community}_{resource}", {})
        ends_ms = (self._time.step_ms * block["step"]).tolist()
        pairs = zip(block["target"].tolist(), block["aggregate"].tolist(), strict=True)
        steps.update(zip(ends_ms, pairs, strict=True))

    def keep(self, worst_ms: Collection[int], now_ms: int) -> None:
        """Forget the steps that lie in none of these intervals, nor in one that is not over yet."""
        for name, steps in self._steps.items():
            self._steps[name] = {
                end_ms: step
                for end_ms, step in steps.items()
                if end_ms > now_ms - self._time.interval_ms
                or any(self._overlap(end_ms, each) for each in worst_ms)
            }

    def result(self, worst_ms: Mapping[str, int]) -> Summary:
        """Target and deed when each kind of limit is used most, by the kind and start of that interval."""
        found: Summary = {}
        for name, steps in self._steps.items():
            for key, at_ms in worst_ms.items():
                own = [step for end_ms, step in sorted(steps.items()) if self._overlap(end_ms, at_ms)]
                is_whole = max(steps, default=0) >= at_ms + self._time.interval_ms
                means = (
                    [sum(each) / len(own) for each in zip(*own, strict=True)] if is_whole else [None, None]
                )
                found[f"{name}_{key}_use_max_target_units"], found[f"{name}_{key}_use_max_done_units"] = means
        return found

    def _overlap(self, end_ms: int, at_ms: int) -> bool:
        """Whether the step that ends at a tick lies, at least in part, in the interval that starts then."""
        return at_ms < end_ms < at_ms + self._time.interval_ms + self._time.step_ms
