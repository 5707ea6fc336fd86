"""Networks as files describe them, and the scenario's `grid:` section that uses one."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StrictBool, model_validator

from cosim.config.base import (
    MAX_MS,
    MAX_PARTS,
    BusNumber,
    Count,
    Finite,
    Integer,
    LoadingPercent,
    LocalPath,
    Model,
    Name,
    NetworkPath,
    NonNegative,
    Number,
    Numbers,
    Parts,
    PositiveCount,
    Range,
    Text,
    VoltagePu,
)
from cosim.core.errors import InputError, Problem

PandapowerFunction = Literal[
    "create_cigre_network_lv",
    "create_dickert_lv_network",
    "create_kerber_dorfnetz",
    "create_kerber_landnetz_freileitung_1",
    "create_kerber_landnetz_freileitung_2",
    "create_kerber_landnetz_kabel_1",
    "create_kerber_landnetz_kabel_2",
    "create_kerber_vorstadtnetz_kabel_1",
    "create_kerber_vorstadtnetz_kabel_2",
    "create_synthetic_voltage_control_lv_network",
    "ieee_european_lv_asymmetric",
    "kb_extrem_dorfnetz",
    "kb_extrem_dorfnetz_trafo",
    "kb_extrem_landnetz_freileitung",
    "kb_extrem_landnetz_freileitung_trafo",
    "kb_extrem_landnetz_kabel",
    "kb_extrem_landnetz_kabel_trafo",
    "kb_extrem_vorstadtnetz_1",
    "kb_extrem_vorstadtnetz_2",
    "kb_extrem_vorstadtnetz_trafo_1",
    "kb_extrem_vorstadtnetz_trafo_2",
    "lv_schutterwald",
]
"""Functions of `pandapower.networks` that a network file may name."""

PlainScalar = StrictBool | Annotated[Integer, Range(-MAX_MS, MAX_MS)] | Finite | Text


class SimbenchSource(Model):
    """A grid of the SimBench data set; needs the extra `simbench`."""

    kind: Literal["simbench"]
    """Kind of source."""
    code: Annotated[str, Field(pattern=r"^1-LV-[a-z]+\d--[012]-(sw|no_sw)$", max_length=64)]
    """SimBench code of a low-voltage grid without its neighbours, for example `1-LV-rural3--0-sw`."""


class PandapowerSource(Model):
    """A grid built by a function of `pandapower.networks`."""

    kind: Literal["pandapower"]
    """Kind of source."""
    function: PandapowerFunction
    """Name of the function."""
    arguments: Annotated[dict[Text, PlainScalar], Field(max_length=MAX_PARTS)] = Field(default_factory=dict)
    """Its arguments by name; numbers, texts and truth values only."""


class JsonSource(Model):
    """A grid in a pandapower JSON file, read as data (nothing in it is run)."""

    kind: Literal["json"]
    """Kind of source."""
    file: LocalPath
    """The file, relative to the folder of the network file."""


NetworkSource = Annotated[SimbenchSource | PandapowerSource | JsonSource, Field(discriminator="kind")]


class LimitsConfig(Model):
    """The limits within which a feeder is in order; one that is absent comes from the next source.

    The scenario's `grid.limits` come first, then those of the network's YAML file, then each element's own
    in the grid's data (`min_vm_pu`, `max_vm_pu`, `max_loading_percent`), then 0.9 to 1.1 pu and 100 %.
    """

    vm_min_pu: VoltagePu | None = None
    """Lowest permitted voltage magnitude of every bus, per unit of its nominal voltage."""
    vm_max_pu: VoltagePu | None = None
    """Highest permitted voltage magnitude of every bus, per unit of its nominal voltage."""
    line_loading_max_percent: LoadingPercent | None = None
    """Highest permitted loading of every line, percent of its rated current."""
    trafo_loading_max_percent: LoadingPercent | None = None
    """Highest permitted loading of every transformer, percent of its rated current."""

    @model_validator(mode="after")
    def _band_is_open(self) -> Self:
        if self.vm_min_pu is not None and self.vm_max_pu is not None and self.vm_min_pu >= self.vm_max_pu:
            raise ValueError("vm_min_pu is not below vm_max_pu; swap or correct them")
        return self

    def over(self, below: LimitsConfig) -> LimitsConfig:
        """These limits, and where one is absent that of `below`.

        Raises
        ------
        InputError
            If what results is no band: a lowest voltage that is not below the highest.
        """
        merged = below.model_dump() | self.model_dump(exclude_none=True)
        low, high = merged["vm_min_pu"], merged["vm_max_pu"]
        if low is not None and high is not None and low >= high:
            message = f"the lowest voltage is not below the highest, {high} pu"
            remedy = "give both vm_min_pu and vm_max_pu, the first smaller"
            raise InputError([Problem(message, remedy, "grid.limits", value=str(low))])
        return LimitsConfig.model_validate(merged)


TapPosition = Annotated[Integer, Range(-100, 100)]
BusRef = BusNumber | Text
"""A bus by its index in the grid's bus table, or by its name there."""


class NetworkConfig(Model):
    """One `networks/NAME.yaml`: a feeder, where it comes from, and which buses take households."""

    name: Name
    """Name under which a scenario uses it; equal to the file's name without `.yaml`."""
    title: Text
    """One line that says what it is."""
    source: NetworkSource
    """Where the grid's tables come from."""
    origin: Text
    """Who published it, and what to cite."""
    licence: Text
    """Terms under which its data may be used."""
    places: PositiveCount | None = None
    """How many places for households it has, so that a scenario can be checked without loading the grid."""
    limits: LimitsConfig = LimitsConfig()
    """Voltage band and loadings within which it is in order, in place of those in the grid's data."""
    households: Literal["loads"] | Numbers[BusRef] = "loads"
    """Places for households: one at each of the grid's own loads, or the buses named here, one place each
    (name a bus twice for two places)."""

    @model_validator(mode="after")
    def _some_place(self) -> Self:
        if not self.households:
            raise ValueError("households names no bus; write `loads`, or name at least one bus")
        return self


