"""Improving a schedule by one appliance at a time, given the others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cosim.trading.scheduling.choices import Choices

MAX_SWEEPS = 8


class Improver:
    """Moves appliances one by one to where they are worth most, until none moves.

    Parameters
    ----------
    choices : Choices
        What is to be decided.
    penalty : float
        What a kWh past the limit costs, EUR, so that a start that exceeds it finds its way back.
    """

    def __init__(self, choices: Choices, penalty: float) -> None:
        self.choices = choices
        self._hours = np.arange(choices.n_hours)
        self._cost = choices.cost if choices.excess_only else choices.cost + penalty * choices.excess_kwh

    def improve(self, chosen: NDArray[np.int64]) -> tuple[float, NDArray[np.int64], NDArray[np.bool_]]:
        """Improve from given ways of the listed appliances.

        Parameters
        ----------
        chosen : ndarray of int, shape (n_listed,)
            The ways to begin with.

        Returns
        -------
        value : float
            Worth less cost, EUR; ``-inf`` if the limit is still exceeded and that is not allowed.
        chosen : ndarray of int, shape (n_listed,)
            The ways found.
        flexible_on : ndarray of bool, shape (n_flexible, n_hours)
            The hours of the flexible appliances.
        """
        choices, hours = self.choices, self._hours
        chosen = chosen.copy()
        flexible_on = np.zeros(choices.flexible_worth.shape, dtype=np.bool_)
        level = self._levels(chosen)
        combination = np.zeros(choices.n_hours, dtype=np.int64)
        value = -np.inf
        for _ in range(MAX_SWEEPS):
            for number in range(len(flexible_on)):
                self._move_flexible(number, level, combination, flexible_on)
            cost = self._cost[combination, :, hours]
            for number in range(len(chosen)):
                level = self._move_listed(number, chosen, level, cost)
            reached = self._value(chosen, flexible_on, level, combination)
            if reached <= value + 1e-12 * (1.0 + abs(value)):
                break
            value = reached
        if self._exceeds(level, combination):
            return -np.inf, chosen, flexible_on
        return value, chosen, flexible_on

    def value_of(self, chosen: NDArray[np.int64], flexible_on: NDArray[np.bool_]) -> float:
        """Worth less cost of a schedule, EUR; ``-inf`` if it exceeds a limit and that is not allowed."""
        level, combination = self._levels(chosen), self._combination(flexible_on)
        if self._exceeds(level, combination):
            return -np.inf
        return self._value(chosen, flexible_on, level, combination)

    def _value(
        self,
        chosen: NDArray[np.int64],
        flexible_on: NDArray[np.bool_],
        level: NDArray[np.int64],
        combination: NDArray[np.int64],
    ) -> float:
        choices = self.choices
        worth = sum(float(w[way]) for w, way in zip(choices.worth, chosen, strict=True))
        worth += float(choices.flexible_worth[flexible_on].sum())
        return worth - float(self._cost[combination, level, self._hours].sum())

    def _exceeds(self, level: NDArray[np.int64], combination: NDArray[np.int64]) -> bool:
        choices = self.choices
        excess = choices.excess_kwh[combination, level, self._hours]
        return not choices.excess_only and bool(np.any(excess > 0))

    def improve_pairs(
        self, chosen: NDArray[np.int64], flexible_on: NDArray[np.bool_]
    ) -> tuple[float, NDArray[np.int64], NDArray[np.bool_]]:
        """Improve by moving two listed appliances at a time, then each alone, until neither helps.

        Parameters
        ----------
        chosen : ndarray of int, shape (n_listed,)
            The ways to begin with.
        flexible_on : ndarray of bool, shape (n_flexible, n_hours)
            The hours of the flexible appliances to begin with.

        Returns
        -------
        value, chosen, flexible_on
            As from `improve`.
        """
        chosen = chosen.copy()
        value = -np.inf
        for _ in range(MAX_SWEEPS):
            combination = self._combination(flexible_on)
            cost = self._cost[combination, :, self._hours]
            level = self._levels(chosen)
            for first in range(len(chosen)):
                for second in range(first + 1, len(chosen)):
                    level = self._move_pair(first, second, chosen, level, cost)
            reached, chosen, flexible_on = self.improve(chosen)
            if reached <= value + 1e-12 * (1.0 + abs(value)):
                break
            value = reached
        return value, chosen, flexible_on

    def _move_pair(
        self,
        first: int,
        second: int,
        chosen: NDArray[np.int64],
        level: NDArray[np.int64],
        cost: NDArray[np.float64],
    ) -> NDArray[np.int64]:
        choices, hours = self.choices, self._hours
        for number in (second, first):
            running = choices.ways[number][chosen[number]] > 0
            level = np.where(running, choices.levels.minus[number][level], level)
        plus_first, plus_second = choices.levels.plus[first], choices.levels.plus[second]
        none = cost[hours, level]
        only_first = cost[hours, plus_first[level]] - none
        only_second = cost[hours, plus_second[level]] - none
        # What both in one hour cost beyond what each costs alone.
        together = cost[hours, plus_second[plus_first[level]]] - none - only_first - only_second
        rows, columns = choices.ways[first], choices.ways[second]
        net = (choices.worth[first] - rows @ only_first)[:, None] - (rows * together) @ columns.T
        net += choices.worth[second] - columns @ only_second
        chosen[first], chosen[second] = divmod(int(net.argmax()), len(columns))
        for number in (first, second):
            running = choices.ways[number][chosen[number]] > 0
            level = np.where(running, choices.levels.plus[number][level], level)
        return level

    def _combination(self, flexible_on: NDArray[np.bool_]) -> NDArray[np.int64]:
        combination = np.zeros(self.choices.n_hours, dtype=np.int64)
        for number, row in enumerate(flexible_on):
            combination |= row.astype(np.int64) << number
        return combination

    def settle_early(
        self, chosen: NDArray[np.int64], flexible_on: NDArray[np.bool_], order: list[int], tolerance: float
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Of equal schedules, one in which no appliance alone could run earlier.

        Parameters
        ----------
        chosen : ndarray of int, shape (n_listed,)
            The ways of a schedule that cannot be improved.
        flexible_on : ndarray of bool, shape (n_flexible, n_hours)
            Its hours of the flexible appliances.
        order : list of int
            In which order they move: listed appliances by number, flexible ones numbered on from there.
        tolerance : float
            A move may lose so much, EUR.
        """
        chosen, flexible_on = chosen.copy(), flexible_on.copy()
        level = self._levels(chosen)
        combination = self._combination(flexible_on)
        for _ in range(MAX_SWEEPS):
            before = chosen.copy(), flexible_on.copy()
            for number in order:
                if number < len(chosen):
                    cost = self._cost[combination, :, self._hours]
                    level = self._move_listed(number, chosen, level, cost, tolerance)
                else:
                    self._move_flexible(number - len(chosen), level, combination, flexible_on, tolerance)
            if np.array_equal(before[0], chosen) and np.array_equal(before[1], flexible_on):
                break
        return chosen, flexible_on

    def _levels(self, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        level = np.zeros(self.choices.n_hours, dtype=np.int64)
        for plus, rows, way in zip(self.choices.levels.plus, self.choices.ways, chosen, strict=True):
            level = np.where(rows[way] > 0, plus[level], level)
        return level

    def _move_flexible(
        self,
        number: int,
        level: NDArray[np.int64],
        combination: NDArray[np.int64],
        flexible_on: NDArray[np.bool_],
        tolerance: float = 0.0,
    ) -> None:
        bit = 1 << number
        without = combination & ~bit
        gain = self.choices.flexible_worth[number] - (
            self._cost[without | bit, level, self._hours] - self._cost[without, level, self._hours]
        )
        n_taken = self.choices.flexible_hours[number]
        order = np.argsort(-gain, kind="stable")
        if tolerance > 0:
            # Hours as good as the last one taken are equal; the earliest of them are filled first.
            last = gain[order[n_taken - 1]]
            level_of_gain = np.where(np.abs(gain - last) <= tolerance, last, gain)
            order = np.argsort(-level_of_gain, kind="stable")
        taken = order[:n_taken]
        flexible_on[number] = False
        flexible_on[number, taken] = True
        combination[:] = np.where(flexible_on[number], without | bit, without)

    def _move_listed(
        self,
        number: int,
        chosen: NDArray[np.int64],
        level: NDArray[np.int64],
        cost: NDArray[np.float64],
        tolerance: float = 0.0,
    ) -> NDArray[np.int64]:
        choices, hours = self.choices, self._hours
        rows, plus, minus = choices.ways[number], choices.levels.plus[number], choices.levels.minus[number]
        without = np.where(rows[chosen[number]] > 0, minus[level], level)
        with_it = plus[without]
        net = choices.worth[number] - rows @ (cost[hours, with_it] - cost[hours, without])
        # The ways are listed the earliest first.
        way = int(net.argmax()) if tolerance <= 0 else int((net >= net.max() - tolerance).argmax())
        chosen[number] = way
        return np.where(rows[way] > 0, with_it, without)
