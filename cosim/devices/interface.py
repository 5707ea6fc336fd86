"""What a device is: keys of a scenario, a profile or something that acts, and columns of tables.

A device is one file. Its class is the model of the key ``groups[].NAME``::

    @DEVICES.register("ev")
    class ElectricVehicle(Device):
        charger_kw: KilowattsValue = 11.0

        def install(self, site: Site) -> list[ActiveDevice]:
            ...

A device whose power is known beforehand has a profile (`Device.put_profiles`); one that reacts is an
`ActiveDevice` in each household.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from cosim.config.base import Fraction, Model, Probability
from cosim.config.household_values import household_values
from cosim.config.values import AnyValue
from cosim.core.context import Context
from cosim.core.delivery import Unit
from cosim.core.errors import Problem
from cosim.core.inverters import Inverter
from cosim.core.numbers import Number, Summary
from cosim.core.planned_use import Need, PlannedPower
from cosim.core.population import Group
from cosim.core.registry import Registry, refused
from cosim.core.streams import Streams
from cosim.core.tables import Table
from cosim.csv_files.found import CsvFound

Array = NDArray[np.float64]

PowerFactor = Fraction
CONSTANT = "constant"
"""The column that is 1 all the time."""
NEVER = sys.maxsize
"""An instant that does not come, ms."""


class Piece(NamedTuple):
    """A time in which nothing changes.

    Attributes
    ----------
    until_ms : int
        Its end, ms since the start.
    hours : float
        Its length.
    residual_kw : float
        What the household draws but for the device that looks; negative where generation leaves a surplus.
    """

    until_ms: int
    hours: float
    residual_kw: float


METERED = ("taken_kwh", "given_kwh", "stored_kwh", "lost_kwh", "used_kwh", "taken_kvarh")
"""What the meter of every device shows of an interval.

