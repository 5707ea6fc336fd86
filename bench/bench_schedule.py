"""The exact schedule of a household's day against the plain mixed-integer formulation, on the same instances.

    python bench/bench_schedule.py [--instances N]

Full size: the nine appliances of paper B's Table I, 24 hours, 50 sellers. In the plain formulation every
block has a binary variable for each start, every hour of an appliance that may pause one too, and every
offer of every hour a continuous one; `scipy.optimize.milp` (HiGHS) solves it to a gap of 0. Both run on one
thread. Prints the median and the worst time of both, the ratio of the medians, the median and the smallest
of the ratios, and how far the greedy schedule is below. Leaves with 1 if the ratio of the medians is below
20 or the two disagree.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import NamedTuple

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np  # noqa: E402 - after the number of threads
from numpy.typing import NDArray  # noqa: E402 - as above

from cosim.trading.scheduling.exact import solve_exact  # noqa: E402 - as above
from cosim.trading.scheduling.greedy import solve_greedy  # noqa: E402 - as above
from cosim.trading.scheduling.schedule import Schedule, ScheduleProblem  # noqa: E402 - as above
from cosim.trading.scheduling.supply import merit_order  # noqa: E402 - as above
from cosim.trading.schemas.appliances import TableIAppliances  # noqa: E402 - as above
from cosim.trading.valuation.appliance import Appliance  # noqa: E402 - as above
from cosim.trading.valuation.energy_values import energy_values, normalised_preferences, scaling_factor  # noqa: E402 - as above
from cosim.trading.valuation.offers import Offer  # noqa: E402 - as above
from cosim.trading.valuation.participants import listed_day  # noqa: E402 - as above

N_HOURS = 24
CONTRACTED_KW = 10.35
NEEDED_RATIO = 20
AGREEMENT = 1e-6
KINDS = ("solar", "all_day")


class Instance(NamedTuple):
    """A household's day, as numbers.

    Attributes
    ----------
    appliances : tuple of Appliance
        Table I.
    values : ndarray, shape (n_appliances, 24)
        ζ, EUR/kWh.
    offers : list of Offer
        Of all sellers and hours.
    grid_price : ndarray, shape (24,)
        EUR/kWh.
    """

    appliances: tuple[Appliance, ...]
    values: NDArray[np.float64]
    offers: list[Offer]
    grid_price: NDArray[np.float64]


def full_size(seed: int, kind: str = "solar", n_sellers: int = 50) -> Instance:
    """A random full-size instance.

    Grid prices have a morning and an evening peak, as those of paper B's Table II (a picture in the source)
    seem to. Preferences are Table III, shifted by up to two hours. κ is uniform between the IEP's 10 % and
    1.

    Parameters
    ----------
    seed : int
        Which instance.
    kind : {"solar", "all_day"}
        Whether offers follow the sun, or come in every hour.
    n_sellers : int
        Offers of an hour, at most.
    """
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    hour = np.arange(N_HOURS)
    morning, evening = np.exp(-(((hour - 8) / 2.5) ** 2)), np.exp(-(((hour - 19.5) / 2.5) ** 2))
    grid_price = 0.12 + 0.08 * morning + 0.14 * evening + rng.normal(0, 0.004, N_HOURS)
    sun = np.clip(np.sin(np.pi * (hour - 6) / 13), 0, None) ** 1.5
    shape = sun if kind == "solar" else rng.uniform(0.2, 1.0, N_HOURS)
    # In the noon hours all sellers together offer 2 to 20 kWh.
    peak_kwh = rng.uniform(0.1, 1.5, n_sellers) * rng.uniform(0.3, 1.5) * 13.5 / n_sellers
    quantity = peak_kwh[:, None] * shape * rng.uniform(0.7, 1.1, (n_sellers, N_HOURS))
    kappa = rng.uniform(0.1, 1.0, (n_sellers, N_HOURS))
    offers = [
        Offer(int(t), int(seller), float(quantity[seller, t]), float(kappa[seller, t] * grid_price[t]))
        for seller, t in zip(*np.nonzero(quantity > 1e-9), strict=True)
    ]
    appliances, preferences = listed_day(TableIAppliances())
    shifted = np.array([np.roll(row, rng.integers(-2, 3)) for row in preferences])
    scaling = scaling_factor(int(rng.integers(1, 6)), 5, float(rng.uniform(0.3, 1.5)), grid_price)
    values = energy_values(normalised_preferences(shifted), scaling, grid_price)
    return Instance(appliances, values, offers, grid_price)


def without_preferences(instance: Instance) -> Instance:
    """The same day with γ = 0: an hour is worth the grid's price to every appliance."""
    return instance._replace(values=np.broadcast_to(instance.grid_price, instance.values.shape).copy())


def as_problem(instance: Instance, contracted_kw: float = CONTRACTED_KW) -> ScheduleProblem:
    """The instance as the solvers take it."""
    supply = merit_order(instance.offers, instance.grid_price, contracted_kw)
    return ScheduleProblem(instance.appliances, instance.values, supply)


class PlainModel(NamedTuple):
    """Arguments of `scipy.optimize.milp`."""

    c: list[float]
    constraints: list[object]
    integrality: list[int]
    bounds: object


