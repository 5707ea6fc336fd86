"""Which links there are, what each is called, and which random numbers it draws."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cosim.comms.bulk_links import BulkLinks
from cosim.comms.draws import Draws
from cosim.comms.latency import Latency, LatencyModel, TraceReader, checked
from cosim.comms.link import Link
from cosim.comms.link_arrays import LinkArrays, obstacles
from cosim.comms.loss import LossModel
from cosim.comms.schema import OF_NO_HOUSEHOLD, CommsConfig, Direction, LinkConfig, resolve
from cosim.comms.single_draws import SingleDraws
from cosim.core.errors import InputError, Problem
from cosim.core.message import FIRM, METER, PLATFORM, Address, community_at
from cosim.core.registry import class_name
from cosim.core.streams import Streams

HOUSEHOLD_DIRECTIONS: tuple[Direction, ...] = ("downlink", "uplink")
"""Those that join the platform and the households."""

CACHED_NUMBERS = 200_000
"""Random numbers held at most per purpose, over all senders of one direction (about 8 MB)."""

_MOST_IN_ROWS = 500
"""Households whose messages to each other draw whole rows: of more, each number by itself."""
_FEWEST_ROWS = 4
_MOST_ROWS = 1024


class Topology:
    """Makes links.

    Parameters
    ----------
    config : CommsConfig
        Links and overrides.
    addresses : sequence of Address
        The households, in the order of their numbers.
    streams : Streams
        The run's random numbers.
    read_trace : callable
        Called as ``read_trace(config)`` with a trace's; gives measured latencies (ms).
    """

    def __init__(
        self,
        config: CommsConfig,
        addresses: Sequence[Address],
        streams: Streams,
        read_trace: TraceReader,
    ) -> None:
        self._config = config
        self._addresses = list(addresses)
        self._streams = streams
        self._read_trace = read_trace
        self._latencies: dict[LatencyModel, Latency] = {}
        self._draws: dict[str, Draws] = {}
        self._of_peers: dict[int, SingleDraws] = {}
        self._configs: dict[tuple[Direction, str | None, str | None], LinkConfig] = {}
        self._named = {override.household for override in config.overrides}
        self._of_households: dict[Direction, list[LinkConfig]] = {}
        # Opened in advance, so that a bad trace is found before the run starts.
        for direction in HOUSEHOLD_DIRECTIONS:
            for link in _distinct(self._household_configs(direction)):
                self._latency(link.latency)
                _independent_loss(link.loss)
        for direction in OF_NO_HOUSEHOLD:
            self._latency(self._link_config(direction, METER).latency)

    def link(self, direction: Direction, sender: int, recipient: int) -> Link:
        """The link of this direction between these addresses, new.

        Raises
        ------
        ValueError
            If this direction does not join these addresses.
        """
        n_households = len(self._addresses)
        sender_name, recipient_name = self._household_name(sender), self._household_name(recipient)
        match direction:
            case "downlink" if sender == PLATFORM and recipient_name is not None:
                return self._household_link("downlink", recipient, (sender, recipient))
            case "uplink" if recipient == PLATFORM and sender_name is not None:
                return self._household_link("uplink", sender, (sender, recipient))
            case "meter" if {sender, recipient} == {METER, PLATFORM}:
                return self._meter_link(sender, recipient)
            case "platform" if _party(sender) and _party(recipient) and sender != recipient:
                return self._platform_link(sender, recipient)
            case "peer" if sender_name is not None and recipient_name is not None and sender != recipient:
                return self._peer_link(sender, recipient)
        raise ValueError(
            f"no {direction} link leads from address {sender} to {recipient}: households are 0 to "
            f"{n_households - 1}, the platform is {PLATFORM}, the meter is {METER}"
        )

    def bulk_links(self, direction: Direction, kind: str, households: Sequence[int]) -> BulkLinks:
        """The links of this direction of some households, as arrays that carry one kind of message."""
        of_all = self._household_configs(direction)
        configs = [of_all[household] for household in households]
        numbers = np.array(households, np.int64)
        links = LinkArrays(direction, configs, self._latency, self._streams, numbers)
        names = [f"{direction}/{self._addresses[household].name}" for household in households]
        return BulkLinks(direction, kind, links, names)

    def obstacles(self, households: Sequence[int]) -> list[str]:
        """Why the links of some households cannot be arrays, each reason once; empty where they can."""
        found: list[str] = []
        for direction in HOUSEHOLD_DIRECTIONS:
            of_all = self._household_configs(direction)
            for config in _distinct([of_all[household] for household in households]):
                found += obstacles(config)
        return list(dict.fromkeys(found))

    def reverse(self, link: Link) -> tuple[Direction, int, int]:
        """Direction and ends of the link that carries the acknowledgements for `link`."""
        back: dict[Direction, Direction] = {"downlink": "uplink", "uplink": "downlink"}
        return back.get(link.direction, link.direction), link.recipient, link.sender

    def _household_name(self, number: int) -> str | None:
        return self._addresses[number].name if 0 <= number < len(self._addresses) else None

    def _link_config(self, direction: Direction, household: int) -> LinkConfig:
        address = None if direction in OF_NO_HOUSEHOLD else self._addresses[household]
        group = None if address is None else address.group
        # Households that no override names have the links of their group.
        name = address.name if address is not None and address.name in self._named else None
        return self._resolved(direction, group, name)

    def _resolved(self, direction: Direction, group: str | None, name: str | None) -> LinkConfig:
        config = self._configs.get((direction, group, name))
        if config is None:
            config = self._configs[direction, group, name] = resolve(self._config, direction, group, name)
        return config

    def _household_configs(self, direction: Direction) -> list[LinkConfig]:
        """The link of each household, in the order of their numbers."""
        configs = self._of_households.get(direction)
        if configs is None:
            groups = dict.fromkeys(address.group for address in self._addresses)
            of_group = {group: self._resolved(direction, group, None) for group in groups}
            configs = self._of_households[direction] = [
                self._resolved(direction, address.group, address.name)
                if address.name in self._named
                else of_group[address.group]
                for address in self._addresses
            ]
        return configs

    def _latency(self, config: LatencyModel) -> Latency:
        latency = self._latencies.get(config)
        if latency is None:
            latency = self._latencies[config] = checked(config, config.distribution(self._read_trace))
        return latency

    def _household_link(self, direction: Direction, household: int, ends: tuple[int, int]) -> Link:
        config = self._link_config(direction, household)
        name = f"{direction}/{self._addresses[household].name}"
        draws = self._household_draws(direction)
        return Link(name, direction, ends, config, config.outages, draws, household)

    def _meter_link(self, sender: int, recipient: int) -> Link:
        config = self._link_config("meter", METER)
        draws = self._shared_draws("meter", config, 2, 1)
        name, column = ("meter", 0) if sender == METER else ("meter/reverse", 1)
        return Link(name, "meter", (sender, recipient), config, config.outages, draws, column)

    def _platform_link(self, sender: int, recipient: int) -> Link:
        config = self._link_config("platform", METER)
        name = f"platform/{_party(sender)}/{_party(recipient)}"
        draws = self._shared_draws(name.replace("/", "."), config, 1, 1)
        return Link(name, "platform", (sender, recipient), config, config.outages, draws, 0)

    def _peer_link(self, sender: int, recipient: int) -> Link:
        config = self._link_config("peer", sender)
        # A household that is cut off can neither send nor be reached.
        outages = (*config.outages, *self._link_config("peer", recipient).outages)
        draws = self._peer_draws(sender, config)
        name = f"peer/{self._addresses[sender].name}/{self._addresses[recipient].name}"
        return Link(name, "peer", (sender, recipient), config, outages, draws, recipient)

    def _household_draws(self, direction: Direction) -> Draws:
        draws = self._draws.get(direction)
        if draws is None:
            configs = self._household_configs(direction)
            of = {
                id(each): (self._latency(each.latency), _independent_loss(each.loss))
                for each in _distinct(configs)
            }
            draws = self._draws[direction] = Draws(
                self._streams,
                direction,
                [of[id(config)][0] for config in configs],
                np.array([of[id(config)][1] for config in configs]),
                _rows_kept(len(configs), 1),
            )
        return draws

    def _peer_draws(self, sender: int, config: LinkConfig) -> Draws | SingleDraws:
        """What a household's messages to its peers draw: one by one where whole rows would be too many."""
        n_households = len(self._addresses)
        if n_households <= _MOST_IN_ROWS:
            return self._shared_draws(f"peer.{sender}", config, n_households, n_households)
        draws = self._of_peers.get(sender)
        if draws is None:
            latency, loss = self._latency(config.latency), _independent_loss(config.loss)
            draws = self._of_peers[sender] = SingleDraws(self._streams, f"peer.{sender}", latency, loss)
        return draws

    def _shared_draws(self, prefix: str, config: LinkConfig, n_columns: int, n_senders: int) -> Draws:
        """Draws of links that all have one configuration."""
        draws = self._draws.get(prefix)
        if draws is None:
            draws = self._draws[prefix] = Draws(
                self._streams,
                prefix,
                [self._latency(config.latency)] * n_columns,
                np.full(n_columns, _independent_loss(config.loss)),
                _rows_kept(n_columns, n_senders),
            )
        return draws


def _distinct(configs: Sequence[LinkConfig]) -> list[LinkConfig]:
    """Those that are not the same object, in their order."""
    return list(dict(zip(map(id, configs), configs, strict=True)).values())


def _party(address: int) -> str:
    """Who has this address on links between platforms, as the link's name says it; empty for nobody."""
    number = community_at(address)
    return "firm" if address == FIRM else "" if number is None else str(number + 1)


def _independent_loss(loss: LossModel) -> float:
    """Probability of an independent loss; 0 where losses depend on each other.

    Raises
    ------
    InputError
        If the model gives no probability.
    """
    rate = loss.rate()
    if not 0 <= rate <= 1:
        message = f"the loss model '{loss.kind}' ({class_name(loss)}) has a rate of {rate}"
        raise InputError([Problem(message, "Give one from 0 to 1.", "comms")])
    return rate if loss.is_independent() else 0.0


def _rows_kept(n_columns: int, n_senders: int) -> int:
    """How many rows to hold: links at counters further apart than this make rows again and again."""
    rows = CACHED_NUMBERS // (max(1, n_columns) * n_senders)
    return min(_MOST_ROWS, max(_FEWEST_ROWS, rows))
