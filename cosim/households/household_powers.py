"""What all households and their devices draw in an interval, as the summary tells it of the worst ones."""

from __future__ import annotations

import math

from cosim.core.numbers import Number, declared
from cosim.grid.moments import limits_and_moments
from cosim.grid.verdict import MOMENTS
from cosim.households.meters import Reading

NUMBERS = declared(
    MOMENTS,
    "meters of the households",
    *(
        number
        for key, moment in limits_and_moments()
        for number in (
            Number(f"{key}_load_kw", f"loads {moment}", "kW",
                "what the loads of all households drew in that interval"),
            Number(f"{key}_generated_kw", f"generation {moment}", "kW",
                "what all households generated in that interval"),
            Number(f"{key}_{{device}}_drawn_kw", f"drawn {moment}", "kW",
                "what all devices of this kind took in that interval, less what they gave", least=-math.inf),
        )
    ),
)  # fmt: skip


def powers(reading: Reading, interval_h: float) -> dict[str, float]:
    """Mean powers of all households together in an interval of so many hours."""
    energies = {"load_kw": reading.load_kwh.sum(), "generated_kw": reading.pv_kwh.sum()} | {
        f"{kind}_drawn_kw": shown.values["taken_kwh"].sum() - shown.values["given_kwh"].sum()
        for kind, shown in reading.devices.items()
    }
    return {name: float(kwh) / interval_h for name, kwh in energies.items()}
