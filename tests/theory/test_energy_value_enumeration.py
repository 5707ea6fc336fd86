"""The exact schedule against exhaustive enumeration, by loops that share no code with the solver."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product
from time import monotonic, sleep

import numpy as np
import pytest
import scipy.optimize
from numpy.typing import NDArray

from cosim.trading.scheduling import choices, search
from cosim.trading.scheduling.exact import solve_exact
from cosim.trading.scheduling.greedy import solve_greedy
from cosim.trading.scheduling.schedule import Infeasible, Schedule, ScheduleProblem
from cosim.trading.scheduling.search import SearchCount
from cosim.trading.scheduling.supply import merit_order
from cosim.trading.valuation.appliance import Appliance
from cosim.trading.valuation.offers import Offer

Case = tuple[ScheduleProblem, list[Offer], NDArray[np.float64], float]
Rows = tuple[tuple[int, ...], ...]


def rows_of(appliance: Appliance, n_hours: int) -> Iterator[tuple[int, ...]]:
    """Every row of on and off that an appliance may have, by trying all sets of hours."""
    window = range(appliance.earliest, appliance.latest)
    for hours in combinations(window, appliance.duration * appliance.runs_per_day):
        runs = [hours[i : i + appliance.duration] for i in range(0, len(hours), appliance.duration)]
        if not appliance.contiguous or all(run[-1] - run[0] == appliance.duration - 1 for run in runs):
            yield tuple(int(hour in hours) for hour in range(n_hours))


def buy(load_kwh: float, offers: list[Offer], grid_price: float, contracted_kw: float) -> float | None:
    """What a load costs, bought from the cheapest first; None if it is too much."""
    if load_kwh > contracted_kw + 1e-9:
        return None
    cost, missing = 0.0, load_kwh
    for price, quantity in sorted(
        [(o.price, o.quantity_kwh) for o in offers] + [(grid_price, contracted_kw)]
    ):
        taken = min(missing, quantity)
        cost, missing = cost + taken * price, missing - taken
    return cost


def worth_of(case: Case, rows: Rows) -> float | None:
    """Energy value less cost of a schedule; None if an hour is over the limit."""
    problem, offers, grid_price, contracted_kw = case
    total = 0.0
    for hour in range(problem.n_hours):
        load = float(problem.fixed_load_kwh[hour])
        for index, (appliance, row) in enumerate(zip(problem.appliances, rows, strict=True)):
            load += appliance.power_kw * row[hour]
            total += appliance.power_kw * row[hour] * float(problem.values[index, hour])
        here = [offer for offer in offers if offer.hour == hour]
        cost = buy(load, here, float(grid_price[hour]), contracted_kw)
        if cost is None:
            return None
        total -= cost
    return total


def enumerated(case: Case) -> float | None:
    """The largest worth over every schedule; None if none keeps the limits."""
    problem = case[0]
    everything = product(*(list(rows_of(appliance, problem.n_hours)) for appliance in problem.appliances))
    return max((worth for rows in everything if (worth := worth_of(case, rows)) is not None), default=None)


def small_case(seed: int) -> Case:
    """A day of 4 to 7 hours, up to 4 appliances; ties, negative prices and tight limits are frequent."""
    rng = np.random.default_rng(seed)
    n_hours, coarse = int(rng.integers(4, 8)), rng.random() < 0.4
    grid_price = rng.integers(-2, 5, n_hours) / 10.0 if coarse else rng.uniform(-0.1, 0.4, n_hours)
    if rng.random() < 0.15:
        grid_price[:] = 0.2
    appliances = []
    for number in range(int(rng.integers(1, 5))):
        first = int(rng.integers(0, 2))
        duration, runs = int(rng.integers(1, 4)), int(rng.choice([1, 1, 1, 2]))
        if duration * runs > n_hours - first and rng.random() < 0.95:
            runs = 1
        last = int(min(n_hours, first + duration * runs + rng.integers(0, 5)))
        power = float(rng.integers(1, 7)) / 2 if rng.random() < 0.7 else float(rng.uniform(0.1, 3.0))
        contiguous = bool(rng.random() < 0.6)
        appliances.append(Appliance(f"a{number}", power, duration, contiguous, first, last, runs))
    spread = rng.integers(0, 3, (len(appliances), n_hours)) / 2.0
    values = spread * rng.choice([0.0, 0.3, 1.0]) * np.abs(grid_price) + grid_price
    offers = []
    for hour in range(n_hours):
        for seller in range(int(rng.integers(0, 5))):
            quantity = float(rng.integers(1, 6)) / 2 if coarse else float(rng.uniform(0, 2))
            share = float(rng.choice([0.25, 0.5, 0.75])) if coarse else float(rng.uniform(0.1, 1.1))
            offers.append(Offer(hour, seller, quantity, share * float(grid_price[hour])))
    contracted_kw = float(rng.choice([3.0, 4.5, 6.0, 12.0]))
    fixed = rng.integers(0, 2, n_hours) / 2.0 if rng.random() < 0.5 else np.zeros(n_hours)
    supply = merit_order(offers, grid_price, contracted_kw)
    return ScheduleProblem(tuple(appliances), values, supply, fixed), offers, grid_price, contracted_kw


def check(case: Case, count: SearchCount | None = None) -> str:
    """Compare one case; say what kind it was."""
    optimum, found, quick = enumerated(case), solve_exact(case[0], count), solve_greedy(case[0])
    if optimum is None:
        assert isinstance(found, Infeasible)
        assert found.proved
        assert found.problems
        assert found.too_long or found.shortages
        assert isinstance(quick, Infeasible)
        return "infeasible"
    assert isinstance(found, Schedule)
    rows = tuple(tuple(int(on) for on in row) for row in found.on)
    for appliance, row in zip(case[0].appliances, rows, strict=True):
        assert row in set(rows_of(appliance, case[0].n_hours))
    by_the_book = worth_of(case, rows)
    assert by_the_book is not None
    assert found.objective == pytest.approx(by_the_book, abs=1e-9)
    assert by_the_book == pytest.approx(optimum, abs=1e-8)
    if isinstance(quick, Schedule):
        assert quick.objective <= optimum + 1e-9
        return "both"
    return "exact only"


@pytest.mark.parametrize("n_days", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_small_days(n_days: int) -> None:
    kinds = [check(small_case(seed)) for seed in range(n_days)]
    # The cases must not all be of one kind, or the comparison would say little.
    assert kinds.count("infeasible") > 0.05 * n_days
    assert kinds.count("both") > 0.5 * n_days
    assert kinds.count("exact only") > 0.005 * n_days


def test_of_equal_schedules_none_is_left_in_which_an_appliance_alone_could_run_earlier() -> None:
    """The rule for ties, on days with coarse prices and quantities, where ties are many."""
    could_move, n_checked = 0, 0
    for seed in range(400):
        case = small_case(seed)
        found = solve_exact(case[0])
        if isinstance(found, Infeasible):
            continue
        rows = tuple(tuple(int(on) for on in row) for row in found.on)
        optimum = worth_of(case, rows)
        assert optimum is not None
        for index, appliance in enumerate(case[0].appliances):
            for other in rows_of(appliance, case[0].n_hours):
                changed = worth_of(case, (*rows[:index], other, *rows[index + 1 :]))
                if other == rows[index] or changed is None or changed < optimum - 1e-12:
                    continue
                n_checked += 1
                # As numbers of running hours, compared from the first on; the smaller is the earlier.
                hours, mine = np.flatnonzero(other).tolist(), np.flatnonzero(rows[index]).tolist()
                could_move += hours < mine
    assert n_checked > 100
    assert could_move == 0


@pytest.mark.slow
def test_days_with_several_flexible_appliances(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dynamic programme over hours: everything with free hours is flexible, not listed."""
    monkeypatch.setattr(choices, "LISTED_WAYS", 1)
    kinds = [check(small_case(seed)) for seed in range(2000, 2300)]
    assert kinds.count("both") > 100


