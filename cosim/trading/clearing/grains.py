"""Energy in whole grains: what is traded adds up exactly."""

from __future__ import annotations

GRAIN_KWH = 2.0**-20
"""Energy is traded in whole multiples of this (about a milliwatt-hour).

Sums and differences of such numbers are exact in floating point, so that a ledger's account does not drift
however often energy is reserved and released, and "not sold twice" holds to the last bit.
"""


def whole_grains(energy_kwh: float) -> float:
    """The largest multiple of `GRAIN_KWH` that is not above an energy (kWh); 0 for a negative one."""
    return max(0.0, energy_kwh // GRAIN_KWH * GRAIN_KWH)
