"""Energy values: what an hour of an appliance is worth to its household, paper B (3)-(8)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

LOWEST_PREFERENCE = 1.0
HIGHEST_PREFERENCE = 3.0
"""Ends of the scale on which preferences are given (paper B, Table III)."""


def normalised_preferences(preferences: ArrayLike) -> NDArray[np.float64]:
    """μ of paper B (6): preferences of 1 ... 3 on a scale of 0 to 1, an appliance's lowest at 0.

    Parameters
    ----------
    preferences : array_like, shape (..., n_hours)
        One row per appliance, each entry in [1, 3].

    Returns
    -------
    ndarray, shape (..., n_hours)
        ``(preference - lowest of the row) / 2``. One unit is the whole scale, so that a preference of 2 over
        1 is half as strong as one of 3 over 1. An appliance with equal preferences everywhere has μ = 0.

    Raises
    ------
    ValueError
        If a preference is outside [1, 3] or not a number.
    """
    given = np.asarray(preferences, dtype=np.float64)
    if not np.all((given >= LOWEST_PREFERENCE) & (given <= HIGHEST_PREFERENCE)):
        raise ValueError(f"preferences lie between {LOWEST_PREFERENCE:g} and {HIGHEST_PREFERENCE:g}")
    lowest = given.min(axis=-1, keepdims=True)
    return np.asarray((given - lowest) / (HIGHEST_PREFERENCE - LOWEST_PREFERENCE))


def scaling_factor(
    rigidity: int, rigidity_max: int, gamma_b: float, grid_price: ArrayLike
) -> NDArray[np.float64]:
    """γ of paper B (8), EUR/kWh: ``(R-1)/(R_max-1) · γ_b · |P^G|``.

    Parameters
    ----------
    rigidity : int
        R, from 1 (cost alone counts) to R_max (preferences count most).
    rigidity_max : int
        R_max, more than 2.
    gamma_b : float
        Base value of the scaling factor, at least 0.
    grid_price : array_like
        P^G, EUR/kWh.

    Notes
    -----
    The paper has P^G, not its size. They differ where the grid's price is negative: there (8) as printed
    would make a preferred hour worth less than any other, so the size is taken.

    Raises
    ------
    ValueError
        If R, R_max or γ_b is outside its range (7).
    """
    if rigidity_max <= 2 or not 1 <= rigidity <= rigidity_max:
        raise ValueError(f"rigidity {rigidity} must lie in 1 ... R_max = {rigidity_max}, and R_max above 2")
    if not gamma_b >= 0:
        raise ValueError(f"gamma_b is {gamma_b}; it must be at least 0")
    share = (rigidity - 1) / (rigidity_max - 1) * gamma_b
    return np.asarray(share * np.abs(np.asarray(grid_price, dtype=np.float64)))


def energy_values(normalised: ArrayLike, scaling: ArrayLike, grid_price: ArrayLike) -> NDArray[np.float64]:
    """ζ of paper B (4), (5), EUR/kWh: ``μ γ + P^G``.

    Parameters
    ----------
    normalised : array_like, shape (n_appliances, n_hours)
        μ, from `normalised_preferences`.
    scaling : array_like, shape (n_hours,)
        γ, from `scaling_factor`.
    grid_price : array_like, shape (n_hours,)
        P^G, EUR/kWh.

    Returns
    -------
    ndarray, shape (n_appliances, n_hours)
    """
    mu = np.asarray(normalised, dtype=np.float64)
    return np.asarray(mu * np.asarray(scaling) + np.asarray(grid_price, dtype=np.float64))
