"""The audience of one: a broker, who keeps the book of all offers and serves buyers from it."""

from __future__ import annotations

from typing import ClassVar

from cosim.trading.audiences.interface import AUDIENCES, Audience, Places


@AUDIENCES.register("broker")
class ToBroker(Audience):
    """Offers go to a broker, from whom buyers hear what is left and buy it, over uplinks and downlinks."""

    has_broker: ClassVar[bool] = True

    def listeners(self, places: Places) -> list[tuple[int, ...]]:
        """No household."""
        return [() for _ in range(places.size)]

    def most_listeners(self, n_households: int) -> int:
        """The broker alone."""
        return 1
