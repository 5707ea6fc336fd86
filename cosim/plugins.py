"""Doors for what others bring: decorators that register a class under the name it has in a scenario.

::

    from cosim import plugins

    @plugins.latency("weibull")
    class Weibull(plugins.LatencyModel):
        ...

A module that does so is loaded by importing it, by ``--plugin MODULE``, or as an entry point of the group
``cosim.plugins`` of an installed package. docs/extending.md has an example of each.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from cosim.core.errors import InputError, Problem, suggest
from cosim.core.plugin_modules import load_plugin as load

if TYPE_CHECKING:
    from cosim.comms.latency import Latency, LatencyModel
    from cosim.comms.loss import LossModel
    from cosim.config.base import Model
    from cosim.core.clock import to_utc
    from cosim.core.numbers import Number, declared
    from cosim.core.registry import Entry, Registry
    from cosim.core.subsystem import Run, Setup, Subsystem, Uses
    from cosim.core.tables import PROSUMER, TIME, Column, Table
    from cosim.devices.active_device import ActiveDevice
    from cosim.devices.household_load import Load
    from cosim.devices.interface import Device, Shown
    from cosim.devices.pv import Photovoltaics
    from cosim.faults.kinds.interface import FaultEvent, HouseholdFault, LastingEffect
    from cosim.faults.kinds.reach import Reach
    from cosim.households.subsystem import Households
    from cosim.regulation.averages import Average
    from cosim.regulation.capacities import Capacity
    from cosim.regulation.control_laws import ControlLaw
    from cosim.regulation.costs import Cost
    from cosim.regulation.decisions import Decision
    from cosim.regulation.mitigations import AgainstDelay, AgainstFalseReports, AgainstLostSignals
    from cosim.regulation.policies import Policy
    from cosim.regulation.report_privacy import Reporting
    from cosim.report.figures import RunFigure
    from cosim.report.run_data import RunData
    from cosim.results.metrics import CompleteRun, Metric
    from cosim.trading.audiences.interface import Audience
    from cosim.trading.charges import GridFee, Tax, TaxRate
    from cosim.trading.clearing.interface import Clearing, Match, Order
    from cosim.trading.strategies import BuyingStrategy, SellingStrategy
    from cosim.trading.tariff_rules import TariffRule

__all__ = [
    "PROSUMER",
    "TIME",
    "ActiveDevice",
    "AgainstDelay",
    "AgainstFalseReports",
    "AgainstLostSignals",
    "Audience",
    "Average",
    "BuyingStrategy",
    "Capacity",
    "Clearing",
    "Column",
    "CompleteRun",
    "ControlLaw",
    "Cost",
    "Decision",
    "Device",
    "FaultEvent",
    "GridFee",
    "HouseholdFault",
    "Households",
    "LastingEffect",
    "Latency",
    "LatencyModel",
    "Load",
    "LossModel",
    "Match",
    "Metric",
    "Model",
    "Number",
    "Order",
    "Photovoltaics",
    "Policy",
    "Reach",
    "Reporting",
    "Run",
    "RunData",
    "RunFigure",
    "SellingStrategy",
    "Setup",
    "Shown",
    "Subsystem",
    "Table",
    "TariffRule",
    "Tax",
    "TaxRate",
    "Uses",
    "audience",
    "average",
    "buying",
    "capacity_rule",
    "clearing",
    "control_law",
    "cost",
    "decision",
    "declared",
    "device",
    "entries",
    "fault",
    "figure",
    "grid_fee",
    "kinds",
    "latency",
    "load",
    "load_source",
    "loss",
    "metric",
    "mitigation",
    "policy",
    "pv_source",
    "reporting",
    "selling",
    "subsystem",
    "tariff_rule",
    "tax",
    "to_utc",
]

C = TypeVar("C", bound=type)


class _Place(NamedTuple):
    """Where a registry is."""

    module: str
    name: str


_REGISTRIES = {
    "policy": _Place("cosim.regulation.policies", "POLICIES"),
    "cost": _Place("cosim.regulation.costs", "COSTS"),
    "latency": _Place("cosim.comms.latency", "LATENCIES"),
    "loss": _Place("cosim.comms.loss", "LOSSES"),
    "device": _Place("cosim.devices.interface", "DEVICES"),
    "load_source": _Place("cosim.devices.household_load", "LOAD_SOURCES"),
    "pv_source": _Place("cosim.devices.pv", "PV_SOURCES"),
    "average": _Place("cosim.regulation.averages", "AVERAGES"),
    "decision": _Place("cosim.regulation.decisions", "DECISIONS"),
    "control_law": _Place("cosim.regulation.control_laws", "CONTROL_LAWS"),
    "reporting": _Place("cosim.regulation.report_privacy", "REPORTINGS"),
    "mitigation": _Place("cosim.regulation.mitigations", "MITIGATIONS"),
    "capacity_rule": _Place("cosim.regulation.capacities", "CAPACITIES"),
    "tariff_rule": _Place("cosim.trading.tariff_rules", "TARIFF_RULES"),
    "clearing": _Place("cosim.trading.clearing", "CLEARINGS"),
    "grid_fee": _Place("cosim.trading.charges", "GRID_FEES"),
    "tax": _Place("cosim.trading.charges", "TAXES"),
    "selling": _Place("cosim.trading.strategies", "SELLING"),
    "buying": _Place("cosim.trading.strategies", "BUYING"),
    "audience": _Place("cosim.trading.audiences", "AUDIENCES"),
    "subsystem": _Place("cosim.engine.wings", "SUBSYSTEMS"),
    "fault": _Place("cosim.faults.kinds", "FAULTS"),
    "metric": _Place("cosim.results.metrics", "METRICS"),
    "figure": _Place("cosim.report.figures", "FIGURES"),
}
"""What a class can be, in the order of the documentation."""

_PARTS = {
    "PROSUMER": "cosim.core.tables",
    "TIME": "cosim.core.tables",
    "ActiveDevice": "cosim.devices.active_device",
    "AgainstDelay": "cosim.regulation.mitigations",
    "AgainstFalseReports": "cosim.regulation.mitigations",
    "AgainstLostSignals": "cosim.regulation.mitigations",
    "Audience": "cosim.trading.audiences",
    "Average": "cosim.regulation.averages",
    "BuyingStrategy": "cosim.trading.strategies",
    "Capacity": "cosim.regulation.capacities",
    "Clearing": "cosim.trading.clearing",
    "Column": "cosim.core.tables",
    "CompleteRun": "cosim.results.metrics",
    "ControlLaw": "cosim.regulation.control_laws",
    "Decision": "cosim.regulation.decisions",
    "Reporting": "cosim.regulation.report_privacy",
    "Cost": "cosim.regulation.costs",
    "Device": "cosim.devices.interface",
    "Shown": "cosim.devices.interface",
    "FaultEvent": "cosim.faults.kinds.interface",
    "GridFee": "cosim.trading.charges",
    "HouseholdFault": "cosim.faults.kinds.interface",
    "Households": "cosim.households.subsystem",
    "LastingEffect": "cosim.faults.kinds.interface",
    "Latency": "cosim.comms.latency",
    "LatencyModel": "cosim.comms.latency",
    "Load": "cosim.devices.household_load",
    "LossModel": "cosim.comms.loss",
    "Match": "cosim.trading.clearing",
    "Metric": "cosim.results.metrics",
    "Model": "cosim.config.base",
    "Number": "cosim.core.numbers",
    "Order": "cosim.trading.clearing",
    "Photovoltaics": "cosim.devices.pv",
    "Policy": "cosim.regulation.policies",
    "Reach": "cosim.faults.kinds.reach",
    "Run": "cosim.core.subsystem",
    "RunData": "cosim.report.run_data",
    "RunFigure": "cosim.report.figures",
    "SellingStrategy": "cosim.trading.strategies",
    "Setup": "cosim.core.subsystem",
    "Subsystem": "cosim.core.subsystem",
    "Table": "cosim.core.tables",
    "TariffRule": "cosim.trading.tariff_rules",
    "Tax": "cosim.trading.charges",
    "TaxRate": "cosim.trading.charges",
    "Uses": "cosim.core.subsystem",
    "declared": "cosim.core.numbers",
    "to_utc": "cosim.core.clock",
}
"""What classes are derived from, or made of."""


def policy(name: str) -> Callable[[C], C]:
    """A response policy: how a household turns signal, average and gradient into a probability."""
    return _registry("policy").register(name)


def cost(name: str) -> Callable[[C], C]:
    """A household's private cost: its value, its gradient and, where it has one, its curvature."""
    return _registry("cost").register(name)


