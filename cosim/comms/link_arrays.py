"""The links of one direction of many households as arrays: what becomes of one transmission of each.

It says what `Link.transmit` says, from the same random numbers and to the same millisecond. Left out is what
makes a link more than arithmetic on its own state: a bandwidth with its queue, acknowledgements, and faults.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.comms.bulk_draws import RowBlocks, uniform_rows
from cosim.comms.latency import Floats, Latency, LatencyModel
from cosim.comms.link import merged_windows_ms
from cosim.comms.loss import GilbertElliottLoss
from cosim.comms.schema import Direction, LinkConfig
from cosim.core.streams import Streams

Times = NDArray[np.int64]
Which = slice | NDArray[np.int64]
"""Some of the links, by position; a slice for all of them."""

NEVER_MS = 1 << 60
"""An arrival from here on does not come: the message is lost."""


def obstacles(config: LinkConfig) -> list[str]:
    """Why links of this configuration cannot be arrays, in words; empty where they can."""
    found = []
    if config.bandwidth_kbit_per_s is not None:
        found.append("links with a bandwidth have a queue")
    if config.delivery != "at_most_once":
        found.append(f"delivery is {config.delivery}")
    if not (config.loss.is_independent() or type(config.loss) is GilbertElliottLoss):
        found.append(f"losses of kind '{config.loss.kind}' are decided one by one")
    return found


class Flight(NamedTuple):
    """One transmission of each of some links."""

    arrival_ms: Times
    """When it arrives; from `NEVER_MS` on where it is lost. Shape (n,)."""
    copy_ms: Times | None = None
    """Likewise the copy that the link made, where it made one. Shape (n,), or None."""
    is_cut: NDArray[np.bool_] | None = None
    """Whether it was lost because the link was down. Shape (n,), or None."""


class LinkArrays:
    """All links of a direction of some households; each transmission is of one number on all of them.

    Parameters
    ----------
    direction : {"downlink", "uplink"}
        Direction.
    configs : sequence of LinkConfig
        Of each link; those alike may share one object.
    latency_of : callable
        The distribution of a latency's configuration.
    streams : Streams
        The run's random numbers.
    households : ndarray of int64, shape (n,)
        Their numbers, ascending: the links' columns in the fields.

    Attributes
    ----------
    lifetime_ms : ndarray of int64, shape (n,), or None
        Age from which on a message expires on arrival; `NEVER_MS` for none, None where no link has one.
    """

    def __init__(
        self,
        direction: Direction,
        configs: Sequence[LinkConfig],
        latency_of: Callable[[LatencyModel], Latency],
        streams: Streams,
        households: NDArray[np.int64],
    ) -> None:
        self._direction = direction
        self._streams = streams
        self._households = households
        self._n = n = len(configs)
        self._parts = _alike(configs)
        self._latencies = _by_latency(self._parts, latency_of)
        loss = self._each(lambda config: config.loss.rate() if config.loss.is_independent() else 0.0)
        self._fates = RowBlocks(self._fate_rows(loss), n)
        self._chains = self._burst_chains()
        duplication = self._each(lambda config: config.duplication_probability)
        self._duplication = duplication if duplication.any() else None
        if self._duplication is not None:
            self._doubles = RowBlocks(self._uniforms("duplication"), n)
            self._second_latencies = RowBlocks(self._latency_rows("duplicate_latency"), n)
        in_order = self._each(lambda config: float(config.ordering == "in_order")) > 0
        self._in_order = in_order if in_order.any() else None
        self._last_arrival_ms = np.zeros(n if in_order.any() else 0, np.int64)
        self._outages = [
            (places, *map(np.array, merged_windows_ms(config.outages)))
            for config, places in self._parts
            if config.outages
        ]
        self.lifetime_ms = self._lifetimes()
        self._is_plain = not (
            self._chains or self._outages or self._duplication is not None or self._in_order is not None
        )

    def transmit(self, turn: int, which: Which, now_ms: int | Times) -> Flight:
        """Transmission number `turn` of some links, sent at one instant or each at its own.

        A link's transmissions must come in their order.
        """
        arrival_ms = self._fates.row(turn)[which] + now_ms
        if self._is_plain:
            return Flight(arrival_ms)
        if self._chains is not None:
            arrival_ms[self._chains.step(turn, which)] = NEVER_MS
        is_cut = self._cut(which, now_ms, arrival_ms)
        copy_ms = self._copy(turn, which, now_ms, arrival_ms)
        if self._in_order is not None:
            for each in (arrival_ms, copy_ms):
                if each is not None:
                    self._put_in_order(which, each)
        return Flight(arrival_ms, copy_ms, is_cut)

    @property
    def is_plain(self) -> bool:
        """Whether what becomes of a message depends on its own number alone, not on others, time or age."""
        return self._is_plain and self.lifetime_ms is None

    def latencies_ms(self, first_turn: int, n_turns: int) -> Times:
        """Of some transmissions in a row of all links, where these are plain; from `NEVER_MS` on for none.

        An array of the caller's own, of shape (n_turns, n).
        """
        return self._fates.rows(first_turn, n_turns)

    def heard_ms(self, flight: Flight, which: Which, first_sent_ms: int | Times) -> Times:
        """When each message is first handed over to its receiver."""
        arrival_ms, copy_ms, _ = flight
        if self.lifetime_ms is not None:
            last_ms = first_sent_ms + self.lifetime_ms[which]
            arrival_ms = np.where(arrival_ms > last_ms, NEVER_MS, arrival_ms)
            copy_ms = None if copy_ms is None else np.where(copy_ms > last_ms, NEVER_MS, copy_ms)
        return arrival_ms if copy_ms is None else np.minimum(arrival_ms, copy_ms)

    def _each(self, read: Callable[[LinkConfig], float]) -> Floats:
        values = np.zeros(self._n)
        for config, places in self._parts:
            values[places] = read(config)
        return values

    def _uniforms(self, purpose: str) -> Callable[[int, int], Floats]:
        return uniform_rows(self._streams.field(f"{self._direction}.{purpose}"), self._households)

    def _latency_rows(self, purpose: str) -> Callable[[int, int], Times]:
        constant = np.zeros(self._n, np.int64)
        drawn = []
        for latency, places in self._latencies:
            if latency.is_constant:
                constant[places] = latency.sample_ms(np.zeros(1))[0]
            else:
                drawn.append((latency, places))
        if not drawn:
            return lambda first, n_rows: np.tile(constant, (n_rows, 1))
        uniforms = self._uniforms(purpose)

        def make(first: int, n_rows: int) -> Times:
            numbers = uniforms(first, n_rows)
            if len(self._latencies) == 1:
                return drawn[0][0].sample_ms(numbers)
            rows = np.tile(constant, (n_rows, 1))
            for latency, places in drawn:
                rows[:, places] = latency.sample_ms(numbers[:, places])
            return rows

        return make

    def _fate_rows(self, loss_probability: Floats) -> Callable[[int, int], Times]:
        """Latencies, and `NEVER_MS` for what is lost independently of all else."""
        latencies = self._latency_rows("latency")
        if not loss_probability.any():
            return latencies
        losses = self._uniforms("loss")

        def make(first: int, n_rows: int) -> Times:
            rows = latencies(first, n_rows)
            np.copyto(rows, NEVER_MS, where=losses(first, n_rows) < loss_probability)
            return rows

        return make

    def _burst_chains(self) -> _Chains | None:
        bursts = [
            (config.loss, places)
            for config, places in self._parts
            if isinstance(config.loss, GilbertElliottLoss)
        ]
        if not bursts:
            return None
        first = uniform_rows(self._streams.field(f"{self._direction}.loss_initial_state"), self._households)(
            0, 1
        )[0]
        return _Chains(bursts, first, self._uniforms("loss"), self._uniforms("loss_state"))

    def _lifetimes(self) -> Times | None:
        result = np.full(self._n, NEVER_MS, np.int64)
        for config, places in self._parts:
            if config.lifetime_ms is not None:
                result[places] = config.lifetime_ms
        return result if (result < NEVER_MS).any() else None

    def _cut(self, which: Which, now_ms: int | Times, arrival_ms: Times) -> NDArray[np.bool_] | None:
        """Lose what is sent while a link is down."""
        if not self._outages:
            return None
        is_cut = np.zeros(self._n, dtype=bool)
        at_ms = np.zeros(self._n, np.int64)
        at_ms[which] = now_ms
        for places, starts_ms, ends_ms in self._outages:
            window = np.searchsorted(starts_ms, at_ms[places], side="right") - 1
            is_cut[places] = (window >= 0) & (at_ms[places] < ends_ms[window])
        cut: NDArray[np.bool_] = is_cut[which]
        arrival_ms[cut] = NEVER_MS
        return cut

    def _copy(self, turn: int, which: Which, now_ms: int | Times, arrival_ms: Times) -> Times | None:
        if self._duplication is None:
            return None
        is_doubled = (self._doubles.row(turn) < self._duplication)[which] & (arrival_ms < NEVER_MS)
        return np.where(is_doubled, self._second_latencies.row(turn)[which] + now_ms, NEVER_MS)

    def _put_in_order(self, which: Which, arrival_ms: Times) -> None:
        assert self._in_order is not None  # only links that keep the order get here
        last_ms = self._last_arrival_ms[which]
        waits = self._in_order[which] & (arrival_ms < NEVER_MS)
        np.maximum(arrival_ms, last_ms, out=arrival_ms, where=waits)
        self._last_arrival_ms[which] = np.where(waits, arrival_ms, last_ms)


class _Chains:
    """The Gilbert-Elliott chains of those links that have one."""

    def __init__(
        self,
        bursts: Sequence[tuple[GilbertElliottLoss, NDArray[np.int64]]],
        first: Floats,
        losses: Callable[[int, int], Floats],
        changes: Callable[[int, int], Floats],
    ) -> None:
        n = len(first)
        self._has_chain = np.zeros(n, dtype=bool)
        self._is_bad = np.zeros(n, dtype=bool)
        self._to_bad, self._to_good, self._loss_good, self._loss_bad = np.zeros((4, n))
        for loss, places in bursts:
            self._has_chain[places] = True
            self._is_bad[places] = first[places] < loss.bad_share()
            self._to_bad[places] = loss.probability_good_to_bad
            self._to_good[places] = loss.probability_bad_to_good
            self._loss_good[places] = loss.loss_probability_good
            self._loss_bad[places] = loss.loss_probability_bad
        self._losses = RowBlocks(losses, n)
        self._changes = RowBlocks(changes, n)

    def step(self, turn: int, which: Which) -> NDArray[np.bool_]:
        """One transmission of some links: whether it is lost; each chain moves on."""
        is_bad = self._is_bad[which]
        loss, change = self._losses.row(turn)[which], self._changes.row(turn)[which]
        is_lost = loss < np.where(is_bad, self._loss_bad[which], self._loss_good[which])
        self._is_bad[which] = np.where(is_bad, change >= self._to_good[which], change < self._to_bad[which])
        lost: NDArray[np.bool_] = is_lost & self._has_chain[which]
        return lost


def _alike(configs: Sequence[LinkConfig]) -> list[tuple[LinkConfig, NDArray[np.int64]]]:
    """Each configuration with the positions of the links that have it."""
    ids = np.fromiter(map(id, configs), np.int64, len(configs))
    order = np.argsort(ids, kind="stable")
    alike = np.split(order, np.flatnonzero(np.diff(ids[order])) + 1)
    return [(configs[places[0]], places) for places in sorted(alike, key=lambda places: int(places[0]))]


def _by_latency(
    parts: Sequence[tuple[LinkConfig, NDArray[np.int64]]], latency_of: Callable[[LatencyModel], Latency]
) -> list[tuple[Latency, NDArray[np.int64]]]:
    found: dict[int, tuple[Latency, list[NDArray[np.int64]]]] = {}
    for config, places in parts:
        latency = latency_of(config.latency)
        found.setdefault(id(latency), (latency, []))[1].append(places)
    return [(latency, np.sort(np.concatenate(places))) for latency, places in found.values()]
