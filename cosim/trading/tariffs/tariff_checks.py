"""Whether tariffs fit the run, as far as the configuration alone can tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cosim.core.context import Context
from cosim.core.errors import Problem, listed, suggest
from cosim.trading.schemas.retailers import PriceByDay, TariffsConfig

_PATH = "energy_value.tariffs"


def tariff_problems(
    tariffs: TariffsConfig, groups: Sequence[str], context: Context, has_grid: bool
) -> Iterator[Problem]:
    """Everything wrong with groups, holidays, fees and taxes.

    Parameters
    ----------
    tariffs : TariffsConfig
        As configured.
    groups : sequence of str
        Names of the groups of the scenario.
    context : Context
        The run.
    has_grid : bool
        Whether there is a feeder.
    """
    yield from _group_problems(tariffs, groups, context)
    yield from _holiday_problems(tariffs, context)
    for kind, charges in (("grid_fees", tariffs.grid_fees), ("taxes", tariffs.taxes)):
        for number, charge in enumerate(charges):
            if charge.least < 0 and not tariffs.negative_fees:
                message = f"'{charge.called}' is below 0: somebody would be paid for using energy"
                remedy = "Give it 0 or more, or set `negative_fees: true` if a subsidy is meant."
                yield context.problem(f"{_PATH}.{kind}.{number}", message, remedy, f"{charge.least:g}")
    if not has_grid:
        for number, fee in enumerate(tariffs.grid_fees):
            if fee.needs != "nothing":
                message = f"'{fee.kind}' depends on where households are on a feeder, and there is none"
                remedy = "Add `grid:` with a network, or take a `flat` fee."
                yield context.problem(f"{_PATH}.grid_fees.{number}", message, remedy, fee.kind)


def _group_problems(tariffs: TariffsConfig, groups: Sequence[str], context: Context) -> Iterator[Problem]:
    served: dict[str, str] = {}
    for number, retailer in enumerate(tariffs.retailers):
        for place, name in enumerate(retailer.groups):
            path = f"{_PATH}.retailers.{number}.groups.{place}"
            if name not in groups:
                message = f"'{retailer.name}' supplies a group that does not exist"
                yield context.problem(path, message, suggest(name, groups), name)
            elif name in served:
                message = f"'{name}' has a retailer already, '{served[name]}'"
                yield context.problem(path, message, "Name each group once.", name)
            served.setdefault(name, retailer.name)


def _holiday_problems(tariffs: TariffsConfig, context: Context) -> Iterator[Problem]:
    """A day that is a holiday needs a price, and a price for holidays needs such days."""
    for key, price in tariffs.prices():
        if not isinstance(price, PriceByDay):
            continue
        if tariffs.holidays and not price.has_holidays:
            message = f"there are holidays ({listed([str(each) for each in tariffs.holidays[:3]])}"
            message += ", ...)" if len(tariffs.holidays) > 3 else ")"
            message += ", and the tariff has no price for them"
            remedy = "Add `holiday` to the days of one price, such as that of Sunday."
            yield context.problem(f"{_PATH}.{key}.by_day", message, remedy)
        if price.has_holidays and not tariffs.holidays:
            message = "the tariff has a price for holidays, and there are none"
            yield context.problem(
                f"{_PATH}.{key}.by_day", message, "List dates in `holidays`, or leave `holiday` out."
            )