class PlaceOnLoads(Model):
    """Household i stands at the feeder's place i (its own loads, in the order of their index)."""

    kind: Literal["loads"] = "loads"
    """How the households are placed."""


class PlaceByList(Model):
    """Household i stands at the i-th bus listed."""

    kind: Literal["list"]
    """How the households are placed."""
    buses: Annotated[Numbers[BusRef], Field(min_length=1)]
    """Buses by index or name, one for each household; a bus may be named more than once."""


class PlaceSpread(Model):
    """Households are spread over the feeder's places by the scenario's seed, no place twice."""

    kind: Literal["spread"]
    """How the households are placed."""


class TapChangerConfig(Model):
    """A transformer that keeps the voltage at a bus within a dead band, interval by interval."""

    trafo: BusNumber | Text | None = None
    """The two-winding transformer by its index or name in the grid; by default the only one there is."""
    vm_min_pu: VoltagePu
    """Lower end of the dead band, per unit: below it the voltage is raised."""
    vm_max_pu: VoltagePu
    """Upper end of the dead band, per unit; it must be wider than a step of the tap changer."""
    bus: BusRef | None = None
    """The bus whose voltage it keeps, by index or name; by default that of the low-voltage side."""
    delay_min: Annotated[Number, Range(0, 10_080)] = 0.0
    """For how long the voltage must be outside the dead band before a step, min; the step then holds from the
    next interval. By default it takes as many steps within the interval as it needs."""
    positions: tuple[TapPosition, TapPosition] | None = None
    """First and last position; those of the grid's data by default."""
    step_percent: Annotated[Number, Range(0, 20, above_low=True)] | None = None
    """Change of the ratio by a step, percent of the rated voltage of the high-voltage side, for a transformer
    whose data have no tap changer, or a different one; that of the grid's data by default."""

    @model_validator(mode="after")
    def _band_is_open(self) -> Self:
        if self.vm_min_pu >= self.vm_max_pu:
            raise ValueError("vm_min_pu is not below vm_max_pu; swap or correct them")
        if self.positions is not None and self.positions[0] >= self.positions[1]:
            raise ValueError("the first of the positions is not below the last; swap or correct them")
        if self.step_percent is not None and self.positions is None:
            raise ValueError("step_percent alone does not say what range the tap changer has; give positions")
        return self


class SupplyConfig(Model):
    """A source at a bus of the feeder in place of the grid above: an island.

    The external grid is taken out, and so are transformers whose high-voltage side it feeds.
    """

    bus: BusRef
    """The bus where the source stands that holds the voltage, by index or name."""
    vm_pu: VoltagePu = 1.0
    """The voltage that it holds, pu."""


Placement = Annotated[PlaceOnLoads | PlaceByList | PlaceSpread, Field(discriminator="kind")]


class GridConfig(Model):
    """The scenario's `grid:` section: which feeder, and how the households meet it."""

    network: NetworkPath
    """Name of a built-in network (`cosim networks` lists them), or a file in the scenario's folder: a grid
    as `pandapower.to_json` saves it (`.json`), or a YAML file that describes a network. Given with
    `--set`, any file, relative to the working directory."""
    copies: PositiveCount = 1
    """How many copies of the feeder there are, each with households of its own: the households of every
    group, numbered through all copies, are dealt out evenly, so `households` is a multiple of `copies`.
    Communities, links and capacities know nothing of feeders; the household stands in each copy where it
    would stand if that were the only one. Nothing flows between copies."""
    supply: SupplyConfig | None = None
    """What supplies the feeder in place of the grid above; for an island, where a local firm does."""
    interval_min: Literal[60, 15, 10] = 60
    """Length of a metering interval, min: each gives one power flow on its mean powers."""
    placement: Placement = PlaceOnLoads()
    """Which household stands at which bus."""
    background: Literal["profile", "nominal", "none"] | None = None
    """What those of the grid's own loads, generators and storages do that no household stands for: follow
    their profile, draw their nominal power all the time, or nothing. By default `profile` where the grid has
    profiles, else `nominal`."""
    background_scaling: NonNegative = 1.0
    """Factor on the powers of those of the grid's own loads, generators and storages that no household stands
    for. Generators that hold a voltage, wards and motors are part of the network: they act as they are."""
    replace_generators: StrictBool = False
    """Whether a household's own photovoltaics (`simbench`, `csv`) replace the generators that the grid has
    at its bus; by default both feed in."""
    limits: LimitsConfig = LimitsConfig()
    """Limits that replace the network's own."""
    feedback: bool = False
    """Solve each interval during the run, so that measurements of the feeder can be sent and used."""
    run_control: StrictBool = False
    """Whether the network's tap controllers act (pandapower's `DiscreteTapControl` and
    `ContinuousTapControl`). Each interval begins with the tap positions of the data and is then solved by
    `runpp`; by default controllers are left out, with a warning."""
    tap_changers: Parts[TapChangerConfig] = ()
    """Transformers with tap changers that act in the run; positions stay from one interval to the next."""
    verify_power_flow: Count = 0
    """Number of intervals, chosen by the seed, that are solved again with pandapower's `runpp` on the whole
    network as it is in its source, and compared."""
