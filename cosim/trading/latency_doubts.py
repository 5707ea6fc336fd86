"""Whether messages between households are fast enough for the timetable of trading."""

from __future__ import annotations

from collections.abc import Iterator

from cosim.comms.latency import TraceReader
from cosim.comms.schema import CommsConfig, Direction, resolve
from cosim.core.clock import MS_PER_HOUR, MS_PER_SECOND, to_ms
from cosim.core.errors import Problem
from cosim.core.population import Population
from cosim.trading.schemas.rules import TradingRulesConfig

_PATH = "energy_value.rules"


def latency_problems(
    rules: TradingRulesConfig, comms: CommsConfig, population: Population, read_trace: TraceReader
) -> list[Problem]:
    """Warnings where most messages between households come too late to be of use.

    Judged by the largest of the households' median latencies.
    """
    if not rules.rule.trades:
        return []
    if rules.has_operator:
        up_ms = _median_ms(comms, "uplink", population, read_trace)
        down_ms = _median_ms(comms, "downlink", population, read_trace)
        return list(_orders_too_late(rules, up_ms, down_ms))
    return list(_too_late(rules, _median_ms(comms, "peer", population, read_trace)))


def _median_ms(
    comms: CommsConfig, direction: Direction, population: Population, read_trace: TraceReader
) -> float:
    """The largest of the households' median latencies, ms."""
    links = {
        resolve(comms, direction, group.name, population.names[household]).latency
        for group in population.groups
        for household in group.members
    }
    return max(latency.distribution(read_trace).quantile_ms(0.5) for latency in links)


def _orders_too_late(rules: TradingRulesConfig, up_ms: float, down_ms: float) -> Iterator[Problem]:
    orders_ms = to_ms(rules.publication_h - rules.gate_closure_h, MS_PER_HOUR)
    if up_ms > orders_ms:
        late = f"half of the orders of some households take {up_ms / MS_PER_SECOND:,.10g} s or longer"
        message = f"{late}: the gate closes {orders_ms / MS_PER_SECOND:g} s after they are sent"
        remedy = "Publish earlier, or close the gate later."
        yield Problem(message, remedy, f"{_PATH}.publication_h", severity="warning")
    if up_ms + down_ms > rules.request_timeout_ms:
        timeout_s = rules.request_timeout_ms / MS_PER_SECOND
        message = f"some households repeat their orders after {timeout_s:g} s, before the answer comes"
        remedy = "Wait longer: every message is sent twice or more."
        yield Problem(message, remedy, f"{_PATH}.request_timeout_ms", severity="warning")


def _too_late(rules: TradingRulesConfig, median_ms: float) -> Iterator[Problem]:
    late = f"half of the messages between some households take {median_ms / MS_PER_SECOND:,.10g} s or longer"

    def warning(key: str, what: str, remedy: str) -> Problem:
        return Problem(f"{late}: {what}", remedy, f"{_PATH}.{key}", severity="warning")

    offers_ms = to_ms(rules.publication_h - rules.gate_closure_h, MS_PER_HOUR)
    window_ms = to_ms(rules.gate_closure_h - rules.confirmation_deadline_h, MS_PER_HOUR)
    if median_ms > offers_ms:
        what = f"their offers arrive after gate closure, {offers_ms / MS_PER_SECOND:g} s after publication"
        yield warning("publication_h", what, "Publish earlier, or close the gate later.")
    # Request, accept, confirm, receipt.
    if 4 * median_ms > window_ms:
        what = f"a trade takes four, and the deadline is {window_ms / MS_PER_SECOND:g} s after gate closure"
        yield warning("confirmation_deadline_h", what, "Close the gate earlier, or confirm later.")
    patience_ms = rules.request_timeout_ms * (1 + rules.request_retries)
    if 2 * median_ms > patience_ms:
        what = f"buyers give up a request after {patience_ms / MS_PER_SECOND:g} s, before the answer comes"
        yield warning("request_timeout_ms", what, "Wait longer, or repeat more often.")
    elif 2 * median_ms > rules.request_timeout_ms:
        what = (
            f"buyers repeat a request after {rules.request_timeout_ms / MS_PER_SECOND:g} s, before the answer"
        )
        yield warning("request_timeout_ms", what, "Wait longer: every message is sent twice or more.")
    if 2 * median_ms > rules.reservation_ms:
        what = f"reservations end after {rules.reservation_s:g} s, before the confirmation comes"
        yield warning("reservation_s", what, "Reserve for longer.")
