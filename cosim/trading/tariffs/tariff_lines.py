"""What `cosim explain` says of tariffs: who supplies whom, at what prices, and what comes on top."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from cosim.core.errors import count
from cosim.trading.tariffs.tariff_prices import TariffPriceList


def tariff_lines(prices: TariffPriceList, names: Sequence[str]) -> Iterator[str]:
    """Each supplier with its customers and its prices, then fees and taxes by name."""
    yield "# tariffs: supplier, customers, range of prices without fees and taxes [EUR/kWh]"
    for supplier in prices.suppliers:
        if not len(supplier.members):
            continue
        grid, feed_in = supplier.prices.grid, supplier.prices.feed_in
        customers = [names[int(member)] for member in supplier.members]
        yield (
            f"{supplier.name}  {count(len(customers), 'household')} ({_span(customers)})  "
            f"grid {grid.min():g} to {grid.max():g}  feed-in {feed_in.min():g} to {feed_in.max():g}"
        )
    charging = prices.charging
    if charging.names:
        yield "# fees and taxes, as they are added: name, kind, who gets it, on a kWh of others"
    for fee in charging.fees:
        on_peers = "by the seller" if fee.by_seller else "as declared"
        yield f"{fee.called}  {fee.kind}  grid operator  {on_peers}"
    for tax in charging.taxes:
        rate = tax.rate("peers")
        parts = [
            f"{value:g} {of}"
            for value, of in (
                (rate.eur_per_kwh, "EUR/kWh"),
                (rate.of_price, "of the price"),
                (rate.of_charges, "of what comes before"),
            )
            if value
        ]
        yield f"{tax.called}  {tax.kind}  state  {' and '.join(parts) or 'nothing'}"
    if charging.names:
        dearest = np.max(
            [prices.of(int(s.members[0]), 0).grid.max() for s in prices.suppliers if len(s.members)]
        )
        yield f"a kWh from the grid on the first day, all included: at most {dearest:g} EUR"


def _span(customers: Sequence[str]) -> str:
    """First and last where they follow each other, else the first few."""
    return customers[0] if len(customers) == 1 else f"{customers[0]} ... {customers[-1]}"
