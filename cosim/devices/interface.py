"""What a device is: keys of a scenario, a profile or something that acts, and columns of tables.

A kind of device is one class, in a file of its own. It is the model of the key ``groups[].NAME``::

    @DEVICES.register("ev")
    class ElectricVehicle(Device):
        charger_kw: KilowattsValue = 11.0

        def install(self, site: Site) -> list[ActiveDevice]:
            ...

A device whose power is known beforehand has a profile (`Device.put_profiles`); one that reacts is an
`ActiveDevice` in each household.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cosim.config.base import Fraction, Model, Probability
from cosim.core.compiled import can_compile
from cosim.core.delivery import DeviceLoop, Unit
from cosim.core.errors import Problem
from cosim.core.inverters import Inverter
from cosim.core.numbers import Number, Summary
from cosim.core.registry import Registry, refused
from cosim.core.tables import Table
from cosim.devices.active_device import ActiveDevice, HomeSlots
from cosim.devices.sites import ProfileSite, Site

Array = NDArray[np.float64]

PowerFactor = Fraction


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
    brief : str
        What a resource that it serves is, in few words: ``charging of electric vehicles``.
    """

    name: str
    meaning: str
    by: str
    follows_load: bool = False
    own_unit: bool = False
    brief: str = ""


class Shown(NamedTuple):
    """A column of a device's table that pages and figures show.

    Attributes
    ----------
    column : str
        Its name; energy in kWh is shown as power over the interval, hours as their share of it.
    label : str
        What it is called in few words, of one device or of all together: ``charging``.
    is_level : bool
        Whether it is what stands at an interval's end, and no flow over it.
    is_given : bool
        Whether it is energy that the device gives to its household.
    """

    column: str
    label: str
    is_level: bool = False
    is_given: bool = False


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


class DeviceArrays(Protocol):
    """Devices of one kind that a market regulates from the start to the end, all at once.

    Each is alone in its household, and leaves the numbers that it would leave one by one.
    """

    def deliver(
        self, places: NDArray[np.int64], requested: Array, times_ms: NDArray[np.int64], slots: HomeSlots
    ) -> Array:
        """What some of them, by place, will deliver over the coming step; see `ActiveDevice.deliver`.

        Parameters
        ----------
        places, times_ms : ndarray of int64, shape (k,)
            Who is asked, and when.
        requested : ndarray, shape (m, k)
            0 or 1 for each unit.
        slots : HomeSlots
            The profiles of all of them.

        Returns
        -------
        ndarray, shape (m, k)
        """

    def advance(self, now_ms: int, slots: HomeSlots) -> None:
        """Bring all up to now."""

    def close(self) -> Array:
        """What their meters show, shape (n_metered, n); see `ActiveDevice.close`."""


@runtime_checkable
class LoopedArrays(DeviceArrays, Protocol):
    """Such devices that can also go in a compiled loop over many steps."""

    loop: DeviceLoop

    def in_loop(self, slots: HomeSlots) -> Any:
        """Their state for that loop, which changes it."""

    def shown(self, flows: Array) -> Array:
        """What their meters show of intervals in which they counted this, shape (n_intervals, n_flows, n)."""


def can_be_arrays(devices: Sequence[ActiveDevice], made_for: type[ActiveDevice]) -> bool:
    """Whether devices are just what loops were made for, not something of another class that builds on it,
    and numba compiles these loops."""
    return can_compile() and all(type(device) is made_for for device in devices)


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
        Rows are in order of the last column of times.
    title : str
        What several of the kind are called, on pages: ``Electric vehicles``; its name, if empty.
    shown : tuple of Shown
        What pages show of `table`, of a household and of all together; all its numbers, if empty.
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
    title: ClassVar[str] = ""
    shown: ClassVar[tuple[Shown, ...]] = ()
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

    def unit_kw(self, service: str) -> float | None:
        """One unit of a service, kW, where its own keys say that for all households; None elsewhere."""
        return None

    def put_profiles(self, site: ProfileSite) -> None:
        """Put what each household draws or gives; for a kind that `has_profile`."""

    def served_load(self) -> Device | None:
        """A load whose profile its devices are given, to serve as they see fit; nobody draws it as it is."""
        return None

    def draws_by_itself(self) -> bool:
        """Whether it may draw power from the feeder that no profile says, so that nobody can leave it off."""
        return not self.has_profile

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
    def in_arrays(
        cls, devices: Sequence[Any], units: Sequence[Unit], step_ms: int, slot_ms: int
    ) -> DeviceArrays | None:
        """Some devices of the kind as arrays, as they are at the start; None where they go one by one.

        Parameters
        ----------
        devices : sequence of ActiveDevice
            Each the only one of its household, which serves all units.
        units : sequence of Unit
            What is asked for.
        step_ms, slot_ms : int
            Length of a step, and of a slot of the profiles.
        """
        return None

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


def device_title(name: str) -> str:
    """What several devices of a kind are called within a sentence: ``electric vehicles``, ``PV systems``."""
    title = DEVICES[name].title or name.replace("_", " ")
    return title if title[:2].isupper() else f"{title[:1].lower()}{title[1:]}"


def given_columns() -> dict[str, list[str]]:
    """By table, the columns of what devices give to their households, kWh in an interval."""
    return {
        device.table.name: given
        for device in DEVICES.classes()
        if device.table and (given := [each.column for each in device.shown if each.is_given])
    }


def _welcome(name: str, device: type[Device]) -> None:
    """What is shown stands in its table; what a community asks for by one name is the same of all kinds."""
    columns = [column.name for column in device.table.columns] if device.table is not None else None
    for shown in device.shown:
        if columns is not None and shown.column not in columns:
            message = f"the device '{name}' shows '{shown.column}', which is not a column of its table"
            raise refused(device, message, f"Its columns are: {', '.join(columns)}.")
    others = [DEVICES[each] for each in DEVICES if each != name]
    for service in device.services:
        for other in (service for each in others for service in each.services):
            if service.name == other.name and service[3:] != other[3:]:
                message = f"the device '{name}' means something else by '{service.name}' than {other.by} does"
                remedy = "Give the service another name, or the same `follows_load` and `own_unit`."
                raise refused(device, message, remedy)


DEVICES: Registry[Device] = Registry("device", Device, in_schema=False, welcome=_welcome)
"""All kinds of devices; the name is the key of a group."""
