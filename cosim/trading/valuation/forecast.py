"""Forecasts of a household's own load and generation for the day to come."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosim.config.hours import HOURS
from cosim.trading.schemas.forecasts import (
    ErrorForecast,
    ForecastConfig,
    PerfectForecast,
    PersistenceForecast,
)

_NORMAL = NormalDist()


def relative_errors(forecast: ErrorForecast, uniforms: ArrayLike) -> NDArray[np.float64]:
    """Errors of a day's hours, as a share of the value.

    ``bias + e_t`` with ``e_0 = std · z_0`` and ``e_t = ρ e_(t-1) + std · √(1-ρ²) · z_t``, z standard normal:
    a stationary first-order autoregressive series, so each hour has the same standard deviation (Box
    and Jenkins, Time Series Analysis).

    Parameters
    ----------
    forecast : ErrorForecast
        bias, std and correlation ρ.
    uniforms : array_like, shape (n_hours,)
        Numbers on [0, 1), one an hour.

    Returns
    -------
    ndarray, shape (n_hours,)
    """
    # The quantile function is infinite at 0 and 1.
    inside = np.clip(np.asarray(uniforms, dtype=np.float64), 2.0**-54, 1.0 - 2.0**-53)
    normal = [_NORMAL.inv_cdf(quantile) for quantile in inside.tolist()]
    rho = forecast.correlation
    fresh = forecast.std * (1.0 - rho * rho) ** 0.5
    errors, last = [], 0.0
    for hour, z in enumerate(normal):
        last = forecast.std * z if hour == 0 else rho * last + fresh * z
        errors.append(forecast.bias + last)
    return np.array(errors, dtype=np.float64)


def day_ahead(
    forecast: ForecastConfig,
    actual: NDArray[np.float64],
    day: int,
    uniforms: ArrayLike,
    hours_per_day: int = HOURS,
) -> NDArray[np.float64]:
    """What a household expects of a day.

    Parameters
    ----------
    forecast : PerfectForecast, PersistenceForecast or ErrorForecast
        How it forecasts.
    actual : ndarray, shape (n_days · hours_per_day,)
        What is there in every hour of the run, kWh, at least 0.
    day : int
        Which day is forecast, from 0.
    uniforms : array_like, shape (hours_per_day,)
        Numbers on [0, 1) for this household, day and quantity; only `ErrorForecast` looks at them. Of a
        shorter interval than an hour they are those of its hour, and so is its error.

    Returns
    -------
    ndarray, shape (hours_per_day,)
        kWh, at least 0.
    """
    truth = actual[day * hours_per_day : (day + 1) * hours_per_day]
    match forecast:
        case PerfectForecast():
            return truth.copy()
        case PersistenceForecast(days=days):
            if day < days:
                return truth.copy()
            return actual[(day - days) * hours_per_day : (day - days + 1) * hours_per_day].copy()
        case ErrorForecast():
            per_hour = hours_per_day // HOURS
            by_hour = relative_errors(forecast, np.asarray(uniforms)[::per_hour])
            return np.maximum(truth * (1.0 + np.repeat(by_hour, per_hour)[: len(truth)]), 0.0)