@pytest.mark.slow
def test_branching_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for no partial schedule, every appliance is branched on."""
    monkeypatch.setattr(search, "_MAX_PARTIAL", 0)
    counts = [SearchCount() for _ in range(300)]
    for seed, count in enumerate(counts):
        check(small_case(3000 + seed), count)
    assert sum(count.subproblems > 3 for count in counts) > 20


@pytest.mark.slow
def test_handing_over_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for no subproblem beyond the first, HiGHS closes what is open, without a limit."""
    monkeypatch.setattr(search, "_MAX_PARTIAL", 0)
    monkeypatch.setattr(search, "_MAX_SUBPROBLEMS", 1)
    counts = [SearchCount() for _ in range(200)]
    for seed, count in enumerate(counts):
        check(small_case(4000 + seed), count)
    assert sum(count.handed_over for count in counts) > 15


@pytest.mark.parametrize("limit", [2, *(pytest.param(each, marks=pytest.mark.slow) for each in (1, 5))])
@pytest.mark.slow
def test_a_limit_says_how_far_from_the_best_a_schedule_may_be(
    monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """With room for no partial schedule, a few subproblems are seldom enough; the gap holds the optimum."""
    monkeypatch.setattr(search, "_MAX_PARTIAL", 0)
    with_gap, short = 0, 0
    for seed in range(400):
        case = small_case(5000 + seed)
        optimum, found = enumerated(case), solve_exact(case[0], limit=limit)
        if isinstance(found, Infeasible):
            assert optimum is None
            continue
        assert optimum is not None
        assert found.objective <= optimum + 1e-8
        assert optimum <= found.objective + found.gap + 1e-8
        with_gap += found.gap > 0
        short += optimum > found.objective + 1e-8
    assert with_gap > 5
    assert short <= with_gap


@pytest.mark.slow
def test_a_larger_limit_closes_the_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_MAX_PARTIAL", 0)
    gaps = []
    for limit in (1, 2, 3, 100_000):
        found = [solve_exact(small_case(5000 + seed)[0], limit=limit) for seed in range(200)]
        gaps.append([each.gap for each in found if isinstance(each, Schedule)])
    assert all(len(row) == len(gaps[0]) for row in gaps)
    n_open = [sum(gap > 0 for gap in row) for row in gaps]
    assert n_open[0] > n_open[1] > n_open[3] == 0
    assert n_open[1] >= n_open[2]


def test_what_a_pause_raises_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the own search and while HiGHS works; a pause is never far."""
    monkeypatch.setattr(search, "_MAX_PARTIAL", 0)
    calls = 0

    def pause() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt

    def schedule_many(first_seed: int) -> None:
        for seed in range(50):
            solve_exact(small_case(first_seed + seed)[0], pause=pause)

    with pytest.raises(KeyboardInterrupt):
        schedule_many(3000)

    def endless(*_: object, **__: object) -> None:
        sleep(3600)

    monkeypatch.setattr(scipy.optimize, "milp", endless)
    monkeypatch.setattr(search, "_MAX_SUBPROBLEMS", 1)
    calls, since = 0, monotonic()
    with pytest.raises(KeyboardInterrupt):
        schedule_many(4000)
    assert monotonic() - since < 5
