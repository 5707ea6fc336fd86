"""What a community does in sum, integrated exactly over time."""

from __future__ import annotations

from collections.abc import Sequence

from cosim.core.delivery import PARTS


class ActiveSum:
    """Sum over the members of what is being delivered, as a function of time, for each resource.

    All arithmetic is on whole numbers (parts of a unit, milliseconds), so a mean over a step in which nothing
    changes is that sum to the bit.

    Parameters
    ----------
    initial : sequence of int
        Sum of each resource before the first decision.
    """

    def __init__(self, initial: list[int]) -> None:
        self.initial = list(initial)
        self._parts = [units * PARTS for units in initial]
        self._integral = [0] * len(initial)
        self._changed_ms = [0] * len(initial)

    def change(self, now_ms: int, resource: int, delta: float) -> None:
        """Add `delta` units, a whole number of parts, from `now_ms` on."""
        self._integral[resource] += self._parts[resource] * (now_ms - self._changed_ms[resource])
        self._changed_ms[resource] = now_ms
        self._parts[resource] += int(delta * PARTS)

    def change_together(self, now_ms: int, parts: Sequence[int], parts_ms: Sequence[int]) -> None:
        """Add, for each resource, many changes at instants since the last one, up to `now_ms`.

        Parameters
        ----------
        now_ms : int
            The present.
        parts : sequence of int
            Their sum, parts of a unit.
        parts_ms : sequence of int
            The sum of each times what has passed since it, parts of a unit times ms.
        """
        for resource, (more, since) in enumerate(zip(parts, parts_ms, strict=True)):
            self._integral[resource] = self.integral(now_ms, resource) + since
            self._changed_ms[resource] = now_ms
            self._parts[resource] += more

    def change_each(
        self, resource: int, times_ms: Sequence[int], parts: Sequence[int], parts_ms: Sequence[int]
    ) -> list[int]:
        """The same at several instants one after another, of one resource; its integral at each."""
        integral, all_parts, before_ms = (
            self._integral[resource], self._parts[resource], self._changed_ms[resource]
        )  # fmt: skip
        integrals = []
        for now_ms, more, since in zip(times_ms, parts, parts_ms, strict=True):
            integral += all_parts * (now_ms - before_ms) + since
            integrals.append(integral)
            all_parts, before_ms = all_parts + more, now_ms
        self._integral[resource], self._parts[resource], self._changed_ms[resource] = (
            integral, all_parts, before_ms
        )  # fmt: skip
        return integrals

    def integral(self, now_ms: int, resource: int) -> int:
        """Integral from the start to `now_ms`, parts of a unit times ms."""
        return self._integral[resource] + self._parts[resource] * (now_ms - self._changed_ms[resource])


class MeanReader:
    """Reads the time-mean of an `ActiveSum` since it was last read; at the start, the initial sum."""

    def __init__(self, source: ActiveSum) -> None:
        self._source = source
        self._read_ms = 0
        self._integrals = [0] * len(source.initial)

    def read(self, now_ms: int) -> list[float]:
        """Mean of each resource over the time since the last reading, units."""
        elapsed_ms = now_ms - self._read_ms
        if elapsed_ms == 0:
            return [float(value) for value in self._source.initial]
        means = []
        for resource in range(len(self._integrals)):
            integral = self._source.integral(now_ms, resource)
            means.append((integral - self._integrals[resource]) / elapsed_ms / PARTS)
            self._integrals[resource] = integral
        self._read_ms = now_ms
        return means

    def read_each(
        self, times_ms: Sequence[int], parts: Sequence[Sequence[int]], parts_ms: Sequence[Sequence[int]]
    ) -> list[list[float]]:
        """Means up to each of some instants after the last reading, up to which changes are told for each
        resource, as `ActiveSum.change_together` takes them."""
        means = []
        for resource, (more, since) in enumerate(zip(parts, parts_ms, strict=True)):
            before_ms, before, own = self._read_ms, self._integrals[resource], []
            for now_ms, integral in zip(
                times_ms, self._source.change_each(resource, times_ms, more, since), strict=True
            ):
                own.append((integral - before) / (now_ms - before_ms) / PARTS)
                before_ms, before = now_ms, integral
            self._integrals[resource] = before
            means.append(own)
        self._read_ms = times_ms[-1]
        return [list(each) for each in zip(*means, strict=True)]