Taken and given at the terminals, stored at the end, lost on the way in, on the way out and in between, and
used for what the device is there for, such as driving; ``taken - given = change of stored + lost + used``.
The last is reactive.
"""


class Service(NamedTuple):
    """What a device can be asked for by a market: what ``serves`` of a resource may say.

    Attributes
    ----------
    name : str
        Its name.
    meaning : str
        What a unit is, for the documentation.
    by : str
        What does it, for messages: ``a battery``.
    follows_load : bool
        Whether a unit is given as far as the household's own load, less its generation, takes it.
    own_unit : bool
        Whether the device itself says what a unit is, where the resource has no `unit_kwh`.
    """

    name: str
    meaning: str
    by: str
    follows_load: bool = False
    own_unit: bool = False


class Surroundings(Protocol):
    """What a device sees of its household."""

    def pieces(self, start_ms: int, end_ms: int, of: ActiveDevice) -> list[Piece]:
        """What the household draws but for device `of`, as far as it is known."""


class ActiveDevice(ABC):
    """One device of one household, brought up to date whenever somebody looks.

    Attributes
    ----------
    metered : tuple of str
        What its meter shows: `METERED`, and what else its kind has.
    until_ms : int
        When its behaviour next changes by itself; `step` is never called across it.
    stored_kwh : float
        What it stores; 0 for a device that stores nothing.
    charge_efficiency : float
        Stored energy over energy at the terminals.
    planned_by : str
        The market that plans its use (see `cosim.core.planned_use`); empty for none.
    """

    metered: ClassVar[tuple[str, ...]] = METERED
    planned_by: str = ""
    __slots__ = ("charge_efficiency", "stored_kwh", "until_ms")

    def __init__(self, stored_kwh: float = 0.0, charge_efficiency: float = 1.0) -> None:
        self.stored_kwh = stored_kwh
        self.charge_efficiency = charge_efficiency
        self.until_ms = NEVER

    @abstractmethod
    def step(self, end_ms: int, hours: float, surplus_kw: float) -> float:
        """Live through a time in which nothing changes, up to `end_ms`.

        Parameters
        ----------
        end_ms : int
            Its end.
        hours : float
            Its length.
        surplus_kw : float
            What the household's generation leaves of its load, and of the devices before this one.

        Returns
        -------
        float
            Energy drawn less energy given, kWh.
        """

    @abstractmethod
    def close(self) -> tuple[float, ...]:
        """What happened since it was last called, in the order of `metered`."""

    def deliver(
        self,
        requested: Sequence[int],
        units: Sequence[Unit],
        now_ms: int,
        step_ms: int,
        around: Surroundings,
    ) -> list[float]:
        """Promise what of the requested units it can do over the coming step.

        Parameters
        ----------
        requested : sequence of int
            0 or 1 for each; served in this order. Nothing requested takes back what was promised before.
        units : sequence of Unit
            Each of a service that it offers.
        now_ms, step_ms : int
            Start and length of the step.
        around : Surroundings
            The household.

        Returns
        -------
        list of float
            What will be delivered of each, from 0 to 1, in whole parts of a unit.
        """
        raise NotImplementedError(f"{type(self).__name__} offers no service")

    def regulate(self, is_on: bool) -> None:
        """A market decides from now on, or does so no longer; what was promised before is void."""
        raise NotImplementedError(f"{type(self).__name__} offers no service")

    def need(self) -> Need | None:
        """What it still needs from now on, where its use is planned."""
        raise NotImplementedError(f"{type(self).__name__} follows no plan")

    def follow(self, plan: Sequence[PlannedPower]) -> None:
        """Do what the plan says from now on; after its end nothing."""
        raise NotImplementedError(f"{type(self).__name__} follows no plan")

    def tell_of_needs(self, tell: Callable[[], None]) -> None:
        """Call this whenever a need has come up that no plan was made for."""
        raise NotImplementedError(f"{type(self).__name__} follows no plan")

    def limit(self, most_kw: float) -> bool:
        """Draw no more than this from now on; infinity lifts the limit.

        Returns
        -------
        bool
            Whether it obeys.
        """
        return False

    def events(self) -> Sequence[tuple[Any, ...]]:
        """What happened to it since it was last called: rows of its kind's `Device.event_table`, but for the
        household; times in ms since the start."""
        return ()

    def known_kw(self, start_ms: int, end_ms: int) -> Sequence[tuple[int, float]]:
        """What it is known to draw from `start_ms` on: until when (ms) which power, in order of time."""
        return ()


class GroupAround(NamedTuple):
    """What stands around a group's device, as far as the configuration tells.

    Attributes
    ----------
    devices : mapping of str to Device
        All devices of the group, by kind.
    has_grid : bool
        Whether there is a feeder.
    """

    devices: Mapping[str, Device]
    has_grid: bool

    @property
    def generates(self) -> bool:
        """Whether any of its devices generates."""
        return any(device.is_generation for device in self.devices.values())


class FeederElement(Protocol):
    """An element of the feeder's data for which a household stands."""

    @property
    def p_mw(self) -> float:
        """Active power drawn, MW."""

    @property
    def q_mvar(self) -> float:
        """Reactive power drawn, Mvar."""

    @property
    def p_profile(self) -> str:
        """What it follows; empty for nothing."""

    @property
    def q_profile(self) -> str:
        """What its reactive power follows."""


class Rows(Protocol):
    """Some columns over a stretch of time, in quarter hours."""

    def rows(self, first: int, end: int) -> Array:
        """Quarter hours ``first ... end - 1``, without those beyond the last; shape (n, n_columns)."""


class Pages(Protocol):
    """Columns that are read piece by piece during the run."""

    def open(self, names: Iterable[str], start: datetime, n_slots: int) -> Rows:
        """Some columns over `n_slots` quarter hours from `start` on."""


class Slots(NamedTuple):
    """The grid of time of all profiles."""

    start: datetime
    slot_ms: int
    n_slots: int


