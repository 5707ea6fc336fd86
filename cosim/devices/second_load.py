"""A second load behind a meter, as profiles say: a charging point or a heat pump that nobody controls."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from cosim.config.choice import Choice
from cosim.devices.household_load import LOAD_SOURCES, Load
from cosim.devices.interface import DEVICES


@DEVICES.register("second_load")
class SecondLoad(Load):
    """A second electrical load, such as a charging point or a heat pump that nobody controls."""

    stands_for: ClassVar = ""

    @classmethod
    def annotation(cls) -> Any:
        """One of the sources of loads."""
        return Annotated[Load, Choice(LOAD_SOURCES)]
