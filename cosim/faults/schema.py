"""Configuration of faults: what breaks, for whom, when, and what is left of it afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from cosim.comms.schema import Direction
from cosim.config.base import (
    BusNumber,
    DriftPpm,
    Finite,
    Fraction,
    Hours,
    Items,
    LocalPath,
    Milliseconds,
    Model,
    Name,
    Number,
    Numbers,
    Parts,
    PositiveCount,
    PositiveHours,
    PositiveMilliseconds,
    Probability,
    Range,
    SignedMilliseconds,
)
from cosim.config.csv_format import CsvFormat


class FaultWindow(Model):
    """One time in which a fault is on; it covers its start and not its end."""

    from_h: Hours
    """Start, since the scenario's start [h]."""
    duration_h: PositiveHours
    """Length [h]."""


class _Fault(Model):
    """What every fault has: a name, and times."""

    name: Name | None = None
    """Name in tables and summary, on which its random numbers depend; by default its kind and a number."""
    enabled: bool = True
    """Whether it happens; a disabled fault leaves no trace, and an axis of a sweep can switch it on."""
    from_h: Hours | None = None
    """Start, since the scenario's start [h]; with a rate, when it can first happen."""
    duration_h: PositiveHours | None = None
    """Length [h]; until the end of the run by default. With a rate, how long it can happen."""
    windows: Items[FaultWindow] = ()
    """Several times, instead of `from_h` and `duration_h`."""
    rate_per_day: Annotated[Number, Range(0, 86_400, above_low=True)] | None = None
    """How often per day it happens at random, while it is not active: the time from an end to the next start
    is exponential [1/day]. Households and platforms fail independently; faults of links strike all of them at
    once."""
    mean_duration_h: PositiveHours | None = None
    """Mean length of random faults; exponential [h]."""

    @model_validator(mode="after")
    def _one_way_of_saying_when(self) -> Self:
        at_random = self.rate_per_day is not None or self.mean_duration_h is not None
        if at_random and (self.rate_per_day is None or self.mean_duration_h is None):
            raise ValueError("rate_per_day and mean_duration_h belong together; give both")
        if at_random and self.windows:
            raise ValueError("windows and rate_per_day exclude each other; give one of them")
        if self.windows and (self.from_h is not None or self.duration_h is not None):
            raise ValueError("windows and from_h exclude each other; give one of them")
        if not (at_random or self.windows or self.from_h is not None or self._has_other_times()):
            raise ValueError(
                "nothing says when it happens; give from_h (and duration_h), windows, or rate_per_day and "
                "mean_duration_h"
            )
        return self

    def _has_other_times(self) -> bool:
        return False


class _HouseholdFault(_Fault):
    """A fault of households."""

    households: Numbers[Name] = ()
    """Whom it affects, by name; with `groups`, both. All by default."""
    groups: Parts[Name] = ()
    """Whom it affects, by group."""
    share: Fraction | None = None
    """This share of them, rounded, drawn by the seed; whoever is in a smaller share is also in a larger
    one."""
    count: PositiveCount | None = None
    """This many of them, drawn by the seed in the same order."""

    @model_validator(mode="after")
    def _one_way_of_saying_how_many(self) -> Self:
        if self.share is not None and self.count is not None:
            raise ValueError("share and count exclude each other; give one of them")
        return self


class HouseholdCrash(_HouseholdFault):
    """Households' controllers are down: they hear, decide, report and trade nothing; devices go on."""

    kind: Literal["household_crash"] = "household_crash"
    """Kind of fault."""
    state: Literal["kept", "lost"] = "lost"
    """What is left at the restart: `kept` is everything; `lost` is the configuration alone, so averages, the
    freshest signal, ledgers, offers and what a bidder has learnt are as at the start."""


class PlatformCrash(_Fault):
    """A community's platform is down: it hears nothing and sends nothing."""

    kind: Literal["platform_crash"] = "platform_crash"
    """Kind of fault."""
    communities: Parts[Name] = ()
    """Whose platform; all by default."""
    restart_from: Literal["saved_signal", "nothing"] = "saved_signal"
    """`saved_signal`: from what the last tick left, signals and newest reports; `nothing`: from Ω(0), with no
    report heard."""


class Churn(_HouseholdFault, CsvFormat):
    """Households leave their community and come back as newcomers; load and PV stay."""

    kind: Literal["churn"] = "churn"
    """Kind of fault."""
    file: LocalPath | None = None
    """A trace instead of other times: CSV file with columns `household`, `leaves_h` and `joins_h`, in hours
    since the start; without `joins_h` it stays away."""

    @model_validator(mode="after")
    def _trace_alone(self) -> Self:
        if self.file is not None and (self.windows or self.from_h is not None or self.rate_per_day):
            raise ValueError("the file gives the times; leave out from_h, windows and rate_per_day")
        if self.file is None and (given := sorted(self.model_fields_set & CsvFormat.model_fields.keys())):
            raise ValueError(f"there is no file for {given[0]} to apply to; name one, or leave it out")
        return self

    def _has_other_times(self) -> bool:
        return self.file is not None