class ProfileSite(Protocol):
    """Where a device of a group puts the profiles of its households.

    Attributes
    ----------
    kind, path : str
        The kind of device, and its key in the scenario.
    first : int
        Number of the group's first household.
    members : sequence of int
        The group's households that have the device.
    n_households : int
        Size of the population.
    streams : Streams
        The run's random numbers.
    slots : Slots
        The grid of time.
    folder : Path
        What files are relative to.
    shared : dict
        What sources have read for other groups; each has keys of its own.
    feeder_profiles : Pages or None
        What the feeder's own elements follow; None without a feeder, or where it cannot be read.
    """

    @property
    def kind(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def first(self) -> int: ...
    @property
    def members(self) -> Sequence[int]: ...
    @property
    def n_households(self) -> int: ...
    @property
    def streams(self) -> Streams: ...
    @property
    def slots(self) -> Slots: ...
    @property
    def folder(self) -> Path: ...
    @property
    def shared(self) -> dict[Any, Any]: ...
    @property
    def feeder_profiles(self) -> Pages | None: ...

    def values(self, name: str, value: AnyValue) -> list[float]:
        """A parameter of each member, drawn where it is a distribution."""

    def put(self, household: int, p: tuple[str, float], q: tuple[str, float]) -> None:
        """The column that its active power follows, and the power, kW, that it is multiplied by; likewise
        its reactive power, kvar. An inductive device draws reactive power."""

    def hold(self, key: str, column: Array) -> None:
        """A column, one value a slot, under a name that can be put."""

    def follow(self, pages: Pages, name: str, prefix: str = "") -> str:
        """A column of `pages`; under which name it can be put. One prefix, one source of pages."""

    def elements(self, household: int) -> tuple[FeederElement, ...] | None:
        """The feeder's own elements that the household stands for; None where that is not known."""

    def place_of(self, household: int) -> str:
        """Its name and bus, for messages."""

    def found(self, file: CsvFound) -> None:
        """How a CSV file was understood."""

    def warn(self, doubts: Iterable[Problem]) -> None:
        """What is doubtful."""


class ServedLoad(Protocol):
    """The load that a kind of device serves, household by household (see `Device.served_load`)."""

    def kw(self, household: int, at_ms: int) -> float:
        """Its power in the slot of an instant; after the end of the run as at its end."""


@dataclass(frozen=True)
class Site:
    """Where the devices of one kind of a group are installed.

    Attributes
    ----------
    kind : str
        The kind.
    group : Group
        The households.
    context : Context
        The run.
    slots : Slots
        The grid of time of all profiles; nothing that follows one changes within a slot.
    warn : callable
        Takes what is doubtful.
    served : ServedLoad or None
        The load that the devices serve; for a kind that has one.
    """

    kind: str
    group: Group
    context: Context
    slots: Slots
    warn: Callable[[Iterable[Problem]], None]
    served: ServedLoad | None = None

    @property
    def path(self) -> str:
        """The key of the kind in the scenario."""
        return f"groups.{self.group.number}.{self.kind}"

    def values(self, name: str, value: AnyValue) -> Array:
        """A parameter of each household of the group, drawn where it is a distribution; shape (n,)."""
        n_households = self.context.population.size
        return household_values(self.context.streams, f"{self.kind}.{name}", value, self.group, n_households)


class Device(Model):
    """What a group's households have of a kind of device.

    Attributes
    ----------
    services : tuple of Service
        What the kind can be asked for.
    has_profile : bool
        Whether its power is known beforehand and given by `put_profiles`.
    is_generation : bool
        Whether its profile is given, not drawn.
    is_storage : bool
        Whether it gives back what it took.
    takes_surplus : bool
        Whether what it does follows from the surplus that the others leave; such a device comes after them.
    stands_for : str
        Which of the feeder's own elements a household that has it stands for: ``load``, ``sgen`` or nothing.
    keeps_element : bool
        Whether that element goes on as it is, as the household's.
    table : Table or None
        What is recorded of each such device in each interval.
    event_table : Table or None
        What is recorded when something happens to one (`ActiveDevice.events`); the household comes first.
    numbers : tuple of Number
        What `summary` gives.
    empty, full : str
        What is said of a community whose capacities ask its devices for too much, or for too little.
    """

    services: ClassVar[tuple[Service, ...]] = ()
    has_profile: ClassVar[bool] = False
    is_generation: ClassVar[bool] = False
    is_storage: ClassVar[bool] = False
    takes_surplus: ClassVar[bool] = False
    stands_for: ClassVar[str] = ""
    keeps_element: ClassVar[bool] = False
    table: ClassVar[Table | None] = None
    event_table: ClassVar[Table | None] = None
    numbers: ClassVar[tuple[Number, ...]] = ()
    empty: ClassVar[str] = ""
    full: ClassVar[str] = ""

    share: Probability = 1.0
    """Share of the group's households that have it. Who does is drawn by the seed, so that whoever has it at
    a share of 0.3 has it at 0.4, too."""

    @property
    def planned_by(self) -> str:
        """The market that plans what it draws, as its key `scheduled_by` says; empty for none."""
        return ""

    @classmethod
    def annotation(cls) -> Any:
        """The type of its key in a group."""
        return cls

    @classmethod
    def tables(cls) -> tuple[Table, ...]:
        """The tables of the kind."""
        return tuple(table for table in (cls.table, cls.event_table) if table is not None)

    def files(self) -> tuple[str, ...]:
        """The files that it names."""
        return ()

    def problems(self, around: GroupAround) -> Iterator[Problem]:
        """What is wrong or doubtful about it in its group; paths from its own key on."""
        return iter(())

    def unit_problems(self, service: str, unit_kw: float, group: str) -> Iterator[Problem]:
        """What is wrong or doubtful about a unit of that power, over a step, if it is asked for it."""
        return iter(())

    def put_profiles(self, site: ProfileSite) -> None:
        """Put what each household draws or gives; for a kind that `has_profile`."""

    def served_load(self) -> Device | None:
        """A load whose profile its devices are given, to serve as they see fit; nobody draws it as it is."""
        return None

    def inverters(self, site: ProfileSite, installed_kw: Mapping[int, float]) -> Mapping[int, Inverter]:
        """The inverters that are controlled, by household, once profiles are put; none by default.

        Parameters
        ----------
        site : ProfileSite
            Where they are installed.
        installed_kw : mapping of int to float
            By what each household's profile is multiplied, of those that have one.
        """
        return {}

    def install(self, site: Site) -> Sequence[ActiveDevice]:
        """One device for each household of the group, for a kind that acts; else none.

        Raises
        ------
        InputError
            If what it is made of, such as a file, cannot be used.
        """
        return ()

    @classmethod
    def parameters(cls, installed: Sequence[tuple[int, Any]], n_households: int) -> dict[str, Array]:
        """What is written of each household in the table `prosumers`; names begin with the kind.

        Parameters
        ----------
        installed : sequence of (int, ActiveDevice)
            All devices of the kind in the run, with their households; at the start.
        n_households : int
            Length of each column; NaN for a household without one.
        """
        return {}

    @classmethod
    def rows(cls, values: Mapping[str, Array]) -> Mapping[str, Array]:
        """The columns of its `table`, but for time and household, from what the meters of all show."""
        return values

    @classmethod
    def summary(
        cls, installed: Sequence[tuple[int, Any]], totals: Mapping[str, float], warm_up_ms: int
    ) -> Summary:
        """Its `numbers`, from all devices of the kind at the end of a run that has some.

        Parameters
        ----------
        installed : sequence of (int, ActiveDevice)
            With their households.
        totals : mapping of str to float
            What their meters show (`ActiveDevice.metered`), added up over devices and intervals that count.
        warm_up_ms : int
            What happened up to then does not count.
        """
        return {}

    @classmethod
    def supply_kwh(cls, installed: Sequence[tuple[int, Any]], surplus_kw: Array, slot_ms: int) -> Array:
        """What all could give of each day's surplus, and of surplus and grid; of a kind that says `empty`.

        Parameters
        ----------
        installed : sequence of (int, ActiveDevice)
            With their households.
        surplus_kw : ndarray, shape (n_slots, n_households)
            What generation leaves of the load, from a midnight of the run on.
        slot_ms : int
            Length of a slot.

        Returns
        -------
        ndarray, shape (2, n_days)
        """
        raise NotImplementedError(f"{cls.__name__} does not say what it could give")


def _welcome(name: str, device: type[Device]) -> None:
    """What a community asks for by one name is the same of whatever kind of device; tables are apart."""
    others = [DEVICES[each] for each in DEVICES if each != name]
    there = {table.name for each in others for table in each.tables()}
    for table in device.tables():
        if table.name in there:
            message = f"the device '{name}' has a table '{table.name}', which there is already"
            raise refused(device, message, "Give the table another name.")
    for service in device.services:
        for other in (service for each in others for service in each.services):
            if service.name == other.name and service[3:] != other[3:]:
                message = f"the device '{name}' means something else by '{service.name}' than {other.by} does"
                remedy = "Give the service another name, or the same `follows_load` and `own_unit`."
                raise refused(device, message, remedy)


DEVICES: Registry[Device] = Registry("device", Device, in_schema=False, welcome=_welcome)
"""All kinds of devices; the name is the key of a group."""


def services() -> dict[str, Service]:
    """Every service by name."""
    return {service.name: service for kind in DEVICES for service in DEVICES[kind].services}


def offering(service: str, kinds: Iterable[str]) -> list[str]:
    """Those of the kinds of devices that offer a service."""
    return [kind for kind in kinds if any(each.name == service for each in DEVICES[kind].services)]


class KnownService:
    """For `Annotated`: the name of a service that some kind of device offers, also of one registered late."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def check(value: str) -> str:
            known = services()
            if value not in known:
                raise PydanticCustomError("literal_error", "must be {expected}", {"expected": _either(known)})
            return value

        return core_schema.no_info_after_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "enum": list(services())}


def _either(names: Iterable[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    return " or ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))


ServiceName = Annotated[str, KnownService()]
