"""What figures show of the energy-value market: one household's day, hours of the market, bills."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.config.hours import HOURS
from cosim.core.clock import MS_PER_DAY, MS_PER_HOUR
from cosim.core.tables import Coded
from cosim.report.run_data import Columns, RunData, text_list
from cosim.report.table_rows import rows_where, start_ms

Array = NDArray[np.float64]

GRID = "grid"
BILL_PARTS = ("from_grid_eur", "purchases_eur", "compensation_eur", "sales_eur", "to_grid_eur")
CHARGE_PARTS = ("grid_fees_eur", "taxes_eur")
"""Of a bill where there are tariffs."""
ENERGY_PARTS = ("self_consumed_kwh", "bought_kwh", "from_grid_kwh", "sold_kwh", "to_grid_kwh")


class Offers(NamedTuple):
    """Offers of a day, one a seller and hour; shape (n,) each."""

    hour: NDArray[np.int64]
    """Hour of the day."""
    seller: NDArray[np.object_]
    """Who offers."""
    quantity_kwh: Array
    price: Array
    """Energy, and its price in EUR/kWh."""


class HouseholdDay(NamedTuple):
    """One household on one day; series have shape (24,), energies are kWh, prices EUR/kWh."""

    prosumer: str
    """The household."""
    day: int
    """Delivery day of the run, from 0."""
    appliances: list[str]
    """What it scheduled."""
    scheduled_kwh: Array
    value: Array
    """Energy, and the value ζ of those hours; NaN where an appliance does not run. Shape (n_appliances,
    24)."""
    other_kwh: Array
    charged_kwh: Array
    """What it used beside, and what its battery took."""
    sellers: list[str]
    """Other households that it bought from."""
    bought_kwh: Array
    paid: Array
    """Delivered by each, and for how much a kWh; NaN where nothing is. Shape (n_sellers, 24)."""
    own_kwh: Array
    from_grid_kwh: Array
    """The rest of its load: from its own generation, a battery's discharging included, and from the grid."""
    grid_price: Array
    feed_in_price: Array
    """Prices of the day."""
    offers: Offers
    """All that was published for the day."""
    contracted_kw: float
    """The power it may draw; NaN where it is not known."""

    @property
    def load_kwh(self) -> Array:
        """All that it took."""
        return np.asarray(self.scheduled_kwh.sum(axis=0) + self.other_kwh + self.charged_kwh)

    @property
    def price_paid(self) -> Array:
        """Mean price of what it bought from households and of the grid; NaN where it bought nothing."""
        energy = self.bought_kwh.sum(axis=0) + self.from_grid_kwh
        amount = np.nansum(self.bought_kwh * self.paid, axis=0) + self.from_grid_kwh * self.grid_price
        return _ratio(amount, energy)

    @property
    def mean_value(self) -> Array:
        """Mean ζ of what it scheduled, by energy; NaN where nothing runs."""
        return _ratio(np.nansum(self.scheduled_kwh * self.value, axis=0), self.scheduled_kwh.sum(axis=0))


class MarketHours(NamedTuple):
    """The market hour by hour over the run; shape (n_hours,) each."""

    time_ms: NDArray[np.int64]
    """Start of the hour, ms since 1970."""
    offered_kwh: Array
    traded_kwh: Array
    """Offered by all households; delivered between different households."""
    price: Array
    """Mean price of what was delivered, by energy, EUR/kWh; NaN where nothing was."""
    grid_price: Array
    feed_in_price: Array
    """EUR/kWh."""


class Bills(NamedTuple):
    """Bills of all households, the grid's left out."""

    prosumers: list[str]
    """The households, by their totals, lowest first."""
    parts: tuple[str, ...]
    """`BILL_PARTS`, and `CHARGE_PARTS` where there are tariffs."""
    eur: Array
    """Each household's parts over the run. Shape (n_prosumers, n_parts)."""
    days: NDArray[np.int64]
    """Delivery days. Shape (n_days,)."""
    kwh: Array
    """Each day's `ENERGY_PARTS` of all households. Shape (n_days, 5)."""


def household_day(run: RunData) -> HouseholdDay | None:
    """The household and the day with most energy scheduled, of those that bought from others if any did.

    None where the run has no settled day or no meters.
    """
    if not all(run.has(table) for table in ("bills", "prices", "meters", "schedule")):
        return None
    return run.remember("household_day", lambda: _household_day(run, *_example(run)))