class ClockFault(_HouseholdFault):
    """Households' clocks are wrong; they are right again when it ends."""

    kind: Literal["clock"] = "clock"
    """Kind of fault."""
    offset_ms: SignedMilliseconds = 0.0
    """They wake later by this; negative is earlier [ms]. Less than a step."""
    drift_ppm: DriftPpm = 0.0
    """They lose this much from the fault's start on; negative is gained. With offset and jitter less than a
    step at the fault's end [millionths of the elapsed time]."""
    jitter_ms: Milliseconds = 0.0
    """Each wake-up is late by a new uniform time between 0 and this [ms]."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not (self.offset_ms or self.drift_ppm or self.jitter_ms):
            raise ValueError("this changes nothing; give offset_ms, drift_ppm or jitter_ms")
        return self


class Partition(_HouseholdFault):
    """Households are cut off from the platform and all others, both ways, but not from each other."""

    kind: Literal["partition"] = "partition"
    """Kind of fault."""
    buses: Numbers[BusNumber] = ()
    """Households at these buses of the feeder; with `households` and `groups`, all of these together."""


class _LinkFault(_HouseholdFault):
    """A fault of all links to and from households."""

    directions: Annotated[tuple[Direction, ...], Field(min_length=1, max_length=4)] = (
        "downlink",
        "uplink",
        "peer",
    )
    """Which links; `meter` is that of the feeder meter."""


class LossBurst(_LinkFault):
    """Messages get lost, besides those that are lost anyway."""

    kind: Literal["loss_burst"] = "loss_burst"
    """Kind of fault."""
    loss_probability: Probability
    """Probability that the fault loses a message."""


class Duplication(_LinkFault):
    """Messages arrive twice, each copy with its own latency."""

    kind: Literal["duplication"] = "duplication"
    """Kind of fault."""
    duplication_probability: Probability
    """Probability that the fault duplicates a message."""


class Replay(_LinkFault):
    """Messages arrive again, much later than the first time."""

    kind: Literal["replay"] = "replay"
    """Kind of fault."""
    replay_probability: Probability
    """Probability that a message sent during the fault arrives a second time."""
    delay_ms: PositiveMilliseconds
    """How long after its first arrival [ms]."""


class StuckMeter(_HouseholdFault):
    """A meter shows the same value all the time."""

    kind: Literal["stuck_meter"] = "stuck_meter"
    """Kind of fault."""
    meter: Literal["household", "feeder"] = "household"
    """`household`: what these households report; `feeder`: the feeder's measurements of the aggregate and of
    voltage and loading."""
    value: Finite | None = None
    """The value that it shows, for every resource; what it showed last by default, and always so for voltage
    and loading [units per step]."""


class Liar(_HouseholdFault):
    """Households report what they did not do."""

    kind: Literal["liar"] = "liar"
    """Kind of fault."""
    reports: Literal["constant", "inverted", "scaled"] = "constant"
    """`constant`: always `value`; `inverted`: one unit less what they did; `scaled`: `factor` times what they
    did."""
    value: Finite = 1.0
    """What a constant liar reports, for every resource [units per step]."""
    factor: Finite = 2.0
    """What a scaling liar multiplies by [1]."""


class NonComplier(_HouseholdFault):
    """Households do not answer the signal, and report truly what they do."""

    kind: Literal["non_complier"] = "non_complier"
    """Kind of fault."""
    takes: Literal["nothing", "everything", "as_before"] = "nothing"
    """`nothing`: 0 in every step; `everything`: 1, as far as the device can; `as_before`: by the policy, but
    with the signal that they knew when it began."""


AnyFault = (
    HouseholdCrash
    | PlatformCrash
    | Churn
    | ClockFault
    | Partition
    | LossBurst
    | Duplication
    | Replay
    | StuckMeter
    | Liar
    | NonComplier
)
"""The Python types a fault can have."""

FaultConfig = Annotated[AnyFault, Field(discriminator="kind")]
"""A fault, by `kind`."""

AGENT_FAULTS = (Churn, ClockFault, StuckMeter, Liar, NonComplier)
"""Faults of the answer to a signal: they affect only households of communities."""

LINK_FAULTS = (Partition, LossBurst, Duplication, Replay)
"""Faults of links."""


def fault_names(faults: Sequence[AnyFault]) -> tuple[str, ...]:
    """The name of each fault: its own, or its kind and its number among the nameless ones of that kind."""
    seen: dict[str, int] = {}
    names = []
    for fault in faults:
        if fault.name is not None:
            names.append(fault.name)
            continue
        seen[fault.kind] = seen.get(fault.kind, 0) + 1
        names.append(f"{fault.kind}_{seen[fault.kind]}")
    return tuple(names)


def is_told_whom(fault: Any) -> bool:
    """Whether a fault names households in any way."""
    return any(
        getattr(fault, key, None) not in (None, ())
        for key in ("households", "groups", "share", "count", "buses")
    )
