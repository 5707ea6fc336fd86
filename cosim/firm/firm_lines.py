"""A local firm in words, for `cosim explain`."""

from __future__ import annotations

from collections.abc import Iterator

from cosim.core.errors import count
from cosim.firm.schema import ConnectedFirm, IsolatedFirm


def firm_lines(firm: ConnectedFirm | IsolatedFirm, n_capacities: int) -> Iterator[str]:
    """What it has, when its generator runs, what becomes of what does not balance.

    Parameters
    ----------
    firm : ConnectedFirm or IsolatedFirm
        The firm.
    n_capacities : int
        How many capacities of communities it sets.
    """
    if firm.battery is not None:
        battery = firm.battery
        yield (
            f"battery: {battery.capacity_kwh:g} kWh, charges with up to {battery.charge_kw:g} kW, gives up "
            f"to {battery.discharge_kw:g} kW down to {battery.soc_min:.0%} of it"
        )
    if firm.generator is not None:
        generator = firm.generator
        fuel = "any amount of fuel" if generator.fuel_l is None else f"{generator.fuel_l:g} l of fuel"
        yield (
            f"generator: {generator.min_kw:g} to {generator.rated_kw:g} kW, {fuel}, "
            f"{generator.eur_per_kwh:.3g} EUR/kWh at rated power"
        )
    if isinstance(firm, IsolatedFirm):
        yield (
            "an island: the firm holds the voltage; its generator starts at a state of charge of "
            f"{firm.start_soc:.0%}, stops at {firm.stop_soc:.0%}, and runs when the battery is not enough"
        )
        yield f"not served when energy is short: {_order(firm.unserved_first)}"
        yield f"curtailed when there is too much: {_order(firm.curtailed_first)}"
    else:
        limits = [
            f"{name} {'any power' if kw is None else f'up to {kw:g} kW'}"
            for name, kw in (("draws", firm.contract.import_kw), ("feeds in", firm.contract.export_kw))
        ]
        yield f"by its contract with the main grid it {' and '.join(limits)}"
    if n_capacities:
        yield f"it sets {count(n_capacities, 'capacity', 'capacities')} from its state of charge, by message"


def _order(first: tuple[str, ...]) -> str:
    return f"first {', then '.join(first)}, then all others alike" if first else "all alike"