def plain_model(instance: Instance, contracted_kw: float = CONTRACTED_KW) -> PlainModel:
    """The plain formulation. Rows: a balance for each hour, a choice for each appliance, the limit of each
    hour.
    """
    from scipy.optimize import Bounds, LinearConstraint
    from scipy.sparse import coo_matrix

    entries: list[tuple[int, int, float]] = []
    c: list[float] = []
    integrality: list[int] = []
    upper: list[float] = []
    chosen: list[float] = []
    for number, (appliance, value) in enumerate(zip(instance.appliances, instance.values, strict=True)):
        length = appliance.duration if appliance.contiguous else 1
        for start in range(appliance.earliest, appliance.latest - length + 1):
            covered = range(start, start + length)
            entries += [(hour, len(c), appliance.power_kw) for hour in covered]
            entries.append((N_HOURS + number, len(c), 1.0))
            c.append(-appliance.power_kw * float(sum(value[hour] for hour in covered)))
            integrality.append(1)
            upper.append(1.0)
        chosen.append(1.0 if appliance.contiguous else float(appliance.duration))
    n_binary, n_rows = len(c), N_HOURS + len(chosen)
    from_grid = [
        Offer(hour, -1, contracted_kw, float(price)) for hour, price in enumerate(instance.grid_price)
    ]
    for offer in [*instance.offers, *from_grid]:
        entries.append((offer.hour, len(c), -1.0))
        c.append(offer.price)
        integrality.append(0)
        upper.append(offer.quantity_kwh)
    limits = [
        (n_rows + row, column, value) for row, column, value in entries if row < N_HOURS and column < n_binary
    ]
    row, column, value = zip(*entries, *limits, strict=True)
    matrix = coo_matrix((value, (row, column)), shape=(n_rows + N_HOURS, len(c))).tocsr()
    low = np.concatenate([np.zeros(N_HOURS), chosen, np.full(N_HOURS, -np.inf)])
    high = np.concatenate([np.zeros(N_HOURS), chosen, np.full(N_HOURS, contracted_kw)])
    return PlainModel(c, [LinearConstraint(matrix, low, high)], integrality, Bounds(0, upper))


def solve_plain(model: PlainModel) -> float:
    """The optimum of the plain formulation, EUR; NaN if there is none."""
    from scipy.optimize import milp

    found = milp(
        model.c,
        constraints=model.constraints,
        integrality=model.integrality,
        bounds=model.bounds,
        options={"mip_rel_gap": 0},
    )
    return -float(found.fun) if found.status == 0 else float("nan")


def main() -> int:
    """Measure, print, and say whether it is fast enough and right."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=40, help="instances of each kind")
    n_instances = parser.parse_args().instances
    solve_exact(as_problem(full_size(0)))
    exact_ms, plain_ms, gaps, wrong = [], [], [], 0
    parts = [(kind, [full_size(seed, kind) for seed in range(n_instances)]) for kind in KINDS]
    parts.append(("all_day, γ = 0", [without_preferences(each) for each in parts[-1][1]]))
    for name, instances in parts:
        rows = [_measure(instance) for instance in instances]
        exact, plain, gap, right = (np.array(column) for column in zip(*rows, strict=True))
        _report(f"{name}, {n_instances} instances", exact, plain, gap)
        exact_ms.append(exact), plain_ms.append(plain), gaps.append(gap)
        wrong += int(np.sum(~right))
    exact, plain = np.concatenate(exact_ms), np.concatenate(plain_ms)
    _report(f"all, {len(exact)} instances", exact, plain, np.concatenate(gaps))
    ratio = float(np.median(plain) / np.median(exact))
    print(f"exact and plain disagree by more than {AGREEMENT:g} EUR in {wrong} instances")
    print(f"ratio {ratio:.0f}, needed {NEEDED_RATIO}")
    return int(ratio < NEEDED_RATIO or wrong > 0)


def _measure(instance: Instance) -> tuple[float, float, float, bool]:
    """Milliseconds of both, the greedy schedule's gap in EUR, and whether both agree."""
    start = time.perf_counter()
    exact = solve_exact(as_problem(instance))
    exact_ms = (time.perf_counter() - start) * 1e3
    model = plain_model(instance)
    start = time.perf_counter()
    optimum = solve_plain(model)
    plain_ms = (time.perf_counter() - start) * 1e3
    greedy = solve_greedy(as_problem(instance))
    value = exact.objective if isinstance(exact, Schedule) else float("nan")
    gap = value - greedy.objective if isinstance(greedy, Schedule) else float("nan")
    return exact_ms, plain_ms, gap, abs(value - optimum) <= AGREEMENT


def _report(
    name: str, exact_ms: NDArray[np.float64], plain_ms: NDArray[np.float64], gap: NDArray[np.float64]
) -> None:
    ratios = plain_ms / exact_ms
    print(name)
    print(f"  exact    median {np.median(exact_ms):8.2f} ms   worst {exact_ms.max():8.1f} ms")
    print(f"  plain    median {np.median(plain_ms):8.2f} ms   worst {plain_ms.max():8.1f} ms")
    print(
        f"  ratio    of medians {np.median(plain_ms) / np.median(exact_ms):.0f}, "
        f"median {np.median(ratios):.0f}, smallest {ratios.min():.1f}, "
        f"of the worst {plain_ms.max() / exact_ms.max():.0f}"
    )
    missing = int(np.sum(np.isnan(gap)))
    print(
        f"  greedy   below exact by {np.nanmedian(gap):.4f} EUR (median), {np.nanmax(gap):.4f} EUR (worst); "
        f"no schedule in {missing}"
    )


if __name__ == "__main__":
    sys.exit(main())
