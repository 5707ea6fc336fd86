"""The loads, generators and storages that a net brings along, as records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cosim.grid.voltage_dependence import CONSTANT_POWER, VoltageShares, shares_of

if TYPE_CHECKING:
    from pandapower.auxiliary import pandapowerNet

ElementKind = Literal["load", "asymmetric_load", "sgen", "asymmetric_sgen", "storage"]
KINDS: tuple[ElementKind, ...] = ("load", "asymmetric_load", "sgen", "asymmetric_sgen", "storage")


@dataclass(frozen=True)
class ElementRecord:
    """One load, generator or storage of a feeder."""

    kind: ElementKind
    """pandapower's table. A single-phase element is taken as balanced: its phases are summed."""
    index: int
    """Its index in that table."""
    name: str
    """Its name; empty where it has none."""
    bus: int
    """Index of its bus."""
    p_mw: float
    q_mvar: float
    """Nominal powers (at 1 pu), MW and Mvar, scaling included, in load convention: generation is negative."""
    profile: str = ""
    """Name of its profile; empty where it has none."""
    p_profile: str = ""
    q_profile: str = ""
    """Columns that are factors on `p_mw` and `q_mvar`; empty where the power is constant."""
    shares: VoltageShares = CONSTANT_POWER
    """Which fractions of its power follow the voltage; all 0 where its power is constant."""

    @property
    def is_load(self) -> bool:
        """Whether it is a load."""
        return self.kind in ("load", "asymmetric_load")

    @property
    def is_sgen(self) -> bool:
        """Whether it is a generator."""
        return self.kind in ("sgen", "asymmetric_sgen")


ActingPower = tuple[ElementRecord, float, float]
"""An element with the power that it draws at 1 pu in an interval, MW and Mvar, load convention."""


def take_elements(net: pandapowerNet) -> tuple[ElementRecord, ...]:
    """Remove loads, generators and storages from `net`; those in service are given back as records.

    Records are in the order load, asymmetric_load, sgen, asymmetric_sgen, storage, each by index.
    """
    records = []
    for kind in KINDS:
        table = net[kind].sort_index()
        for index, row in zip(table.index, table.to_dict("records"), strict=True):
            if row["in_service"]:
                records.append(record_of(kind, int(index), row))
        net[kind] = net[kind].iloc[:0].copy()
    return tuple(records)


def record_of(kind: ElementKind, index: int, row: dict[Any, Any]) -> ElementRecord:
    """One row of pandapower's table `kind` as a record."""
    if kind.startswith("asymmetric"):
        p_mw = sum(float(row[f"p_{phase}_mw"]) for phase in "abc")
        q_mvar = sum(float(row[f"q_{phase}_mvar"]) for phase in "abc")
    else:
        p_mw, q_mvar = float(row["p_mw"]), float(row["q_mvar"])
    sign = -1.0 if kind.endswith("sgen") else 1.0
    factor = sign * float(row["scaling"])
    return ElementRecord(
        kind,
        index,
        text_of(row.get("name")),
        int(row["bus"]),
        factor * p_mw + 0.0,
        factor * q_mvar + 0.0,
        text_of(row.get("profile")),
        shares=shares_of(row) if kind == "load" else CONSTANT_POWER,
    )


def text_of(value: Any) -> str:
    """A cell that holds a name, without blanks around it; empty where there is none (pandas writes NaN)."""
    if isinstance(value, str):
        return value.strip()
    return f"{value:g}" if isinstance(value, int | float) and value == value else ""