def _example(run: RunData) -> tuple[str, int]:
    """The household and the day with most energy scheduled, of those that bought from others if any did."""
    table = run.read("bills", ["day", "prosumer", "bought_kwh"])
    bought = dict(zip(_keys(table), table["bought_kwh"], strict=True))
    scheduled = dict.fromkeys(bought, 0.0)
    for batch in run.batches("schedule", ["day", "prosumer", "energy_kwh"]):
        for key, energy in zip(_keys(batch), batch["energy_kwh"], strict=True):
            if key in scheduled:  # a day that a killed run did not settle is not
                scheduled[key] += energy
    buyers = [key for key, energy in bought.items() if energy > 0]
    return max(buyers or scheduled, key=lambda key: scheduled[key])


def _keys(rows: Columns) -> list[tuple[str, int]]:
    """Household and day of each row."""
    return list(zip(text_list(rows["prosumer"]), rows["day"].tolist(), strict=True))


def _household_day(run: RunData, prosumer: str, day: int) -> HouseholdDay:
    plan = rows_where(
        run, "schedule", ["appliance", "hour", "energy_kwh", "value"], day=day, prosumer=prosumer
    )
    appliances, scheduled, value = _matrices(plan, "appliance", "energy_kwh", "value")
    bought = rows_where(run, "trades", ["seller", "hour", "delivered_kwh", "price"], day=day, buyer=prosumer)
    bought = _keep(bought, (bought["delivered_kwh"] > 0) & (bought["seller"] != prosumer))
    bought = _keep(bought, np.argsort(bought["seller"], kind="stable"))
    sellers, bought_kwh, paid = _matrices(bought, "seller", "delivered_kwh", "price")
    sold = rows_where(run, "trades", ["buyer", "hour", "delivered_kwh"], day=day, seller=prosumer)
    sold = _keep(sold, sold["buyer"] != prosumer)
    sold_kwh = np.zeros(HOURS)
    np.add.at(sold_kwh, sold["hour"], sold["delivered_kwh"])
    used, generated = _metered(run, "meters", ("load_kwh", "pv_kwh"), prosumer, day)
    charged, discharged = _metered(run, "batteries", ("charge_kwh", "discharge_kwh"), prosumer, day)
    rest = used + charged - bought_kwh.sum(axis=0)
    own = np.clip(np.minimum(rest, generated + discharged - sold_kwh), 0.0, None)
    prices = _prices_of(run, prosumer, day)
    offers = rows_where(run, "offers", ["hour", "seller", "quantity_kwh", "price"], day=day)
    return HouseholdDay(
        prosumer=prosumer,
        day=day,
        appliances=appliances,
        scheduled_kwh=scheduled,
        value=value,
        other_kwh=np.clip(used - scheduled.sum(axis=0), 0.0, None),
        charged_kwh=charged,
        sellers=sellers,
        bought_kwh=bought_kwh,
        paid=paid,
        own_kwh=own,
        from_grid_kwh=np.clip(rest - own, 0.0, None),
        grid_price=prices["grid_price"],
        feed_in_price=prices["feed_in_price"],
        offers=Offers(offers["hour"], offers["seller"], offers["quantity_kwh"], offers["price"]),
        contracted_kw=_contracted_kw(run, prosumer),
    )


def _prices_of(run: RunData, prosumer: str, day: int) -> Columns:
    """A day's prices of the household's supplier, without fees and taxes."""
    columns = ["grid_price", "feed_in_price"]
    if not run.has("prosumers", "supplier"):
        found = rows_where(run, "prices", columns, day=day)
        return {name: np.asarray(values).reshape(HOURS, -1).mean(axis=1) for name, values in found.items()}
    supplier = rows_where(run, "prosumers", ["supplier"], prosumer=prosumer)["supplier"].tolist()[0]
    return rows_where(run, "retail_prices", columns, day=day, supplier=supplier)