def latency(name: str) -> Callable[[C], C]:
    """A latency model: how long messages travel."""
    return _registry("latency").register(name)


def loss(name: str) -> Callable[[C], C]:
    """A loss model: which messages are lost."""
    return _registry("loss").register(name)


def device(name: str) -> Callable[[C], C]:
    """A device behind a household's meter."""
    return _registry("device").register(name)


def load_source(name: str) -> Callable[[C], C]:
    """Where a household's load comes from: what `load: {kind: ...}` chooses."""
    return _registry("load_source").register(name)


def pv_source(name: str) -> Callable[[C], C]:
    """Where a household's generation comes from: what `pv: {kind: ...}` chooses."""
    return _registry("pv_source").register(name)


def average(name: str) -> Callable[[C], C]:
    """A rule by which a household averages its own decisions."""
    return _registry("average").register(name)


def decision(name: str) -> Callable[[C], C]:
    """A way to decide: what a household takes, given what it knows."""
    return _registry("decision").register(name)


def control_law(name: str) -> Callable[[C], C]:
    """A control law: what signal a platform makes of what it measured."""
    return _registry("control_law").register(name)


def reporting(name: str) -> Callable[[C], C]:
    """A way of reporting: what a household says of what it did."""
    return _registry("reporting").register(name)


