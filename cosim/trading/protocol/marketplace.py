"""What a place where households trade is to the days of a run, whatever happens there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from cosim.trading.protocol.post import Traffic
from cosim.trading.protocol.purchase_book import FailedAttempt
from cosim.trading.protocol.reconciliation import Agreement
from cosim.trading.valuation.offers import Offer


class Bid(NamedTuple):
    """Energy of an hour that a household bids for: hour, number, kWh, EUR/kWh."""

    hour: int
    buyer: int
    energy_kwh: float
    price: float


class Marketplace(Protocol):
    """Where households trade; asked about a day once its deadline has passed."""

    @property
    def missed_messages(self) -> int:
        """Messages that arrived where nobody was up."""

    def start(self) -> None:
        """Begin with the first day."""

    def crash(self, household: int) -> None:
        """A household goes down."""

    def restart(self, household: int, keeps_state: bool) -> None:
        """It comes back, with its memory or without."""

    def agreements(self, day: int) -> list[Agreement]:
        """The trades that stand."""

    def failed(self, day: int) -> list[FailedAttempt]:
        """What was asked for and not sold."""

    def offered(self, day: int) -> list[Offer]:
        """What households offered."""

    def bids(self, day: int) -> list[Bid]:
        """What they bid for."""

    def wanted_kwh(self, day: int) -> float:
        """What households wanted to buy of each other and of themselves."""

    def too_late(self, day: int) -> int:
        """How many offers or orders came too late to count."""

    def forget(self, day: int) -> None:
        """Drop a settled day."""

    def traffic(self) -> Iterable[Traffic]:
        """Messages and bytes so far, by kind."""


class MarketOperator(Protocol):
    """Who runs a marketplace for others, and may fail."""

    @property
    def is_down(self) -> bool:
        """Whether it hears and does nothing at present."""

    def go_down(self) -> None:
        """It crashes."""

    def come_back(self, keeps_state: bool) -> None:
        """It restarts, with its book or without."""