def _metered(
    run: RunData, table: str, columns: tuple[str, str], prosumer: str, day: int
) -> tuple[Array, Array]:
    """Two columns of a table of intervals, by hour, kWh; zeros where the run has no such table."""
    sums = np.zeros((2, HOURS))
    if run.has(table):
        rows = rows_where(run, table, ["time", *columns], day=day, prosumer=prosumer)
        hour = (rows["time"] - start_ms(run)) % MS_PER_DAY // MS_PER_HOUR
        for total, column in zip(sums, columns, strict=True):
            np.add.at(total, hour, rows[column])
    return sums[0], sums[1]


def _contracted_kw(run: RunData, prosumer: str) -> float:
    if not run.has("prosumers", "contracted_power_kw"):
        return float("nan")
    rows = rows_where(run, "prosumers", ["contracted_power_kw"], prosumer=prosumer)
    return float(rows["contracted_power_kw"][0])


def market_hours(run: RunData) -> MarketHours | None:
    """Offers, trades and prices hour by hour; None where nothing was offered.

    Of shorter market intervals energies are added up, and prices of the grid averaged.
    """
    if not (run.has("prices") and run.has("offers")):
        return None
    prices = run.read("prices", ["day", "hour", "grid_price", "feed_in_price"])
    number = np.unique(prices["day"] * HOURS + prices["hour"])
    n = len(number)
    by_hour = {name: prices[name].reshape(n, -1).mean(axis=1) for name in ("grid_price", "feed_in_price")}
    offered, traded, amount = np.zeros(n), np.zeros(n), np.zeros(n)
    for batch in run.batches("offers", ["day", "hour", "quantity_kwh"]):
        np.add.at(offered, batch["day"] * HOURS + batch["hour"], batch["quantity_kwh"])
    for batch in run.batches("trades", ["day", "hour", "buyer", "seller", "delivered_kwh", "price"]):
        between = np.array(text_list(batch["buyer"])) != np.array(text_list(batch["seller"]))
        hour = (batch["day"] * HOURS + batch["hour"])[between]
        energy = batch["delivered_kwh"][between]
        np.add.at(traded, hour, energy)
        np.add.at(amount, hour, energy * batch["price"][between])
    price = _ratio(amount, traded)
    time_ms = start_ms(run) + number * MS_PER_HOUR
    return MarketHours(time_ms, offered, traded, price, **by_hour)


def bills(run: RunData) -> Bills | None:
    """Bills by household and energy by day; None where no day was settled."""
    if not run.has("bills"):
        return None
    parts = (*BILL_PARTS, *(CHARGE_PARTS if run.has("bills", *CHARGE_PARTS) else ()))
    table = run.read("bills", ["day", "prosumer", *parts, *ENERGY_PARTS])
    column: Coded = table["prosumer"]
    known = set(run.distinct("prosumers", "prosumer"))
    homes = np.array([text in known for text in column.texts])[column.codes]
    eur = np.zeros((len(column.texts), len(parts)))
    for position, part in enumerate(parts):
        np.add.at(eur[:, position], column.codes, table[part])
    n_days = int(table["day"].max()) + 1
    kwh = np.zeros((n_days, len(ENERGY_PARTS)))
    for position, part in enumerate(ENERGY_PARTS):
        np.add.at(kwh[:, position], table["day"][homes], table[part][homes])
    households = np.array([code for code, text in enumerate(column.texts) if text in known])
    order = households[np.argsort(eur[households].sum(axis=1), kind="stable")]
    return Bills([column.texts[code] for code in order], parts, eur[order], np.arange(n_days), kwh)


def _keep(rows: Columns, which: NDArray[Any]) -> Columns:
    return {name: values[which] for name, values in rows.items()}


def _matrices(rows: Columns, name: str, energy: str, price: str) -> tuple[list[str], Array, Array]:
    """Rows by name and hour: the names in their order, energies added up; mean prices, NaN elsewhere."""
    names = list(dict.fromkeys(rows[name].tolist()))
    at = np.array([names.index(text) for text in rows[name].tolist()], int), rows["hour"].astype(int)
    energies, amounts = np.zeros((len(names), HOURS)), np.zeros((len(names), HOURS))
    np.add.at(energies, at, rows[energy])
    np.add.at(amounts, at, rows[energy] * rows[price])
    return names, energies, _ratio(amounts, energies)


def _ratio(amount: Array, energy: Array) -> Array:
    return np.asarray(np.divide(amount, energy, out=np.full(energy.shape, np.nan), where=energy > 0))