def mitigation(name: str) -> Callable[[C], C]:
    """What a platform does against delay, lost signals or false reports."""
    return _registry("mitigation").register(name)


def capacity_rule(name: str) -> Callable[[C], C]:
    """A rule for how many units a community takes together, over time."""
    return _registry("capacity_rule").register(name)


def tariff_rule(name: str) -> Callable[[C], C]:
    """A rule that the households of the energy-value market are coordinated and billed by."""
    return _registry("tariff_rule").register(name)


def grid_fee(name: str) -> Callable[[C], C]:
    """A grid fee: what the grid operator gets for a kWh that a household buys."""
    return _registry("grid_fee").register(name)


def tax(name: str) -> Callable[[C], C]:
    """A tax: what the state gets for a kWh that a household buys."""
    return _registry("tax").register(name)


def selling(name: str) -> Callable[[C], C]:
    """A selling strategy: at what price a household offers its generation; `bidding` in a scenario."""
    return _registry("selling").register(name)


def buying(name: str) -> Callable[[C], C]:
    """A buying strategy: at what price a household bids where an operator clears the market."""
    return _registry("buying").register(name)


def audience(name: str) -> Callable[[C], C]:
    """An audience: who hears whose offers."""
    return _registry("audience").register(name)


def clearing(name: str) -> Callable[[C], C]:
    """A way of clearing: what an operator makes of the bids and offers of an hour."""
    return _registry("clearing").register(name)


def fault(name: str) -> Callable[[C], C]:
    """A kind of fault: what breaks, for whom, when, and what that does."""
    return _registry("fault").register(name)


def subsystem(name: str) -> Callable[[C], C]:
    """What lives through a run of its own, such as a market form; its name is its key in a scenario."""
    return _registry("subsystem").register(name)


def metric(name: str) -> Callable[[C], C]:
    """Numbers of the summary, computed of a run's tables."""
    return _registry("metric").register(name)


def figure(name: str) -> Callable[[C], C]:
    """A figure of the report."""
    return _registry("figure").register(name)


def kinds() -> list[str]:
    """What `entries` lists."""
    return list(_REGISTRIES)


def entries(kind: str) -> tuple[Entry, ...]:
    """Everything of a kind that a scenario can choose, cosim's own and others', each with a line.

    Raises
    ------
    InputError
        If there is no such kind.
    """
    if kind not in _REGISTRIES:
        raise InputError([Problem("there is no such kind", suggest(kind, _REGISTRIES), value=kind)])
    return _registry(kind).entries()


def _registry(kind: str) -> Registry[Any]:
    import_module("cosim.engine.wings")  # cosim's own come first, so that their names are taken
    module, name = _REGISTRIES[kind]
    found: Registry[Any] = getattr(import_module(module), name)
    return found


def __getattr__(name: str) -> Any:
    if name not in _PARTS:
        raise AttributeError(f"module 'cosim.plugins' has no attribute '{name}'")
    return getattr(import_module(_PARTS[name]), name)
